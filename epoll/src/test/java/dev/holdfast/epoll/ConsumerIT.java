package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * An application outside the build, compiled and run against the packaged jars that come with the one dependency {@code
 * holdfast-epoll}: it gets epoll on the class path and on the module path, and NIO where the epoll module is missing.
 */
class ConsumerIT {
    private static final Path SOURCES = Path.of("src/consumer/java").toAbsolutePath();
    private static final Path EPOLL_JAR = Path.of(System.getProperty("holdfast.jar"));
    private static final List<Path> DEPENDENCIES = Stream.of(
                    System.getProperty("holdfast.runtimeClassPath").split(File.pathSeparator, -1))
            .map(Path::of)
            .toList();

    private static Path work;

    private record Output(int exit, String out, String err) {}

    @BeforeAll
    static void createDirectory() throws IOException {
        work = Files.createTempDirectory(Files.createDirectories(Path.of("target/consumer")), "run")
                .toAbsolutePath();
    }

    @Test
    void jars_arePackaged() {
        assertThat(EPOLL_JAR).isRegularFile().hasFileName("holdfast-epoll-" + version() + ".jar");
        assertThat(DEPENDENCIES).allSatisfy(path -> assertThat(path).isRegularFile());
        assertThat(DEPENDENCIES)
                .extracting(path -> path.getFileName().toString())
                .contains("holdfast-core-" + version() + ".jar")
                .anyMatch(name -> name.endsWith("linux-x86_64.jar"))
                .anyMatch(name -> name.endsWith("linux-aarch_64.jar"));
    }

    @Test
    void classPath_oneDependency_usesEpoll() throws Exception {
        Path classes = work.resolve("class-path");
        String libraries = join(withEpoll());
        compile("-d", classes.toString(), "-cp", libraries, source("consumer/ConsumerService.java"));

        Output output =
                java("ALL-UNNAMED", "-cp", classes + File.pathSeparator + libraries, "consumer.ConsumerService");

        assertTransport(output, "epoll");
    }

    @Test
    void modulePath_requiresOnlyHoldfast_usesEpoll() throws Exception {
        Path classes = compileModule("module-path", withEpoll());

        Output output = java(
                "io.netty.common",
                "-p",
                classes + File.pathSeparator + join(withEpoll()),
                "-m",
                "consumer/consumer.ConsumerService");

        assertTransport(output, "epoll");
    }

    @Test
    void modulePath_withoutEpollModule_usesNio() throws Exception {
        Path classes = compileModule("module-path-nio", DEPENDENCIES);

        Output output = java(
                "io.netty.common",
                "-p",
                classes + File.pathSeparator + join(DEPENDENCIES),
                "-m",
                "consumer/consumer.ConsumerService");

        assertTransport(output, "nio");
    }

    private static Path compileModule(String name, List<Path> libraries) throws Exception {
        Path classes = work.resolve(name);
        compile(
                "-d",
                classes.toString(),
                "-p",
                join(libraries),
                source("module-info.java"),
                source("consumer/ConsumerService.java"));
        return classes;
    }

    private static void compile(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(tool("javac"), "--release", "17", "-Xlint:all", "-Werror"));
        command.addAll(List.of(arguments));
        Output output = run(command);
        assertThat(output.exit()).as("javac: %s%s", output.out(), output.err()).isZero();
    }

    /** Runs a program; {@code nativeAccess} names what may load native code, where the JDK asks for that. */
    private static Output java(String nativeAccess, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(tool("java")));
        if (Runtime.version().feature() >= 24) {
            command.add("--enable-native-access=" + nativeAccess);
        }
        command.addAll(List.of(arguments));
        return run(command);
    }

    private static void assertTransport(Output output, String expected) {
        assertThat(output.exit()).as(output.err()).isZero();
        assertThat(output.out().lines()).contains("transport=" + expected);
        assertThat(output.err()).doesNotContain("WARNING", "native access");
    }

    private static Output run(List<String> command) throws Exception {
        Path out = Files.createTempFile(work, "out", ".txt");
        Path err = Files.createTempFile(work, "err", ".txt");
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS))
                    .as("%s ends", command)
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Output(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    private static List<Path> withEpoll() {
        return Stream.concat(Stream.of(EPOLL_JAR), DEPENDENCIES.stream()).toList();
    }

    private static String join(List<Path> paths) {
        return String.join(
                File.pathSeparator, paths.stream().map(Path::toString).toList());
    }

    private static String source(String file) {
        return SOURCES.resolve(file).toString();
    }

    private static String tool(String name) {
        return Path.of(System.getProperty("java.home"), "bin", name).toString();
    }

    private static String version() {
        return System.getProperty("holdfast.version");
    }
}
