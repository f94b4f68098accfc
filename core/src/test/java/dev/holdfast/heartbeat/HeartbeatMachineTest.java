package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.holdfast.heartbeat.HeartbeatMachine.Action;
import dev.holdfast.heartbeat.HeartbeatMachine.State;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The machine on plain numbers: interval 1000, timeout 200, attempts 2, in milliseconds. */
class HeartbeatMachineTest {
    private static final long MS = 1_000_000;

    private final Machine machine = machine(HeartbeatMode.WHEN_QUIET);

    /** A machine with settings and nothing else. */
    static final class Machine extends HeartbeatMachine {
        private final HeartbeatSettings settings;

        Machine(HeartbeatSettings settings) {
            this.settings = settings;
        }

        @Override
        HeartbeatSettings settings() {
            return settings;
        }

        @Override
        long tickNanos() {
            throw new AssertionError();
        }

        @Override
        long onWakeUp(long now, long unstalled, long stallNanos) {
            throw new AssertionError();
        }
    }

    static HeartbeatSettings settings(int interval, int timeout, int attempts, HeartbeatMode mode) {
        HeartbeatOptions options = HeartbeatOptions.builder()
                .interval(Duration.ofMillis(interval))
                .timeout(Duration.ofMillis(timeout))
                .attempts(attempts)
                .mode(mode)
                .build();
        return new HeartbeatSettings(HeartbeatProtocol.frame(0x01, 0x41), options, (channel, event) -> {});
    }

    private static Machine machine(HeartbeatMode mode) {
        return new Machine(settings(1000, 200, 2, mode));
    }

    private Action next(long millis) {
        return machine.next(millis * MS, millis * MS);
    }

    private void beat(long millis) {
        assertThat(next(millis)).isEqualTo(Action.BEAT);
        machine.onBeat(millis * MS, millis * MS);
    }

    @BeforeEach
    void start() {
        machine.onStart(0, 1000 * MS);
    }

    @Test
    void lastInbound_isNeverTooSoon_andLessThanTwoUnitsTooLate() {
        long unit = 1 << 20;
        for (long stamp : new long[] {-5 * unit - 1, -1, 0, 1, unit - 1, unit, 7 * unit + 12_345, Long.MAX_VALUE - 5}) {
            machine.onInbound(stamp, false);
            for (long later : new long[] {0, 1, unit / 2, unit - 1, unit, 3_000 * unit + 777}) {
                long wrong = machine.lastInboundNanos(stamp + later) - stamp;
                assertThat(wrong).isPositive().isLessThan(2 * unit);
            }
        }
    }

    @Test
    void beat_isDueAtItsGridPoint_notBefore() {
        assertThat(machine.next(1000 * MS - 1, 1000 * MS - 1)).isEqualTo(Action.NONE);
        assertThat(machine.wakeUpNanos(0, 0)).isEqualTo(1000 * MS);
        beat(1000);
        assertThat(machine.state()).isEqualTo(State.PROBING);
    }

    @Test
    void lateBeat_keepsTheGrid() {
        beat(1300);
        machine.onInbound(1301 * MS, false);
        assertThat(machine.nextBeatNanos()).isEqualTo(2000 * MS);
    }

    @Test
    void missedGridPoints_areOneBeat_noBurst() {
        beat(5400);
        machine.onInbound(5401 * MS, false);
        assertThat(next(5402)).isEqualTo(Action.NONE);
        assertThat(machine.nextBeatNanos()).isEqualTo(6000 * MS);
    }

    @Test
    void unanswered_isSuspectAtTheTimeout_andJudgedAtTheSecond() {
        beat(1000);
        assertThat(machine.next(1200 * MS - 1, 1200 * MS - 1)).isEqualTo(Action.NONE);
        assertThat(next(1200)).isEqualTo(Action.SUSPECT);
        machine.onProbe(1200 * MS);
        assertThat(machine.attempts()).isEqualTo(2);
        assertThat(machine.next(1400 * MS - 1, 1400 * MS - 1)).isEqualTo(Action.NONE);
        assertThat(machine.wakeUpNanos(1300 * MS, 1300 * MS)).isEqualTo(1400 * MS);
        assertThat(next(1400)).isEqualTo(Action.JUDGE);
        assertThat(machine.state()).isEqualTo(State.JUDGING);
        assertThat(next(9999)).isEqualTo(Action.NONE);
        machine.onDeath();
        assertThat(next(9999)).isEqualTo(Action.NONE);
        assertThat(machine.onInbound(9999 * MS, true)).isFalse();
        machine.onStop();
        assertThat(machine.state()).isEqualTo(State.DEAD);
    }

    @Test
    void anyByte_isLife_andOnlyASuspectComesBackAlive() {
        beat(1000);
        assertThat(machine.onInbound(1100 * MS, false)).isFalse();
        assertThat(machine.state()).isEqualTo(State.QUIET);
        beat(2000);
        assertThat(next(2200)).isEqualTo(Action.SUSPECT);
        machine.onProbe(2200 * MS);
        assertThat(machine.onInbound(2399 * MS, false)).isTrue();
        assertThat(machine.attempts()).isZero();
    }

    @Test
    void applicationBytes_putTheNextBeatOff_answersDoNot() {
        machine.onInbound(300 * MS, true);
        assertThat(machine.nextBeatNanos()).isEqualTo(1300 * MS);
        machine.onInbound(400 * MS, false);
        assertThat(machine.nextBeatNanos()).isEqualTo(1300 * MS);
    }

    @Test
    void stall_isNotChargedToThePeer() {
        beat(1000);
        // the loop stops at 1050 and comes back 10 s later: on the unstalled clock 1050 again
        assertThat(machine.next(11050 * MS, 1050 * MS)).isEqualTo(Action.NONE);
        assertThat(machine.wakeUpNanos(11050 * MS, 1050 * MS)).isEqualTo(11200 * MS);
        assertThat(machine.next(11200 * MS, 1200 * MS)).isEqualTo(Action.SUSPECT);
    }

    @Test
    void excuse_isLookedAtAgainAfterATimeout_andAFreshProbeGetsAllAttempts() {
        beat(1000);
        machine.onProbe(1200 * MS);
        assertThat(next(1400)).isEqualTo(Action.JUDGE);
        machine.onExcused(1400 * MS);
        assertThat(next(1599)).isEqualTo(Action.NONE);
        assertThat(next(1600)).isEqualTo(Action.JUDGE);
        machine.onFreshProbe(1600 * MS);
        assertThat(next(1800)).isEqualTo(Action.SUSPECT);
        assertThat(machine.attempts()).isEqualTo(1);
    }

    @Test
    void always_beatsOnWhileAProbeIsUnanswered_withoutMovingItsDeadline() {
        Machine always = new Machine(settings(100, 250, 2, HeartbeatMode.ALWAYS));
        always.onStart(0, 100 * MS);
        always.onBeat(100 * MS, 100 * MS);
        assertThat(always.next(200 * MS, 200 * MS)).isEqualTo(Action.BEAT);
        always.onBeat(200 * MS, 200 * MS);
        assertThat(always.next(350 * MS, 350 * MS)).isEqualTo(Action.SUSPECT);
    }

    @Test
    void always_isNotPutOffByApplicationBytes() {
        assertThat(settings(100, 250, 2, HeartbeatMode.ALWAYS).restartsGrid()).isFalse();
        assertThat(settings(100, 250, 2, HeartbeatMode.WHEN_QUIET).restartsGrid())
                .isTrue();
    }

    @Test
    void watchOnly_sendsNothing_andSuspectsAfterThePeersIntervalAndATimeout() {
        Machine watch = machine(HeartbeatMode.WATCH_ONLY);
        watch.onStart(0, 300 * MS);
        // silence is counted in units of 2^20 ns: 954 of them are the first not below 1000 ms
        long overdue = 954L << 20;
        assertThat(watch.next(overdue - 1, overdue - 1)).isEqualTo(Action.NONE);
        assertThat(watch.state()).isEqualTo(State.QUIET);
        assertThat(watch.next(overdue, overdue)).isEqualTo(Action.NONE);
        assertThat(watch.state()).isEqualTo(State.PROBING);
        long suspect = overdue + 200 * MS;
        assertThat(watch.next(suspect - 1, suspect - 1)).isEqualTo(Action.NONE);
        assertThat(watch.next(suspect, suspect)).isEqualTo(Action.SUSPECT);
        watch.onProbe(suspect);
        assertThat(watch.next(suspect + 200 * MS, suspect + 200 * MS)).isEqualTo(Action.JUDGE);
    }

    @Test
    void start_twice_isRefused_afterAStopItBeginsAnew() {
        assertThatIllegalStateException()
                .isThrownBy(() -> machine.onStart(5, 5))
                .withMessageContaining("QUIET");
        machine.onStop();
        assertThat(next(5000)).isEqualTo(Action.NONE);
        machine.onStart(5000 * MS, 700 * MS);
        assertThat(machine.nextBeatNanos()).isEqualTo(5700 * MS);
    }

    @Test
    void times_mayWrapAround() {
        Machine wrapping = machine(HeartbeatMode.WHEN_QUIET);
        long origin = Long.MAX_VALUE - 500 * MS;
        wrapping.onStart(origin, 1000 * MS);
        assertThat(wrapping.next(origin + 999 * MS, origin + 999 * MS)).isEqualTo(Action.NONE);
        assertThat(wrapping.next(origin + 1000 * MS, origin + 1000 * MS)).isEqualTo(Action.BEAT);
        wrapping.onBeat(origin + 1000 * MS, origin + 1000 * MS);
        assertThat(wrapping.next(origin + 1200 * MS, origin + 1200 * MS)).isEqualTo(Action.SUSPECT);
    }
}
