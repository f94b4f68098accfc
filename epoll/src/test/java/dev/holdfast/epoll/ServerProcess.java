package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** A {@link ServerProgram} in a process that may have only so many descriptors; it never outlives the test. */
final class ServerProcess implements AutoCloseable {
    private final Process process;
    private final PrintStream input;
    private final Thread killer;
    private final List<String> lines = Collections.synchronizedList(new ArrayList<>());
    private final int port;
    private int asked;

    /** @param directory for its jars */
    ServerProcess(String transport, int descriptors, Path directory) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        Collections.addAll(command, "sh", "-c", "ulimit -n " + descriptors + " && exec \"$@\"", "sh");
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (Runtime.version().feature() >= 24) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        // The JVM itself would raise its limit to the hard one; it is the same here, and the option says what is meant.
        Collections.addAll(command, "-XX:-MaxFDLimit", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx64m");
        command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
        Collections.addAll(command, "-cp", classPath(directory), ServerProgram.class.getName());
        command.add(transport);
        process = new ProcessBuilder(command).redirectErrorStream(true).start();
        killer = new Thread(process::destroyForcibly, "server-killer");
        Runtime.getRuntime().addShutdownHook(killer);
        input = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        Thread reader = new Thread(this::read, "server-lines");
        reader.setDaemon(true);
        reader.start();
        try {
            port = Integer.parseInt(await(line -> line.startsWith("port ")).substring(5));
        } catch (InterruptedException | RuntimeException | Error failed) {
            close();
            throw failed;
        }
    }

    /** Directories become jars, as in production: a class in a directory takes a descriptor to be loaded. */
    private static String classPath(Path directory) throws IOException {
        List<String> entries = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            Path path = Path.of(entry);
            entries.add(
                    Files.isDirectory(path)
                            ? jar(path, directory.resolve(entries.size() + ".jar"))
                                    .toString()
                            : entry);
        }
        return String.join(File.pathSeparator, entries);
    }

    private static Path jar(Path classes, Path jar) throws IOException {
        if (!Files.exists(jar)) {
            try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar));
                    Stream<Path> files = Files.walk(classes)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    out.putNextEntry(new ZipEntry(classes.relativize(file).toString()));
                    Files.copy(file, out);
                }
            }
        }
        return jar;
    }

    private void read() {
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                synchronized (lines) {
                    lines.add(line);
                    lines.notifyAll();
                }
            }
        } catch (IOException closed) {
            // the process was ended
        }
    }

    private String await(Predicate<String> wanted) throws InterruptedException {
        long end = System.nanoTime() + ServerScene.PATIENCE.toNanos();
        synchronized (lines) {
            while (lines.stream().noneMatch(wanted)) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    throw new AssertionError("not within " + ServerScene.PATIENCE + ", but " + lines);
                }
                TimeUnit.NANOSECONDS.timedWait(lines, left);
            }
            return lines.stream().filter(wanted).findFirst().orElseThrow();
        }
    }

    InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    /** Everything printed so far, the log among it. */
    List<String> lines() {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    /** Its connections at this moment. */
    int ups() throws InterruptedException {
        String question = "question-" + ++asked;
        input.println(question);
        String answer = await(line -> line.startsWith(question + " "));
        return Integer.parseInt(answer.substring(answer.lastIndexOf(' ') + 1));
    }

    /** How many descriptors it holds. */
    int descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc", Long.toString(process.pid()), "fd"))) {
            return (int) open.count();
        }
    }

    /** The time that all its threads together have had of the processors. */
    Duration cpu() {
        return process.info().totalCpuDuration().orElseThrow();
    }

    void assertRuns() {
        assertThat(process.isAlive()).as(() -> String.join("\n", lines())).isTrue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        process.onExit().join();
        Runtime.getRuntime().removeShutdownHook(killer);
    }
}
