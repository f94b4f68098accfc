package dev.holdfast.wire;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** One file of test vectors: lines of {@code key: value}, and comments that begin with {@code #}. */
final class Vector {
    static final Path PROTOCOL = Path.of("src/test/resources/protocol");

    private final Path file;
    private final List<String> lines;

    private Vector(Path file) throws IOException {
        this.file = file;
        this.lines = Files.readAllLines(file);
    }

    /** All files of a directory below {@code protocol}, in order of their names. */
    static List<Vector> in(String directory) {
        try (Stream<Path> files = Files.list(PROTOCOL.resolve(directory))) {
            var vectors = new ArrayList<Vector>();
            for (Path file : files.sorted().toList()) {
                vectors.add(new Vector(file));
            }
            return vectors;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What all lines of a key say. */
    List<String> all(String key) {
        return lines.stream()
                .filter(line -> line.startsWith(key + ":"))
                .map(line -> line.substring(key.length() + 1).strip())
                .toList();
    }

    /** What the one line of a key says. */
    String one(String key) {
        List<String> values = all(key);
        if (values.size() != 1) {
            throw new IllegalArgumentException(file + ": " + values.size() + " lines of " + key);
        }
        return values.get(0);
    }

    /** The bytes that stand in all lines of a key. */
    byte[] bytes(String key) {
        return Bytes.hex(String.join("", all(key)));
    }

    String name() {
        return file.getFileName().toString().replace(".txt", "");
    }

    @Override
    public String toString() {
        return name();
    }
}
