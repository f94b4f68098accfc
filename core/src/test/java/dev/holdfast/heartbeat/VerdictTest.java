package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.Verdict.Ruling;
import dev.holdfast.heartbeat.Verdict.Situation;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.TcpSnapshot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The decision table: timeout 1 s, slowReaderTolerance 10 s, writeStallTimeout 5 s, pausedReadsLimit 20 s. */
class VerdictTest {
    private static final long SECOND = 1_000_000_000L;

    private static final HeartbeatSettings SETTINGS = new HeartbeatSettings(
            HeartbeatProtocol.frame(1, 2),
            HeartbeatOptions.builder()
                    .timeout(Duration.ofSeconds(1))
                    .slowReaderTolerance(Duration.ofSeconds(10))
                    .writeStallTimeout(Duration.ofSeconds(5))
                    .pausedReadsLimit(Duration.ofSeconds(20))
                    .build(),
            (channel, event) -> {});

    private static TcpSnapshot tcp(int unacked, int notSent, int probes, int window, int lastAckMillis) {
        ByteBuffer info = ByteBuffer.allocate(280).order(ByteOrder.nativeOrder());
        info.put(2, (byte) (unacked > 0 ? 1 : 0))
                .put(3, (byte) probes)
                .put(4, (byte) probes)
                .putInt(16, 1448)
                .putInt(24, unacked)
                .putInt(56, lastAckMillis);
        info.putInt(144, notSent).putInt(228, window);
        return TcpSnapshot.of(info, 280);
    }

    private static Verdict judge(
            Optional<TcpSnapshot> tcp, boolean paused, double pausedFor, long backlog, double unmoved, double closed) {
        return Verdict.of(
                new Situation(
                        tcp.orElse(null),
                        paused,
                        (long) (pausedFor * SECOND),
                        backlog,
                        (long) (unmoved * SECOND),
                        (long) (closed * SECOND),
                        0,
                        false),
                SETTINGS);
    }

    // what the kernel shows, and the time that the row's limit is compared with, just below and at it
    @ParameterizedTest
    @CsvSource({
        "all acknowledged and nobody answers,     0,   0, 0, 64256,   40, false,    0, 0, 0,     DEAD, PEER_HUNG",
        "unacknowledged since the probe left,     2,   0, 0, 64256, 1000, false,    0, 0, 0,     DEAD, PATH_DEAD",
        "unacknowledged but an ack came since,    2,   0, 0, 64256,  999, false,    0, 0, 0,     DEAD, PEER_HUNG",
        "path dead behind a backlog,              9, 500, 0, 64256, 1000, false, 9999, 0, 0,     DEAD, PATH_DEAD",
        "path dead while our reads are paused,    1,   0, 0, 64256, 1000, true,     0, 0, 0,     DEAD, PATH_DEAD",
        "window closed and tolerated,             0, 500, 1,     0,  300, false,    0, 9, 9.999, EXCUSED, OTHER",
        "window closed for the tolerance,         0, 500, 1,     0,  300, false,    0, 9, 10,    DEAD, PEER_NOT_READING",
        "a window below a segment is closed,      0, 500, 0,  1447,  300, false,    0, 9, 10,    DEAD, PEER_NOT_READING",
        "window closed and nobody there,          0, 500, 3,     0, 1600, false,    0, 0, 0,     DEAD, PATH_DEAD",
        "window closed and an answer is not due,  0, 500, 3,     0, 1599, false,    0, 0, 0,     EXCUSED, OTHER",
        "window closed and one answer withheld,   0, 500, 2,     0, 1600, false,    0, 0, 0,     EXCUSED, OTHER",
        "window closed and only a probe is late,  0, 500, 1,     0, 1000, false,    0, 0, 0,     EXCUSED, OTHER",
        "window open and nothing leaves,          0, 500, 3, 64256, 1000, false,    0, 0, 0,     DEAD, LOCAL_DROP",
        "unsent bytes that move,                  5, 500, 0, 64256,   10, false,    0, 4.999, 0, EXCUSED, OTHER",
        "unsent bytes that stand still,           5, 500, 0, 64256,   10, false,    0, 5, 0,     DEAD, STALLED_WRITE",
        "a backlog of Netty's that moves,         5,   0, 0, 64256,   10, false, 9999, 4.999, 0, EXCUSED, OTHER",
        "a backlog of Netty's that stands still,  5,   0, 0, 64256,   10, false, 9999, 5, 0,     DEAD, STALLED_WRITE",
        "our reads are paused and acks come,      0,   0, 0, 64256,   40, true,     0, 0, 0,     EXCUSED, OTHER"
    })
    void withTheKernelsEvidence(
            String situation,
            int unacked,
            int notSent,
            int probes,
            int window,
            int lastAck,
            boolean paused,
            long backlog,
            double unmoved,
            double closed,
            Ruling ruling,
            DeathCause cause) {
        Optional<TcpSnapshot> tcp = Optional.of(tcp(unacked, notSent, probes, window, lastAck));
        Verdict verdict = judge(tcp, paused, 99, backlog, unmoved, closed);
        assertThat(verdict.ruling()).as(situation).isEqualTo(ruling);
        assertThat(verdict.cause()).as(situation).isEqualTo(cause);
        assertThat(verdict.rule()).isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "nobody answers,                     false,  0,         0, 0,     DEAD, HEARTBEAT_TIMEOUT",
        "our reads are paused,               true,  19.999,     0, 0,     EXCUSED, OTHER",
        "our reads stay paused,              true,  20,         0, 0,     DEAD, HEARTBEAT_TIMEOUT",
        "a backlog that moves,               false,  0,      9999, 4.999, EXCUSED, OTHER",
        "a backlog that stands still,        false,  0,      9999, 5,     DEAD, STALLED_WRITE"
    })
    void withoutTheKernel(
            String situation,
            boolean paused,
            double pausedFor,
            long backlog,
            double unmoved,
            Ruling ruling,
            DeathCause cause) {
        Verdict verdict = judge(Optional.empty(), paused, pausedFor, backlog, unmoved, 0);
        assertThat(verdict.ruling()).as(situation).isEqualTo(ruling);
        assertThat(verdict.cause()).as(situation).isEqualTo(cause);
    }

    @Test
    void whereWeSendNothing_theKernelHasAcknowledgedNothing_andCannotTellAHungProgram() {
        HeartbeatSettings watching = new HeartbeatSettings(
                HeartbeatProtocol.frame(1, 2),
                SETTINGS.options.toBuilder().mode(HeartbeatMode.WATCH_ONLY).build(),
                (channel, event) -> {});
        Situation silent = new Situation(tcp(0, 0, 0, 64256, 40), false, 0, 0, 0, 0, 0, false);
        assertThat(Verdict.of(silent, watching).cause()).isEqualTo(DeathCause.HEARTBEAT_TIMEOUT);
        assertThat(Verdict.of(silent, SETTINGS).cause()).isEqualTo(DeathCause.PEER_HUNG);
    }

    @Test
    void unacknowledged_butNotRepeatedYet_isExcused_untilItMustHaveBeen() {
        // no retransmission, an RTO of 204 ms: repeated 408 ms after it left at the latest, and the timeout after that
        assertThat(judge(Optional.of(unrepeated(1407)), false, 0, 0, 0, 0).ruling())
                .isEqualTo(Ruling.EXCUSED);
        assertThat(judge(Optional.of(unrepeated(1408)), false, 0, 0, 0, 0).cause())
                .isEqualTo(DeathCause.PATH_DEAD);
    }

    private static TcpSnapshot unrepeated(int lastAckMillis) {
        ByteBuffer info = ByteBuffer.allocate(280).order(ByteOrder.nativeOrder());
        info.putInt(8, 204_000).putInt(24, 1).putInt(56, lastAckMillis).putInt(228, 12_380);
        return TcpSnapshot.of(info, 280);
    }

    @Test
    void pausedReads_whereNothingOfOursAsksTheKernel_areExcusedUpToTheLimit() {
        HeartbeatSettings watching = new HeartbeatSettings(
                HeartbeatProtocol.frame(1, 2),
                SETTINGS.options.toBuilder().mode(HeartbeatMode.WATCH_ONLY).build(),
                (channel, event) -> {});
        TcpSnapshot idle = tcp(0, 0, 0, 64256, 40);
        Situation below = new Situation(idle, true, 20 * SECOND - 1, 0, 0, 0, 0, false);
        Situation at = new Situation(idle, true, 20 * SECOND, 0, 0, 0, 0, false);
        assertThat(Verdict.of(below, watching).ruling()).isEqualTo(Ruling.EXCUSED);
        assertThat(Verdict.of(at, watching).cause()).isEqualTo(DeathCause.HEARTBEAT_TIMEOUT);
        assertThat(Verdict.of(at, SETTINGS).ruling()).isEqualTo(Ruling.EXCUSED);
    }

    @Test
    void kernelsBacklog_thatCannotBeSeen_isExcusedForItsTime() {
        Situation full = new Situation(null, false, 0, 0, 0, 0, 1, true);
        assertThat(Verdict.of(full, SETTINGS).ruling()).isEqualTo(Ruling.EXCUSED);
    }

    @Test
    void silenceThatWasExcused_getsAFreshProbe_withAndWithoutTheKernel() {
        Situation nio = new Situation(null, false, 0, 0, 0, 0, 0, true);
        Situation epoll = new Situation(tcp(0, 0, 0, 64256, 40), false, 0, 0, 0, 0, 0, true);
        assertThat(Verdict.of(nio, SETTINGS).ruling()).isEqualTo(Ruling.PROBE_AGAIN);
        assertThat(Verdict.of(epoll, SETTINGS).ruling()).isEqualTo(Ruling.PROBE_AGAIN);
    }
}
