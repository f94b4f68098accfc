package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.UserTimeoutMachine.Action;
import dev.holdfast.heartbeat.UserTimeoutMachine.State;
import dev.holdfast.verdict.TcpSnapshot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** User timeout 3 s, retransmission timeout 200 ms: sampled every second, with a tick of 100 ms. */
class UserTimeoutMachineTest {
    private static final long MS = 1_000_000;
    private static final Duration USER_TIMEOUT = Duration.ofSeconds(3);

    private final UserTimeoutMachine machine = new UserTimeoutMachine(
            USER_TIMEOUT.toNanos(),
            UserTimeoutSampling.of(USER_TIMEOUT),
            Duration.ofSeconds(120).toNanos());

    /** A tcp_info; without further ado that of a healthy, idle connection. */
    private static final class Info {
        private final ByteBuffer bytes = ByteBuffer.allocate(280).order(ByteOrder.nativeOrder());
        private int length = 280;

        Info() {
            bytes.put(0, (byte) 1).putInt(8, 200_000).putInt(16, 1448).putInt(228, 64_256);
        }

        Info closed(int window, int probes, int backoff, int lastAckMillis) {
            bytes.put(3, (byte) probes).put(4, (byte) backoff).putInt(56, lastAckMillis);
            bytes.putInt(144, 5000).putInt(228, window);
            return this;
        }

        Info unacked(int segments, int retransmits) {
            bytes.put(2, (byte) retransmits).putInt(24, segments);
            return this;
        }

        Info keepAliveProbes(int probes) {
            bytes.put(3, (byte) probes);
            return this;
        }

        Info windowLimited(long micros) {
            bytes.putLong(176, micros);
            return this;
        }

        Info ended() {
            bytes.put(0, (byte) TcpSnapshot.STATE_CLOSE);
            return this;
        }

        Info cutTo(int end) {
            length = end;
            return this;
        }

        TcpSnapshot snapshot() {
            return TcpSnapshot.of(bytes, length);
        }
    }

    private static Info closed() {
        return new Info().closed(0, 0, 1, 100);
    }

    private Action sample(long millis, Info info) {
        return machine.onSample(millis * MS, info.snapshot());
    }

    private void lift() {
        assertThat(sample(0, closed())).isEqualTo(Action.LIFT);
        assertThat(machine.state()).isEqualTo(State.LIFTED);
    }

    @ParameterizedTest
    @CsvSource({"0, true", "1447, true", "1448, false", "64256, false"})
    void window_belowASegmentWithUnsentBytes_isClosed_andLifts(int window, boolean lifted) {
        assertThat(sample(0, new Info().closed(window, 0, 1, 100))).isEqualTo(lifted ? Action.LIFT : Action.NONE);
        assertThat(machine.state()).isEqualTo(lifted ? State.LIFTED : State.IN_FORCE);
    }

    @Test
    void window_closedWithNothingUnsentOrWithDataInFlight_isNone() {
        assertThat(sample(0, new Info().cutTo(228))).as("no unsent bytes").isEqualTo(Action.NONE);
        assertThat(sample(0, closed().unacked(1, 0))).as("data in flight").isEqualTo(Action.NONE);
    }

    @ParameterizedTest
    @CsvSource({"0, false", "199999, false", "200000, true", "900000, true"})
    void window_closedBetweenTwoSamplesLongEnoughForAProbe_lifts(long limitedMicros, boolean lifted) {
        assertThat(sample(0, new Info().windowLimited(limitedMicros))).isEqualTo(lifted ? Action.LIFT : Action.NONE);
    }

    @Test
    void kernelTooOldToTellTheTimeLimited_goesByTheWindowAlone() {
        assertThat(sample(0, new Info().windowLimited(900_000).cutTo(176))).isEqualTo(Action.NONE);
    }

    @Test
    void windowOpenAgain_staysLifted_forTheKernelRemembersItsFirstProbe() {
        lift();
        assertThat(sample(800, new Info())).isEqualTo(Action.NONE);
        assertThat(sample(1600, new Info().unacked(3, 0))).isEqualTo(Action.NONE);
        assertThat(sample(2400, closed())).isEqualTo(Action.NONE);
        assertThat(machine.state()).isEqualTo(State.LIFTED);
    }

    @Test
    void retransmission_whenLifted_restores_andItsAnswerLiftsAgain() {
        lift();
        assertThat(sample(800, new Info().unacked(1, 1))).isEqualTo(Action.RESTORE);
        assertThat(machine.state()).isEqualTo(State.RESTORED);
        assertThat(sample(850, new Info().unacked(1, 2))).isEqualTo(Action.NONE);
        assertThat(sample(900, new Info().unacked(1, 0))).isEqualTo(Action.LIFT);
        assertThat(sample(1700, new Info().unacked(1, 1))).isEqualTo(Action.RESTORE);
        assertThat(sample(1750, closed())).isEqualTo(Action.LIFT);
    }

    @Test
    void keepAliveProbe_whenLifted_restores_butAWindowProbeDoesNot() {
        lift();
        assertThat(sample(800, new Info().closed(0, 1, 1, 100))).isEqualTo(Action.NONE);
        assertThat(sample(1600, new Info().closed(64_256, 3, 3, 2000)))
                .as("dropped on our own host")
                .isEqualTo(Action.NONE);
        assertThat(sample(2400, new Info().keepAliveProbes(1))).isEqualTo(Action.RESTORE);
        assertThat(sample(2450, new Info())).isEqualTo(Action.LIFT);
    }

    @Test
    void inForce_whatIsUnanswered_isLeftToTheKernel() {
        assertThat(sample(0, new Info().unacked(1, 1).windowLimited(900_000))).isEqualTo(Action.NONE);
        assertThat(sample(0, new Info().keepAliveProbes(1).windowLimited(900_000)))
                .isEqualTo(Action.NONE);
        assertThat(sample(0, new Info().closed(0, 3, 3, 1600)))
                .as("three window probes")
                .isEqualTo(Action.NONE);
        assertThat(sample(0, new Info().closed(0, 1, 1, 800)))
                .as("one may be lost")
                .isEqualTo(Action.LIFT);
    }

    /**
     * Backoff 4: the second of two unanswered probes left 800 + 1600 ms after the last answer, 200 ms more is its time.
     * Probes of 200 and 400 ms after it are too soon to be answered: then it takes a third.
     */
    @ParameterizedTest
    @CsvSource({
        "2, 4, 2999, false",
        "2, 4, 3000, true",
        "1, 3, 9000, false",
        "2, 3, 9000, false",
        "3, 4, 3000, true",
        "3, 5, 3000, true",
        "2, 5, 4999, false",
        "2, 5, 5000, true",
        "3, 6, 4999, false",
        "3, 6, 5000, true",
        // saturated: probes every 120 s
        "2, 15, 240199, false",
        "2, 15, 240200, true",
    })
    void vanished_twoProbesUnansweredAndTheUserTimeoutOver_isDeath(
            int probes, int backoff, int lastAckMillis, boolean dead) {
        lift();
        assertThat(sample(100_000, new Info().closed(0, probes, backoff, lastAckMillis)))
                .isEqualTo(Action.NONE);
        assertThat(sample(100_199, new Info().closed(0, probes, backoff, lastAckMillis)))
                .isEqualTo(Action.NONE);
        assertThat(sample(100_200, new Info().closed(0, probes, backoff, lastAckMillis)))
                .isEqualTo(dead ? Action.DEAD : Action.NONE);
        assertThat(machine.state()).isEqualTo(dead ? State.DEAD : State.LIFTED);
    }

    @Test
    void answerBetweenTwoSamples_startsTheCountAnew() {
        lift();
        assertThat(sample(100_000, new Info().closed(0, 2, 4, 3000))).isEqualTo(Action.NONE);
        assertThat(sample(100_800, new Info().closed(0, 0, 3, 10))).isEqualTo(Action.NONE);
        assertThat(sample(101_600, new Info().closed(0, 2, 4, 3000))).isEqualTo(Action.NONE);
        assertThat(sample(102_400, new Info().closed(0, 2, 4, 3800))).isEqualTo(Action.DEAD);
    }

    @Test
    void dead_absorbs() {
        lift();
        sample(100_000, new Info().closed(0, 2, 4, 3000));
        sample(100_800, new Info().closed(0, 2, 4, 3800));
        assertThat(sample(101_600, new Info())).isEqualTo(Action.NONE);
        assertThat(sample(102_400, new Info().unacked(1, 1))).isEqualTo(Action.NONE);
        assertThat(machine.state()).isEqualTo(State.DEAD);
    }

    @Test
    void socketThatTheKernelHasEnded_isLeftAlone() {
        assertThat(sample(0, closed().ended())).isEqualTo(Action.NONE);
        assertThat(machine.state()).isEqualTo(State.IN_FORCE);
    }

    @Test
    void nextSample_isAThirdOfTheUserTimeout_soonerWhenLifted_halfATickWhenRestored() {
        assertThat(machine.nextSampleNanos()).isEqualTo(1000 * MS);
        lift();
        assertThat(machine.nextSampleNanos()).isEqualTo(800 * MS);
        sample(800, new Info().unacked(1, 1));
        assertThat(machine.nextSampleNanos()).isEqualTo(50 * MS);
    }
}
