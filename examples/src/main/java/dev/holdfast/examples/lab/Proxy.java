package dev.holdfast.examples.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A haproxy in tcp mode, in the server's namespace, between one port and the next. */
final class Proxy implements AutoCloseable {
    /** Its {@code timeout client} and {@code timeout server}. */
    static final Duration IDLE = Duration.ofSeconds(4);

    private final Process process;
    private final Path configuration;

    Proxy(String namespace, int port) throws IOException {
        configuration = Files.createTempFile("holdfast-lab", ".cfg");
        configuration.toFile().deleteOnExit();
        Files.writeString(configuration, """
                defaults
                  mode tcp
                  timeout connect 2s
                  timeout client %1$ds
                  timeout server %1$ds
                listen lab
                  bind %2$s:%3$d
                  server backend %2$s:%4$d
                """.formatted(IDLE.toSeconds(), Network.SERVER, port, port + 1));
        process = Command.builder(
                        Namespaces.inside(namespace, List.of("haproxy", "-db", "-q", "-f", configuration.toString())))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        Files.deleteIfExists(configuration);
    }
}
