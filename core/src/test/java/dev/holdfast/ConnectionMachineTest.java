package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.ConnectionMachine.Action;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.aggregator.ArgumentsAccessor;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The backoff is one second for each failure in a row, a connection is stable after 30 s, and the names resolve to A and B. */
class ConnectionMachineTest {
    private static final long S = 1_000_000_000;
    static final long STABLE = 30 * S;
    static final InetSocketAddress A = InetSocketAddress.createUnresolved("a", 7000);
    static final InetSocketAddress B = InetSocketAddress.createUnresolved("b", 7000);

    private final ConnectionMachine machine = machine(true);

    static ConnectionMachine machine(boolean reconnects) {
        ReconnectOptions options = ReconnectOptions.builder()
                .backoff((failures, random) -> Duration.ofSeconds(failures))
                .stableAfter(Duration.ofSeconds(30))
                .reconnect(reconnects)
                .build();
        return new ConnectionMachine(options, new SplittableRandom(1));
    }

    /** Brings a new machine there on the shortest way, with A and B resolved and up since 0. */
    static ConnectionMachine reach(ConnectionState state, ConnectionMachine machine) {
        if (state == ConnectionState.CLOSED) {
            machine.onEnd();
            return machine;
        }
        List<Runnable> way = List.of(
                machine::onStart,
                machine::onWaited,
                () -> machine.onResolved(1, List.of(A, B)),
                () -> machine.onConnected(1),
                () -> machine.onHandshaken(1, 0),
                () -> machine.onMove(true));
        for (int i = 0; machine.state() != state; i++) {
            way.get(i).run();
        }
        return machine;
    }

    /** Resolves to these and lets all of them fail; returns them in the order in which they were tried. */
    static List<InetSocketAddress> failingRound(ConnectionMachine machine, InetSocketAddress... found) {
        machine.onWaited();
        List<InetSocketAddress> tried = new ArrayList<>();
        Action action = machine.onResolved(machine.round(), List.of(found));
        while (action == Action.CONNECT) {
            tried.add(machine.address());
            action = machine.onEnded(machine.epoch(), 0, false, 0);
        }
        assertThat(action).isEqualTo(Action.WAIT);
        return tried;
    }

    /** An input, with the present numbers plus an offset. */
    private static Action input(String name, ConnectionMachine machine, int offset) {
        long round = machine.round() + offset;
        long epoch = machine.epoch() + offset;
        return switch (name) {
            case "start" -> machine.onStart();
            case "waited" -> machine.onWaited();
            case "resolved" -> machine.onResolved(round, List.of(A, B));
            case "connected" -> {
                machine.onConnected(epoch);
                yield Action.NONE;
            }
            case "handshaken" -> {
                ConnectionState before = machine.state();
                assertThat(machine.onHandshaken(epoch, 1)).isEqualTo(machine.state() != before);
                yield Action.NONE;
            }
            case "ended" -> machine.onEnded(epoch, 1, false, 0);
            case "roundFailed" -> machine.onRoundFailed(round, true);
            case "reconnectNow" -> machine.onReconnectNow();
            case "move" -> machine.onMove(true);
            case "end" -> machine.onEnd();
            default -> throw new AssertionError(name);
        };
    }

    /** What the caller has to do when the machine comes to a state. */
    static Action actionFor(ConnectionState state) {
        return switch (state) {
            case WAITING -> Action.WAIT;
            case RESOLVING -> Action.RESOLVE;
            case CONNECTING -> Action.CONNECT;
            case DRAINING -> Action.DRAIN;
            case CLOSED -> Action.END;
            case IDLE, HANDSHAKING, UP -> Action.NONE;
        };
    }

    private record Seen(ConnectionState state, long round, long epoch, int failures, long delayNanos, boolean moves) {
        static Seen of(ConnectionMachine machine) {
            return new Seen(
                    machine.state(),
                    machine.round(),
                    machine.epoch(),
                    machine.failures(),
                    machine.delayNanos(),
                    machine.moves());
        }
    }

    private static final String[] INPUTS = {
        "start", "waited", "resolved", "connected", "handshaken", "ended", "roundFailed", "reconnectNow", "move", "end"
    };

    /** The state after each input; "-" changes nothing, "!" throws. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            IDLE        | WAITING | -         | -          | -           | -  | -          | -       | !        | -        | CLOSED
            WAITING     | !       | RESOLVING | -          | -           | -  | -          | -       | -        | -        | CLOSED
            RESOLVING   | !       | -         | CONNECTING | -           | -  | -          | WAITING | -        | -        | CLOSED
            CONNECTING  | !       | -         | -          | HANDSHAKING | -  | CONNECTING | WAITING | -        | -        | CLOSED
            HANDSHAKING | !       | -         | -          | -           | UP | CONNECTING | WAITING | -        | -        | CLOSED
            UP          | !       | -         | -          | -           | -  | WAITING    | -       | DRAINING | DRAINING | DRAINING
            DRAINING    | !       | -         | -          | -           | -  | WAITING    | -       | -        | -        | DRAINING
            CLOSED      | !       | -         | -          | -           | -  | -          | -       | -        | -        | -
            """)
    void everyInput_inEveryState_leadsToTheStateOfTheTable(ArgumentsAccessor row) {
        ConnectionState state = ConnectionState.valueOf(Objects.requireNonNull(row.getString(0)));
        for (int i = 0; i < INPUTS.length; i++) {
            String name = INPUTS[i];
            String cell = Objects.requireNonNull(row.getString(i + 1));
            ConnectionMachine fresh = reach(state, machine(true));
            Seen before = Seen.of(fresh);
            if (cell.equals("!")) {
                assertThatThrownBy(() -> input(name, fresh, 0))
                        .as(name)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageMatching("connection: " + state + " to [A-Z]+ \\(expected: a legal step\\)");
                assertThat(Seen.of(fresh)).as(name).isEqualTo(before);
            } else if (cell.equals("-")) {
                assertThat(input(name, fresh, 0)).as(name).isEqualTo(Action.NONE);
                assertThat(Seen.of(fresh)).as(name).isEqualTo(before);
            } else {
                ConnectionState after = ConnectionState.valueOf(cell);
                assertThat(input(name, fresh, 0)).as(name).isEqualTo(actionFor(after));
                assertThat(fresh.state()).as(name).isEqualTo(after);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void event_ofAnotherRoundOrEpoch_changesNothing(ConnectionState state) {
        for (String name : List.of("resolved", "connected", "handshaken", "ended", "roundFailed")) {
            for (int offset : new int[] {-1, 1}) {
                ConnectionMachine fresh = reach(state, machine(true));
                Seen before = Seen.of(fresh);
                assertThat(input(name, fresh, offset)).as(name + offset).isEqualTo(Action.NONE);
                assertThat(Seen.of(fresh)).as(name + offset).isEqualTo(before);
            }
        }
    }

    @Test
    void start_waitsForNothingButTheSlot() {
        assertThat(machine.onStart()).isEqualTo(Action.WAIT);
        assertThat(machine.delayNanos()).isZero();
        assertThat(machine.failures()).isZero();
    }

    @Test
    void numbers_countRoundsAndAttempts() {
        reach(ConnectionState.CONNECTING, machine);
        assertThat(Seen.of(machine)).isEqualTo(new Seen(ConnectionState.CONNECTING, 1, 1, 0, 0, false));
        machine.onEnded(1, 0, false, 0);
        assertThat(Seen.of(machine)).isEqualTo(new Seen(ConnectionState.CONNECTING, 1, 2, 0, 0, false));
        machine.onEnded(2, 0, false, 0);
        assertThat(Seen.of(machine)).isEqualTo(new Seen(ConnectionState.WAITING, 1, 2, 1, S, false));
        machine.onWaited();
        assertThat(Seen.of(machine)).isEqualTo(new Seen(ConnectionState.RESOLVING, 2, 2, 1, S, false));
        machine.onResolved(2, List.of(A));
        assertThat(Seen.of(machine)).isEqualTo(new Seen(ConnectionState.CONNECTING, 2, 3, 1, S, false));
    }

    // Waiting

    @Test
    void failedRounds_inARow_countUp() {
        machine.onStart();
        for (int i = 1; i <= 5; i++) {
            failingRound(machine, A, B);
            assertThat(machine.failures()).isEqualTo(i);
            assertThat(machine.delayNanos()).isEqualTo(i * S);
        }
    }

    private void upAfterTwoFailures(long now) {
        machine.onStart();
        failingRound(machine, A);
        failingRound(machine, A);
        machine.onWaited();
        machine.onResolved(3, List.of(A));
        machine.onConnected(3);
        assertThat(machine.onHandshaken(3, now)).isTrue();
        assertThat(machine.failures()).as("not yet forgotten").isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({"0, 3", "29999999999, 3", "30000000000, 1", "30000000001, 1"})
    void death_belowAtAndAboveStableAfter_forgetsTheFailuresOnlyWhenStable(long age, int failures) {
        long upSince = Long.MAX_VALUE - 7; // the clock wraps meanwhile
        upAfterTwoFailures(upSince);
        assertThat(machine.onEnded(3, upSince + age, false, 0)).isEqualTo(Action.WAIT);
        assertThat(machine.failures()).isEqualTo(failures);
        assertThat(machine.delayNanos()).isEqualTo(failures * S);
    }

    @ParameterizedTest
    @CsvSource({"0, 3", "29999999999, 3", "30000000000, 0", "30000000001, 0"})
    void move_belowAtAndAboveStableAfter_waitsUnlessStable(long age, int failures) {
        upAfterTwoFailures(0);
        assertThat(machine.onMove(true)).isEqualTo(Action.DRAIN);
        assertThat(machine.moves()).isTrue();
        assertThat(machine.onEnded(3, age, false, 0)).isEqualTo(Action.WAIT);
        assertThat(machine.moves()).isFalse();
        assertThat(machine.failures()).isEqualTo(failures);
        assertThat(machine.delayNanos()).isEqualTo(failures * S);
    }

    @ParameterizedTest
    @CsvSource({"29999999999, 3", "30000000000, 1", "30000000001, 1"})
    void move_askedForByThePeer_waitsByTheBackoff(long age, int failures) {
        upAfterTwoFailures(0);
        assertThat(machine.onMove(false)).isEqualTo(Action.DRAIN);
        assertThat(machine.moves()).isTrue();
        assertThat(machine.onEnded(3, age, false, 0)).isEqualTo(Action.WAIT);
        assertThat(machine.failures()).isEqualTo(failures);
        assertThat(machine.delayNanos()).isEqualTo(failures * S);
    }

    @ParameterizedTest
    @EnumSource(names = {"RESOLVING", "HANDSHAKING", "UP", "DRAINING"})
    void backoff_thatFails_isTheEnd(ConnectionState state) {
        ReconnectOptions options = ReconnectOptions.builder()
                .backoff((failures, random) -> Duration.ofSeconds(-1))
                .build();
        ConnectionMachine broken = reach(state, new ConnectionMachine(options, new SplittableRandom(1)));
        assertThat(broken.problem()).isEmpty();
        boolean round = state == ConnectionState.RESOLVING;
        assertThat(round ? broken.onRoundFailed(1, true) : broken.onEnded(1, 0, false, 1))
                .isEqualTo(Action.END);
        assertThat(broken.problem()).isPresent();
        assertClosed(broken);
    }

    @Test
    void move_thenAnOrdinaryDeath_countsThatAsOne() {
        reach(ConnectionState.DRAINING, machine);
        machine.onEnded(1, STABLE, false, 0);
        machine.onWaited();
        machine.onResolved(2, List.of(A));
        machine.onConnected(2);
        machine.onHandshaken(2, STABLE);
        machine.onEnded(2, 2 * STABLE, false, 0);
        assertThat(machine.failures()).isEqualTo(1);
        assertThat(machine.delayNanos()).isEqualTo(S);
    }

    @ParameterizedTest
    @CsvSource({"CONNECTING, 0", "HANDSHAKING, 0", "UP, 0", "UP, 30", "DRAINING, 0", "DRAINING, 30"})
    void noEarlier_ofThePeer_isWaitedForBeforeTheBackoff(ConnectionState state, int age) {
        reach(state, machine);
        assertThat(machine.onEnded(1, age * S, false, 7 * S)).isEqualTo(Action.WAIT);
        assertThat(machine.delayNanos()).isEqualTo(8 * S);
        assertThat(machine.failures()).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "9223372035854775807, 9223372036854775807",
        "9223372035854775806, 9223372036854775806",
        "9223372036854775807, 9223372036854775807"
    })
    void noEarlier_beyondTheRange_isWaitedForAsLongAsCanBeCounted(long noEarlier, long delay) {
        reach(ConnectionState.UP, machine);
        machine.onEnded(1, 0, false, noEarlier);
        assertThat(machine.delayNanos()).isEqualTo(delay);
    }

    // The end

    @ParameterizedTest
    @CsvSource({"CONNECTING, 0", "HANDSHAKING, 0", "UP, 0", "UP, 30", "DRAINING, 0", "DRAINING, 30"})
    void ended_forGood_isTheEnd(ConnectionState state, int age) {
        reach(state, machine);
        assertThat(machine.onEnded(1, age * S, true, 0)).isEqualTo(Action.END);
        assertClosed(machine);
    }

    @Test
    void withoutReconnection_allAddressesAreTriedOnce() {
        ConnectionMachine once = reach(ConnectionState.CONNECTING, machine(false));
        assertThat(once.onEnded(1, 0, false, 0)).isEqualTo(Action.CONNECT);
        assertThat(once.address()).isEqualTo(B);
        assertThat(once.onEnded(2, 0, false, 0)).isEqualTo(Action.END);
        assertThat(once.failures()).isZero();
        assertClosed(once);
    }

    @ParameterizedTest
    @EnumSource(names = {"RESOLVING", "CONNECTING", "HANDSHAKING"})
    void withoutReconnection_failedRoundIsTheEnd(ConnectionState state) {
        ConnectionMachine once = reach(state, machine(false));
        assertThat(once.onRoundFailed(1, true)).isEqualTo(Action.END);
        assertClosed(once);
    }

    @ParameterizedTest
    @CsvSource({"UP, 0", "UP, 30", "DRAINING, 0", "DRAINING, 30"})
    void withoutReconnection_deathIsTheEnd(ConnectionState state, int age) {
        ConnectionMachine once = reach(state, machine(false));
        assertThat(once.moves()).isFalse();
        assertThat(once.onEnded(1, age * S, false, 0)).isEqualTo(Action.END);
        assertClosed(once);
    }

    @ParameterizedTest
    @EnumSource(names = {"UP", "DRAINING"})
    void end_ofAConnection_drainsAndNothingFollows(ConnectionState state) {
        reach(state, machine);
        assertThat(machine.onEnd()).isEqualTo(Action.DRAIN);
        assertThat(machine.moves()).isFalse();
        assertThat(machine.onMove(true)).isEqualTo(Action.NONE);
        assertThat(machine.onReconnectNow()).isEqualTo(Action.NONE);
        assertThat(machine.moves()).isFalse();
        assertThat(machine.onEnded(1, STABLE, false, 0)).isEqualTo(Action.END);
        assertClosed(machine);
    }

    @ParameterizedTest
    @EnumSource(names = {"IDLE", "RESOLVING", "CONNECTING", "HANDSHAKING", "WAITING"})
    void end_withoutAConnection_isAtOnce(ConnectionState state) {
        reach(state, machine);
        assertThat(machine.onEnd()).isEqualTo(Action.END);
        assertClosed(machine);
    }

    private static void assertClosed(ConnectionMachine machine) {
        assertThat(machine.state()).isEqualTo(ConnectionState.CLOSED);
        assertThat(machine.moves()).isFalse();
        Seen before = Seen.of(machine);
        for (String name : INPUTS) {
            if (!name.equals("start")) {
                assertThat(input(name, machine, 0)).as(name).isEqualTo(Action.NONE);
            }
        }
        assertThat(Seen.of(machine)).isEqualTo(before);
    }

    // Somebody wants a connection now

    @Test
    void reconnectNow_whileWaiting_cutsTheDelayButForgetsNoFailure() {
        machine.onStart();
        failingRound(machine, A, B);
        failingRound(machine, A, B);
        assertThat(machine.onReconnectNow()).isEqualTo(Action.WAIT);
        assertThat(machine.delayNanos()).isZero();
        assertThat(machine.failures()).isEqualTo(2);
        failingRound(machine, A, B);
        assertThat(machine.delayNanos()).isEqualTo(3 * S);
    }

    @Test
    void reconnectNow_onceMore_keepsItsPlaceInTheBudget() {
        machine.onStart();
        failingRound(machine, A, B);
        assertThat(machine.onReconnectNow()).isEqualTo(Action.WAIT);
        assertThat(machine.onReconnectNow()).isEqualTo(Action.NONE);
        assertThat(machine.state()).isEqualTo(ConnectionState.WAITING);
        assertThat(machine.delayNanos()).isZero();
    }

    @Test
    void reconnectNow_whenUp_isAMove() {
        reach(ConnectionState.UP, machine);
        assertThat(machine.onReconnectNow()).isEqualTo(Action.DRAIN);
        assertThat(machine.moves()).isTrue();
        assertThat(machine.onEnded(1, STABLE, false, 0)).isEqualTo(Action.WAIT);
        assertThat(machine.delayNanos()).isZero();
    }

    @Test
    void onOwnMove_fromAConnectionThatWasShort_waitsForNothingAndIsNoFailure() {
        reach(ConnectionState.UP, machine);
        assertThat(machine.onOwnMove()).isEqualTo(Action.DRAIN);
        assertThat(machine.onEnded(1, 1, false, 0)).isEqualTo(Action.WAIT);
        assertThat(machine.delayNanos()).isZero();
        assertThat(machine.failures()).isZero();
    }

    @Test
    void onMove_fromAConnectionThatWasShort_isAFailure() {
        reach(ConnectionState.UP, machine);
        assertThat(machine.onMove(true)).isEqualTo(Action.DRAIN);
        assertThat(machine.onEnded(1, 1, false, 0)).isEqualTo(Action.WAIT);
        assertThat(machine.delayNanos()).isEqualTo(S);
        assertThat(machine.failures()).isEqualTo(1);
    }

    @Test
    void reconnectNow_upAndNoOtherWanted_isNone() {
        ConnectionMachine once = reach(ConnectionState.UP, machine(false));
        assertThat(once.onReconnectNow()).isEqualTo(Action.NONE);
        assertThat(once.state()).isEqualTo(ConnectionState.UP);
    }
}
