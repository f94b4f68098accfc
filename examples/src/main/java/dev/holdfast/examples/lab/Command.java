package dev.holdfast.examples.lab;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Programs of the system: {@code ip}, {@code nft} and the like. */
final class Command {
    private static final long PATIENCE_SECONDS = 20;
    /** Where ip lives is not on everybody's path. */
    private static final List<String> ALSO = List.of("/usr/sbin", "/sbin", "/usr/local/sbin");

    private Command() {}

    /**
     * Runs a program to its end and gives what it printed.
     *
     * @throws IOException if it cannot be started, ends with another code than 0 or does not end; with what it printed
     */
    static String run(List<String> command) throws IOException {
        return run(command, "");
    }

    /** As {@link #run(List)}, with a standard input. */
    static String run(List<String> command, String input) throws IOException {
        Process process = builder(command).redirectErrorStream(true).start();
        try (OutputStream in = process.getOutputStream()) {
            in.write(input.getBytes(StandardCharsets.UTF_8));
        }
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (exitCode(process) != 0) {
            throw new IOException(String.join(" ", command) + ": " + output);
        }
        return output;
    }

    static ProcessBuilder builder(List<String> command) {
        ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(command));
        builder.environment().merge("PATH", String.join(":", ALSO), (path, also) -> path + ":" + also);
        builder.command().set(0, find(command.get(0)));
        return builder;
    }

    /** The child's path does not help the search for the child. */
    private static String find(String program) {
        return program.contains("/") || onPath(program)
                ? program
                : ALSO.stream()
                        .map(folder -> Path.of(folder, program))
                        .filter(Files::isExecutable)
                        .map(Path::toString)
                        .findFirst()
                        .orElse(program);
    }

    static boolean isInstalled(String program) {
        return !find(program).equals(program) || onPath(program);
    }

    private static boolean onPath(String program) {
        for (String folder : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
            if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, program))) {
                return true;
            }
        }
        return false;
    }

    private static int exitCode(Process process) throws IOException {
        try {
            if (process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                return process.exitValue();
            }
            process.destroyForcibly();
            throw new IOException("no end after " + PATIENCE_SECONDS + " s: " + process.info());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
            throw new IOException("interrupted", interrupted);
        }
    }
}
