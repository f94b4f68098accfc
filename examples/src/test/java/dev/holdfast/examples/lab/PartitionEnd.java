package dev.holdfast.examples.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A {@link PartitionPeer} in its namespace, and all that it said. It never outlives the test. */
final class PartitionEnd implements AutoCloseable {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    final String name;
    private final Process process;
    private final PrintStream orders;
    private final List<Line> lines = new ArrayList<>();
    private final List<String> others = new ArrayList<>();

    /** One line: what it is about, when it was said, and the rest. */
    record Line(String what, long nanos, String details) {}

    PartitionEnd(String namespace, String role, String transport, String address, int port) throws IOException {
        name = role + " " + transport;
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dio.netty.leakDetection.level=paranoid"));
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), PartitionPeer.class.getName()));
        command.addAll(List.of(role, transport, address, String.valueOf(port)));
        process = Command.builder(Namespaces.inside(namespace, command))
                .redirectErrorStream(true)
                .start();
        orders = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        Thread reader = new Thread(this::read, "partition-" + name);
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String text = output.readLine(); text != null; text = output.readLine()) {
                take(text);
            }
        } catch (IOException gone) {
            // the process was ended
        }
    }

    private synchronized void take(String text) {
        String[] parts = text.split(" ", 3);
        if (parts.length == 3 && parts[1].matches("\\d+")) {
            lines.add(new Line(parts[0], Long.parseLong(parts[1]), parts[2]));
        } else {
            others.add(text); // the log
        }
        notifyAll();
    }

    synchronized List<Line> lines() {
        return List.copyOf(lines);
    }

    /** What it logged. */
    synchronized List<String> log() {
        return List.copyOf(others);
    }

    /** Waits for a line. */
    synchronized Line await(Predicate<Line> wanted, String what) throws InterruptedException {
        long start = System.nanoTime();
        while (true) {
            for (Line line : lines) {
                if (wanted.test(line)) {
                    return line;
                }
            }
            long left = PATIENCE_NANOS - (System.nanoTime() - start);
            if (left <= 0 || !process.isAlive()) {
                throw new AssertionError(name + ": no " + what + ", but " + lines + " and " + others);
            }
            wait(Math.min(1000, TimeUnit.NANOSECONDS.toMillis(left) + 1));
        }
    }

    void tell(String order) {
        orders.println(order);
    }

    /** Tells it to do something, and gives what it says then. */
    String ask(String order) throws InterruptedException {
        long asked = System.nanoTime();
        tell(order);
        return await(line -> line.what.equals(order) && line.nanos >= asked, order).details;
    }

    @Override
    public void close() {
        process.destroyForcibly();
        process.onExit().join();
    }
}
