package dev.holdfast.epoll;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** A JVM of its own that runs one of the test's programs, and can be stopped and continued; it never outlives the test. */
final class ChildJvm implements AutoCloseable {
    private final Process process;
    private final PrintStream input;
    private final Thread killer;
    private final List<Line> lines = Collections.synchronizedList(new ArrayList<>());

    /** What it printed, and when we had read it. */
    record Line(long nanos, String text) {}

    /** Inside {@code [asked, continued]} the process did not run, and throughout {@code [stopped, resumed]} nothing of it did. */
    record Stop(long asked, long stopped, long resumed, long continued) {
        Duration atLeast() {
            return Duration.ofNanos(resumed - stopped);
        }

        Duration atMost() {
            return Duration.ofNanos(continued - asked);
        }
    }

    ChildJvm(Class<?> program) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (Runtime.version().feature() >= 24) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        Collections.addAll(command, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx64m");
        Collections.addAll(command, "-Dio.netty.leakDetection.level=paranoid");
        Collections.addAll(command, "-cp", System.getProperty("java.class.path"), program.getName());
        process = new ProcessBuilder(command).redirectErrorStream(true).start();
        killer = new Thread(process::destroyForcibly, "child-killer");
        Runtime.getRuntime().addShutdownHook(killer);
        input = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        Thread reader = new Thread(this::read, "child-lines");
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            for (String text = output.readLine(); text != null; text = output.readLine()) {
                synchronized (lines) {
                    lines.add(new Line(System.nanoTime(), text));
                    lines.notifyAll();
                }
            }
        } catch (IOException closed) {
            // the process was ended
        }
    }

    void tell(String line) {
        input.println(line);
    }

    /** Everything printed so far. */
    List<Line> lines() {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    /** Waits until what was printed satisfies a condition; fails after 20 s. */
    void await(String what, Predicate<List<Line>> condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        synchronized (lines) {
            while (!condition.test(List.copyOf(lines))) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    throw new AssertionError(what + ": not in 20 s, but " + lines);
                }
                TimeUnit.NANOSECONDS.timedWait(lines, left);
            }
        }
    }

    /** Stops the process; none of its threads runs any more when this returns. */
    Stopped stop() throws IOException, InterruptedException {
        long asked = System.nanoTime();
        signal("-STOP");
        long end = asked + TimeUnit.SECONDS.toNanos(10);
        while (!allThreadsAreStopped()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("not stopped in 10 s");
            }
            LockSupport.parkNanos(500_000);
        }
        return new Stopped(asked, System.nanoTime());
    }

    private boolean allThreadsAreStopped() throws IOException {
        try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(process.pid()), "task"))) {
            return threads.allMatch(ChildJvm::isStopped);
        }
    }

    private static boolean isStopped(Path thread) {
        try {
            String stat = Files.readString(thread.resolve("stat"), StandardCharsets.ISO_8859_1);
            return stat.charAt(stat.lastIndexOf(')') + 2) == 'T';
        } catch (NoSuchFileException ended) {
            return true;
        } catch (IOException unexpected) {
            throw new UncheckedIOException(unexpected);
        }
    }

    private void signal(String name) throws IOException, InterruptedException {
        int exit = new ProcessBuilder("kill", name, Long.toString(process.pid()))
                .inheritIO()
                .start()
                .waitFor();
        if (exit != 0) {
            throw new AssertionError("kill " + name + " ended with " + exit);
        }
    }

    /** A process that is stopped. */
    final class Stopped {
        private final long asked;
        private final long since;

        private Stopped(long asked, long since) {
            this.asked = asked;
            this.since = since;
        }

        /** Waits until it has been stopped for so long. */
        Stopped lasting(Duration length) {
            for (long left = length.toNanos(); left > 0; left = since + length.toNanos() - System.nanoTime()) {
                LockSupport.parkNanos(Math.min(left, since + length.toNanos() - System.nanoTime()));
            }
            return this;
        }

        Stop resume() throws IOException, InterruptedException {
            long resumed = System.nanoTime();
            signal("-CONT");
            return new Stop(asked, since, resumed, System.nanoTime());
        }
    }

    /** Ends the process, stopped or not. */
    @Override
    public void close() {
        process.destroyForcibly();
        process.onExit().join();
        Runtime.getRuntime().removeShutdownHook(killer);
    }
}
