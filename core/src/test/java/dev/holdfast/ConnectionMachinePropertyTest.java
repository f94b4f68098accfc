package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Random events, right ones and late ones, on virtual time: whatever comes in, the steps are legal, there is at most one attempt, late
 * events change nothing, every delay is in its range, and there is one end. Then the network heals, and the connection is back.
 */
class ConnectionMachinePropertyTest {
    private static final int LIVES = 100_000;

    enum Input {
        START,
        WAITED,
        RESOLVED,
        CONNECTED,
        HANDSHAKEN,
        ENDED,
        ROUND_FAILED,
        RECONNECT_NOW,
        MOVE,
        END
    }

    record Step(ConnectionState from, Input input, ConnectionState to) {}

    /** Everything that may happen: state, input, and where it may lead to. What is not here must change nothing. */
    private static final String STEPS = """
            IDLE START WAITING
            IDLE END CLOSED
            WAITING WAITED RESOLVING
            WAITING RECONNECT_NOW WAITING
            WAITING END CLOSED
            RESOLVING RESOLVED CONNECTING WAITING CLOSED
            RESOLVING ROUND_FAILED WAITING CLOSED
            RESOLVING END CLOSED
            CONNECTING CONNECTED HANDSHAKING
            CONNECTING ENDED CONNECTING WAITING CLOSED
            CONNECTING ROUND_FAILED WAITING CLOSED
            CONNECTING END CLOSED
            HANDSHAKING HANDSHAKEN UP
            HANDSHAKING ENDED CONNECTING WAITING CLOSED
            HANDSHAKING ROUND_FAILED WAITING CLOSED
            HANDSHAKING END CLOSED
            UP ENDED WAITING CLOSED
            UP RECONNECT_NOW DRAINING
            UP MOVE DRAINING
            UP END DRAINING
            DRAINING ENDED WAITING CLOSED
            DRAINING END DRAINING
            """;

    private static final Map<ConnectionState, Map<Input, Set<ConnectionState>>> LEGAL = legal();

    private static Map<ConnectionState, Map<Input, Set<ConnectionState>>> legal() {
        Map<ConnectionState, Map<Input, Set<ConnectionState>>> legal = new EnumMap<>(ConnectionState.class);
        for (ConnectionState state : ConnectionState.values()) {
            legal.put(state, new EnumMap<>(Input.class));
        }
        for (String line : STEPS.lines().toList()) {
            List<String> words = List.of(line.split(" "));
            Set<ConnectionState> targets = EnumSet.noneOf(ConnectionState.class);
            words.subList(2, words.size()).forEach(word -> targets.add(ConnectionState.valueOf(word)));
            Objects.requireNonNull(legal.get(ConnectionState.valueOf(words.get(0))))
                    .put(Input.valueOf(words.get(1)), targets);
        }
        return legal;
    }

    /** What means something in a state, and where it may lead to. */
    static Map<Input, Set<ConnectionState>> legalIn(ConnectionState state) {
        return Objects.requireNonNull(LEGAL.get(state));
    }

    @Test
    void invariants_randomEventsInAnyOrder_holdAndTheConnectionComesBack() {
        long seed = new Random().nextLong();
        System.out.println("ConnectionMachinePropertyTest seed " + seed);
        Map<Step, Integer> steps = new HashMap<>();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < LIVES; i++) {
            new ConnectionMachineLife(random.split(), "seed " + seed + ", life " + i, steps).run();
        }
        for (ConnectionState from : ConnectionState.values()) {
            legalIn(from)
                    .forEach((input, targets) -> targets.forEach(to -> {
                        Step step = new Step(from, input, to);
                        assertThat(steps.getOrDefault(step, 0))
                                .as(step + " was tried")
                                .isGreaterThan(500);
                    }));
        }
    }
}
