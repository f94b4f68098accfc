package dev.holdfast.policy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads kernel settings from text: sysctl.conf(5), and what {@code sysctl -a} prints. One parse an object. */
final class SysctlText {
    /** Ten times what {@code sysctl -a} prints on a large machine; a wrong file must not fill the memory. */
    private static final int MAX_BYTES = 4 << 20;

    private static final int SHOWN_CHARACTERS = 60;
    private static final String RELEASE_KEY = "kernel.osrelease";

    private final String source;
    private final EnumMap<Sysctl, Integer> values = new EnumMap<>(Sysctl.class);
    private final EnumMap<Sysctl, Integer> lines = new EnumMap<>(Sysctl.class);
    private final Set<String> unused = new LinkedHashSet<>();
    private KernelRelease release = KernelRelease.UNKNOWN;

    private SysctlText(String source) {
        this.source = source;
    }

    static KernelSettings read(Path file) throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        }
        if (bytes.length > MAX_BYTES) {
            throw new IOException("longer than " + MAX_BYTES + " bytes");
        }
        try {
            return parse(
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(bytes))
                            .toString(),
                    file.toString());
        } catch (CharacterCodingException binary) {
            throw new IOException("no text in UTF-8", binary);
        }
    }

    static KernelSettings parse(String text, String source) {
        SysctlText parser = new SysctlText(source);
        int number = 0;
        for (String line : text.lines().toList()) {
            parser.line(++number, line.strip());
        }
        return parser.settings();
    }

    private void line(int number, String line) {
        if (line.isEmpty() || line.startsWith("#") || line.startsWith(";")) {
            return;
        }
        int equals = line.indexOf('=');
        if (equals < 1) {
            throw bad(number, line, "expected: KEY = VALUE, a comment after # or ;, or nothing");
        }
        // sysctl.conf(5): a leading - ignores errors, and / may stand for the dots
        String key =
                line.substring(line.startsWith("-") ? 1 : 0, equals).strip().replace('/', '.');
        String value = line.substring(equals + 1).strip();
        Optional<Sysctl> known = Sysctl.ofKey(key);
        if (known.isPresent()) {
            put(number, known.get(), line, value);
        } else if (key.equals(RELEASE_KEY)) {
            release = new KernelRelease(Optional.of(value));
        } else {
            unused.add(key);
        }
    }

    private void put(int number, Sysctl sysctl, String line, String value) {
        Integer earlier = lines.put(sysctl, number);
        if (earlier != null) {
            throw bad(number, line, "expected: each setting once; it is in line " + earlier + " already");
        }
        values.put(sysctl, value(sysctl, value).orElseThrow(() -> bad(number, line, sysctl.rule())));
    }

    /** The value, or empty if it is no number or out of range. */
    static Optional<Integer> value(Sysctl sysctl, String text) {
        try {
            long value = Long.parseLong(text);
            return sysctl.accepts(value) ? Optional.of((int) value) : Optional.empty();
        } catch (NumberFormatException malformed) {
            return Optional.empty();
        }
    }

    private KernelSettings settings() {
        if (values.isEmpty()) {
            throw new IllegalArgumentException(
                    source + ": none of its " + unused.size() + " keys is of use here (expected: lines as "
                            + Sysctl.RETRIES2.key + " = 15, as sysctl -a prints them)");
        }
        return complete(values, release, source, List.copyOf(unused));
    }

    /** Fills in what is missing and names it. */
    static KernelSettings complete(
            Map<Sysctl, Integer> found, KernelRelease release, String source, List<String> unused) {
        EnumMap<Sysctl, Integer> all = new EnumMap<>(Sysctl.class);
        List<String> assumed = new ArrayList<>();
        for (Sysctl each : Sysctl.values()) {
            Integer value = found.get(each);
            all.put(each, value == null ? each.defaultOf(release) : value);
            if (value == null) {
                assumed.add(each.key);
            }
        }
        return new KernelSettings(all, release, source, assumed, unused);
    }

    private IllegalArgumentException bad(int number, String line, String rule) {
        StringBuilder shown = new StringBuilder();
        line.codePoints()
                .limit(SHOWN_CHARACTERS)
                .forEach(point -> shown.appendCodePoint(Character.isISOControl(point) ? '?' : point));
        return new IllegalArgumentException(source + ", line " + number + ": '" + shown + "' (" + rule + ")");
    }
}
