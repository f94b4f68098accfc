package dev.holdfast.policy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/** Reads the settings of the running kernel. */
final class ProcSettings {
    private ProcSettings() {}

    static KernelSettings read(Path proc, Path boot) {
        Path folder = proc.resolve("sys/net/ipv4");
        if (!Files.isDirectory(folder)) {
            return SysctlText.complete(
                    new EnumMap<>(Sysctl.class),
                    KernelRelease.UNKNOWN,
                    "Linux defaults, as this system has no " + folder,
                    List.of());
        }
        KernelRelease release = new KernelRelease(line(proc.resolve("sys/kernel/osrelease")));
        EnumMap<Sysctl, Integer> found = new EnumMap<>(Sysctl.class);
        for (Sysctl each : Sysctl.values()) {
            Path file = folder.resolve(each.key.substring(each.key.lastIndexOf('.') + 1));
            line(file).ifPresent(text -> found.put(each, value(each, text, file)));
        }
        // A kernel without this file has no linear timeouts, whatever its release.
        found.putIfAbsent(Sysctl.SYN_LINEAR_TIMEOUTS, 0);
        timerFrequency(proc, boot, release).ifPresent(hertz -> found.put(Sysctl.HZ, hertz));
        return SysctlText.complete(found, release, folder.toString(), List.of());
    }

    private static Integer value(Sysctl sysctl, String text, Path file) {
        return SysctlText.value(sysctl, text)
                .orElseThrow(() -> new IllegalArgumentException(file + ": " + text + " (" + sysctl.rule() + ")"));
    }

    /** The file's first line; empty if it is absent, empty or hidden from this process. */
    private static Optional<String> line(Path file) {
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            return Optional.ofNullable(reader.readLine()).map(String::strip);
        } catch (IOException absent) {
            return Optional.empty();
        }
    }

    private static Optional<Integer> timerFrequency(Path proc, Path boot, KernelRelease release) {
        try (InputStream in = Files.newInputStream(proc.resolve("config.gz"));
                InputStream unzipped = new GZIPInputStream(in)) {
            return timerFrequency(unzipped);
        } catch (IOException | UncheckedIOException absent) {
            return release.text().flatMap(name -> timerFrequency(boot.resolve("config-" + name)));
        }
    }

    private static Optional<Integer> timerFrequency(Path config) {
        try (InputStream in = Files.newInputStream(config)) {
            return timerFrequency(in);
        } catch (IOException | UncheckedIOException absent) {
            return Optional.empty();
        }
    }

    private static Optional<Integer> timerFrequency(InputStream config) {
        String start = Sysctl.HZ.key + "=";
        return new BufferedReader(new InputStreamReader(config, StandardCharsets.ISO_8859_1))
                .lines()
                .filter(line -> line.startsWith(start))
                .findFirst()
                .flatMap(line -> SysctlText.value(Sysctl.HZ, line.substring(start.length())));
    }
}
