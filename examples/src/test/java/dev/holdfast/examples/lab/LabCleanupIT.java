package dev.holdfast.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.holdfast.examples.Holdfast;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a lab leaves behind that is interrupted. */
class LabCleanupIT {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    @BeforeAll
    static void needsTheLab() {
        Prerequisites.missing().ifPresent(what -> {
            if ("required".equals(System.getenv("HOLDFAST_LAB"))) {
                throw new AssertionError(what);
            }
            abort("left out: " + what);
        });
    }

    private static Process lab() throws Exception {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holdfast.class.getName(),
                        "lab",
                        "idle")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static List<String> namespacesOf(Process lab) throws Exception {
        return Command.run(List.of("ip", "netns", "list"))
                .lines()
                .map(line -> line.split(" ", 2)[0])
                .filter(name -> name.startsWith("holdfast-lab-" + lab.pid() + "-"))
                .toList();
    }

    private static List<String> processesIn(String namespace) throws Exception {
        return Command.run(List.of("ip", "netns", "pids", namespace)).lines().toList();
    }

    /** Until the client's namespace, the last, is there and an agent runs in it. */
    private static List<String> awaitAgents(Process lab) throws Exception {
        long start = System.nanoTime();
        while (System.nanoTime() - start < PATIENCE_NANOS) {
            List<String> namespaces = namespacesOf(lab);
            for (String each : namespaces) {
                if (each.endsWith("-plain") && !processesIn(each).isEmpty()) {
                    return namespaces;
                }
            }
            assertThat(lab.isAlive()).as("the lab runs").isTrue();
        }
        throw new AssertionError("no agent");
    }

    @Test
    void lab_interrupted_removesEverything() throws Exception {
        Process lab = lab();
        awaitAgents(lab);
        Command.run(List.of("sh", "-c", "kill -INT " + lab.pid()));

        assertThat(lab.waitFor(PATIENCE_NANOS, TimeUnit.NANOSECONDS)).isTrue();
        assertThat(namespacesOf(lab)).isEmpty();
    }

    @Test
    void lab_killed_isCleanedUpByTheNext() throws Exception {
        Process lab = lab();
        List<String> namespaces = awaitAgents(lab);
        lab.destroyForcibly();
        assertThat(lab.waitFor(PATIENCE_NANOS, TimeUnit.NANOSECONDS)).isTrue();
        assertThat(namespacesOf(lab)).containsAll(namespaces);

        new Namespaces().close();

        assertThat(namespacesOf(lab)).isEmpty();
    }
}
