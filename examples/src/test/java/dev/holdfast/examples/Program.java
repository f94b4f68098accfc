package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The command line in a JVM of its own, as a user runs it. */
final class Program implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 30;

    private final Process process;
    private final BlockingQueue<String> out = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> err = new LinkedBlockingQueue<>();
    private final Thread outReader;
    private final Thread errReader;

    private Program(Process process) {
        this.process = process;
        this.outReader = reader(process.getInputStream(), out::add);
        this.errReader = reader(process.getErrorStream(), err::add);
    }

    static Program start(String... arguments) throws IOException {
        return start(Holdfast.class, arguments);
    }

    /** Another main of this module. */
    static Program start(Class<?> main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC"));
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        return new Program(new ProcessBuilder(command).start());
    }

    private static Thread reader(InputStream stream, java.util.function.Consumer<String> sink) {
        Thread thread = new Thread(() -> {
            try (BufferedReader lines =
                    new BufferedReader(new java.io.InputStreamReader(stream, StandardCharsets.UTF_8))) {
                lines.lines().forEach(sink);
            } catch (IOException | UncheckedIOException closed) {
                // the process is gone
            }
        });
        thread.start();
        return thread;
    }

    long pid() {
        return process.pid();
    }

    OutputStream input() {
        return process.getOutputStream();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** The next event of this name; others before it are passed over. */
    JsonObject event(String name) throws InterruptedException {
        long started = System.nanoTime();
        JsonObject event = next();
        while (!event.get("event").getAsString().equals(name)) {
            assertThat(System.nanoTime() - started)
                    .as("%s, after %s", name, event)
                    .isLessThan(TimeUnit.SECONDS.toNanos(2 * PATIENCE_SECONDS));
            event = next();
        }
        return event;
    }

    /** The next line of standard output. */
    String line() throws InterruptedException {
        String line = out.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (line == null) {
            throw new AssertionError("no line; standard error: " + err);
        }
        return line;
    }

    /** The next event. */
    JsonObject next() throws InterruptedException {
        return new Gson().fromJson(line(), JsonObject.class);
    }

    /** What is left of standard output, after the end. */
    List<String> rest() {
        return List.copyOf(out);
    }

    String errors() {
        return String.join("\n", err);
    }

    int exitCode() throws InterruptedException {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ends").isTrue();
        outReader.join();
        errReader.join();
        return process.exitValue();
    }

    /** Asks the process to end, by SIGTERM; what it still says can be read. */
    void terminate() {
        assertThat(process.toHandle().destroy()).isTrue();
    }

    /** Ends the process at once; its kernel closes its connections. */
    void kill() {
        process.destroyForcibly();
    }

    @Override
    public void close() {
        kill();
    }
}
