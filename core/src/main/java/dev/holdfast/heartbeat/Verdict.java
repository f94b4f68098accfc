package dev.holdfast.heartbeat;

import static dev.holdfast.verdict.TcpSnapshot.Field.LAST_ACK_RECV;
import static dev.holdfast.verdict.TcpSnapshot.Field.NOTSENT_BYTES;
import static dev.holdfast.verdict.TcpSnapshot.Field.PROBES;
import static dev.holdfast.verdict.TcpSnapshot.Field.RETRANSMITS;
import static dev.holdfast.verdict.TcpSnapshot.Field.RTO;
import static dev.holdfast.verdict.TcpSnapshot.Field.UNACKED;

import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.TcpSnapshot;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The decision table: what a silence means, when every probe has gone unanswered. Pure. The first row that fits counts; its
 * text is in {@link HeartbeatOptions}.
 */
record Verdict(Ruling ruling, DeathCause cause, String rule) {
    /** TCP_RTO_MAX: window probes are at the most so far apart. */
    private static final long RTO_MAX_NANOS = 120_000_000_000L;

    /** What is to be done about the silence. */
    enum Ruling {
        /** The peer is dead, for the cause named. */
        DEAD,
        /** Something of our own, or the peer's slowness, explains the silence: look again after a timeout. */
        EXCUSED,
        /** What explained the silence is over: the peer gets a fresh probe and all its time. */
        PROBE_AGAIN
    }

    /**
     * What is known when the last timeout has passed. Durations are nanoseconds.
     *
     * @param tcp the kernel's view; null where it cannot be asked
     * @param readsPaused nobody asks the channel for what came in
     * @param paused for how long that has been seen
     * @param backlog bytes that stand before or behind our ping in Netty's outbound buffer
     * @param unmoved how long it has been seen not to move
     * @param windowClosed how long the peer's window has been seen closed
     * @param kernelBacklog how long what the kernel still holds may take by the rate observed, where it can't be asked
     * @param excused whether the silence was excused when it was looked at last
     */
    record Situation(
            @Nullable TcpSnapshot tcp,
            boolean readsPaused,
            long paused,
            long backlog,
            long unmoved,
            long windowClosed,
            long kernelBacklog,
            boolean excused) {

        long field(TcpSnapshot.Field field) {
            return tcp == null ? 0 : tcp.get(field, 0);
        }

        boolean windowIsClosed() {
            return tcp != null && UserTimeoutMachine.isClosed(tcp);
        }

        /** No acknowledgement since the newest probe left. */
        boolean unacknowledgedFor(long nanos) {
            return field(LAST_ACK_RECV) * 1_000_000 >= nanos;
        }

        /** The kernel has sent again what was not acknowledged, or must have: a timeout may be shorter than its own. */
        boolean wasRepeated(long timeoutNanos) {
            long firstRepetition = 2 * field(RTO) * 1000; // a lone segment's; RFC 8985, 7.2 comes before it
            return field(RETRANSMITS) > 0 || unacknowledgedFor(timeoutNanos + firstRepetition);
        }

        long allBacklog() {
            return backlog + field(NOTSENT_BYTES);
        }
    }

    static Verdict of(Situation seen, HeartbeatSettings settings) {
        TcpSnapshot tcp = seen.tcp();
        return tcp == null ? withoutKernel(seen, settings.options) : withKernel(seen, tcp, settings);
    }

    private static Verdict withKernel(Situation seen, TcpSnapshot tcp, HeartbeatSettings settings) {
        HeartbeatOptions options = settings.options;
        boolean unacknowledged = seen.unacknowledgedFor(settings.timeoutNanos);
        if (seen.field(UNACKED) > 0 && unacknowledged) {
            return seen.wasRepeated(settings.timeoutNanos)
                    ? dead(DeathCause.PATH_DEAD, "nothing was acknowledged since the last probe left")
                    : excused("what was lost on its way has not been repeated yet");
        }
        if (seen.windowIsClosed()) {
            if (unacknowledged && UserTimeoutMachine.probesUnanswered(tcp, RTO_MAX_NANOS)) {
                return dead(DeathCause.PATH_DEAD, "window probes are unanswered");
            }
            return within(seen.windowClosed(), options.slowReaderTolerance())
                    ? excused("its window is closed and its kernel answers")
                    : dead(
                            DeathCause.PEER_NOT_READING,
                            "its window stayed closed for slowReaderTolerance " + options.slowReaderTolerance());
        }
        if (seen.field(NOTSENT_BYTES) > 0 && seen.field(UNACKED) == 0 && seen.field(PROBES) > 0 && unacknowledged) {
            return dead(DeathCause.LOCAL_DROP, "its window is open and nothing of ours leaves");
        }
        if (seen.allBacklog() > 0) {
            return backlog(seen, options);
        }
        if (seen.readsPaused()) {
            if (settings.expectsAnswers()) {
                return excused("our reads are paused and its kernel acknowledges");
            }
            return paused(seen, options, "and nothing of ours asks the kernel");
        }
        if (seen.excused()) {
            return new Verdict(Ruling.PROBE_AGAIN, DeathCause.OTHER, "the backlog or pause is over");
        }
        return settings.expectsAnswers()
                ? dead(DeathCause.PEER_HUNG, "all was acknowledged and nothing answered")
                : dead(DeathCause.HEARTBEAT_TIMEOUT, "the peer's own beat is overdue, and we sent nothing to ask by");
    }

    private static Verdict withoutKernel(Situation seen, HeartbeatOptions options) {
        if (seen.readsPaused()) {
            return paused(seen, options, "and the kernel can't be asked");
        }
        if (seen.backlog() > 0) {
            return backlog(seen, options);
        }
        if (seen.kernelBacklog() > 0) {
            return excused("the kernel may still hold what stood before the probe");
        }
        return seen.excused()
                ? new Verdict(Ruling.PROBE_AGAIN, DeathCause.OTHER, "the backlog or pause is over")
                : dead(DeathCause.HEARTBEAT_TIMEOUT, "nothing answered, and the kernel can't be asked why");
    }

    private static Verdict paused(Situation seen, HeartbeatOptions options, String why) {
        return within(seen.paused(), options.pausedReadsLimit())
                ? excused("our reads are paused")
                : dead(
                        DeathCause.HEARTBEAT_TIMEOUT,
                        "our reads stayed paused for pausedReadsLimit " + options.pausedReadsLimit() + ", " + why);
    }

    private static Verdict backlog(Situation seen, HeartbeatOptions options) {
        return within(seen.unmoved(), options.writeStallTimeout())
                ? excused("what stands before the probe is on its way")
                : dead(
                        DeathCause.STALLED_WRITE,
                        "nothing of the backlog moved for writeStallTimeout " + options.writeStallTimeout());
    }

    private static boolean within(long nanos, Duration limit) {
        return nanos < limit.toNanos();
    }

    private static Verdict dead(DeathCause cause, String rule) {
        return new Verdict(Ruling.DEAD, cause, rule);
    }

    private static Verdict excused(String rule) {
        return new Verdict(Ruling.EXCUSED, DeathCause.OTHER, rule);
    }
}
