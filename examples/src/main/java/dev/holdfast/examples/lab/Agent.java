package dev.holdfast.examples.lab;

import com.google.gson.JsonObject;
import dev.holdfast.policy.KernelSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** A {@link LabAgent} in a namespace, as the lab holds it. */
final class Agent implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 60;

    private final Process process;
    private final PrintStream orders;
    private final Map<Integer, Consumer<JsonObject>> listeners = new ConcurrentHashMap<>();
    private final CompletableFuture<JsonObject> hello = new CompletableFuture<>();

    private Agent(Process process) {
        this.process = process;
        this.orders = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        Thread reader = new Thread(this::read, "lab-agent-" + process.pid());
        reader.setDaemon(true);
        reader.start();
    }

    static Agent start(String namespace) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto"));
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), LabAgent.class.getName()));
        ProcessBuilder builder = Command.builder(Namespaces.inside(namespace, command));
        builder.environment().put("LC_ALL", "C.UTF-8"); // errors of Java's own sockets are text
        return new Agent(builder.redirectError(ProcessBuilder.Redirect.INHERIT).start());
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            lines.lines().map(Wire::read).forEach(this::dispatch);
        } catch (IOException | UncheckedIOException gone) {
            // the process has ended; who waits for it will say so
        }
        hello.completeExceptionally(new IOException("the agent ended before it began"));
    }

    private void dispatch(JsonObject event) {
        if (Wire.text(event, "event").equals("hello")) {
            hello.complete(event);
            return;
        }
        Consumer<JsonObject> listener = listeners.get(event.get("id").getAsInt());
        if (listener != null) {
            listener.accept(event);
        }
    }

    /**
     * The settings of the agent's namespace, as it read them. Waits for its start.
     *
     * @throws IOException if it does not start, or does not share this process's clock
     */
    KernelSettings kernel() throws IOException, InterruptedException {
        try {
            JsonObject first = hello.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            long age = System.nanoTime() - Wire.number(first, "nanos");
            if (age < 0 || age > TimeUnit.MINUTES.toNanos(10)) {
                throw new IOException("the agent's monotonic clock is not ours: " + age + " ns apart");
            }
            return KernelSettings.parse(Wire.text(first, "kernel"), "the lab's namespace");
        } catch (ExecutionException | TimeoutException failed) {
            throw new IOException("the agent did not start", failed);
        }
    }

    void listen(int id, Consumer<JsonObject> listener) {
        listeners.put(id, listener);
    }

    synchronized void order(JsonObject order) {
        orders.println(Wire.line(order));
    }

    /** Sends a signal: STOP or CONT. */
    void signal(String name) throws IOException {
        Command.run(
                List.of("sh", "-c", "kill -" + name + " " + process.pid())); // the program is not installed everywhere
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
