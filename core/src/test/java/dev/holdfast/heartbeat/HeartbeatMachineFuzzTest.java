package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatMachine.Action;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever happens to a machine, in whatever order: what {@link ScriptedMachine} watches for holds. A failure is told as the
 * shortest script that shows it; put into a file of the corpus, it is run first from then on.
 */
class HeartbeatMachineFuzzTest {
    /** To try one seed again, or longer: {@code -Dfuzz.seed=... -Dfuzz.scripts=...}. */
    private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime());

    private static final int SCRIPTS = Integer.getInteger("fuzz.scripts", 12_000);
    private static final Path CORPUS = Path.of("src/test/resources/heartbeat/corpus");

    static List<Path> corpus() throws IOException {
        try (Stream<Path> files = Files.list(CORPUS)) {
            return files.sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("corpus")
    void corpus_isRunWithoutFault(Path file) throws IOException {
        HeartbeatScript script = HeartbeatScript.parse(Files.readString(file));
        assertThat(HeartbeatScript.parse(script.toString())).isEqualTo(script);

        assertThat(run(script).done).isNotEmpty();
    }

    @Test
    void randomBytes_areRunWithoutFault() {
        System.out.println("HeartbeatMachineFuzzTest fuzz.seed " + SEED + ", scripts " + SCRIPTS);
        var random = new Random(SEED);
        Map<Action, Integer> done = new EnumMap<>(Action.class);
        int deaths = 0;
        for (int i = 0; i < SCRIPTS; i++) {
            byte[] bytes = new byte[random.nextInt(400)];
            random.nextBytes(bytes);
            ScriptedMachine machine = run(HeartbeatScript.of(bytes));
            machine.done.forEach((action, times) -> done.merge(action, times, Integer::sum));
            deaths += machine.deaths;
        }
        System.out.println("done " + done + ", deaths " + deaths);
        assertThat(done.keySet()).as("what the scripts led to").contains(Action.BEAT, Action.SUSPECT, Action.JUDGE);
        assertThat(deaths).isPositive();
    }

    private static ScriptedMachine run(HeartbeatScript script) {
        var machine = new ScriptedMachine(script);
        try {
            machine.run(script);
        } catch (RuntimeException | AssertionError failure) {
            HeartbeatScript shortest = shorten(script);
            throw new AssertionError("seed " + SEED + ", script:\n" + shortest, failureOf(shortest, failure));
        }
        return machine;
    }

    /** Leaves out one event after the other, for as long as it still fails without. */
    private static HeartbeatScript shorten(HeartbeatScript script) {
        HeartbeatScript shortest = script;
        for (int i = script.events().size() - 1; i >= 0; i--) {
            List<HeartbeatScript.Event> fewer = new ArrayList<>(shortest.events());
            fewer.remove(i);
            HeartbeatScript without = shortest.with(fewer);
            if (fails(without)) {
                shortest = without;
            }
        }
        return shortest;
    }

    private static boolean fails(HeartbeatScript script) {
        try {
            new ScriptedMachine(script).run(script);
            return false;
        } catch (RuntimeException | AssertionError failure) {
            return true;
        }
    }

    private static Throwable failureOf(HeartbeatScript script, Throwable otherwise) {
        try {
            new ScriptedMachine(script).run(script);
            return otherwise;
        } catch (RuntimeException | AssertionError failure) {
            return failure;
        }
    }
}
