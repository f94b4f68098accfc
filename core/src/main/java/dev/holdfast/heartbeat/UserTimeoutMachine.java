package dev.holdfast.heartbeat;

import static dev.holdfast.verdict.TcpSnapshot.Field.BACKOFF;
import static dev.holdfast.verdict.TcpSnapshot.Field.LAST_ACK_RECV;
import static dev.holdfast.verdict.TcpSnapshot.Field.NOTSENT_BYTES;
import static dev.holdfast.verdict.TcpSnapshot.Field.PROBES;
import static dev.holdfast.verdict.TcpSnapshot.Field.RETRANSMITS;
import static dev.holdfast.verdict.TcpSnapshot.Field.RTO;
import static dev.holdfast.verdict.TcpSnapshot.Field.RWND_LIMITED;
import static dev.holdfast.verdict.TcpSnapshot.Field.SND_MSS;
import static dev.holdfast.verdict.TcpSnapshot.Field.SND_WND;
import static dev.holdfast.verdict.TcpSnapshot.Field.STATE;
import static dev.holdfast.verdict.TcpSnapshot.Field.UNACKED;

import dev.holdfast.verdict.TcpSnapshot;

/**
 * When the kernel's user timeout is to be lifted, so that it does not end a connection whose peer lives behind a closed
 * window, and when it is to be put back. Pure: samples of the kernel's tcp_info in, an action out. Confined to the event
 * loop.
 *
 * <p>Once the window has been closed, opening it is no reason to put the user timeout back. The kernel remembers when its
 * first window probe left and forgets that only if the window opens wide enough for the whole first buffer that waits. If it
 * opens less the time stays, and the first probe of the <em>next</em> closing, 0.2 s after it, ends the connection at once
 * (tcp_probe_timer(), tcp_ack_probe() in net/ipv4; measured on 6.18). So from then on the user timeout is in force only
 * while something is unanswered that it is meant for: retransmissions or keepalive probes.
 */
final class UserTimeoutMachine {
    /** Who keeps the user timeout. */
    enum State {
        /** The kernel, as the program asked; no closed window has been seen. */
        IN_FORCE,
        /** Nobody: it is 0, for the window is closed or has been. */
        LIFTED,
        /** The kernel again, while retransmissions or keepalive probes are unanswered. */
        RESTORED,
        /** The peer vanished behind its closed window. Nothing leads out of here. */
        DEAD
    }

    /** What is to be done. */
    enum Action {
        /** Nothing. */
        NONE,
        /** Set the user timeout to 0. */
        LIFT,
        /** Set the user timeout back. */
        RESTORE,
        /** The peer is gone: window probes are unanswered, and nothing came for the user timeout. */
        DEAD
    }

    /** TCP_RTO_MIN: the first window probe leaves this long after the window closed at the earliest. */
    private static final long FIRST_PROBE_NANOS = 200_000_000;
    /** net.ipv4.tcp_invalid_ratelimit: no two answers to window probes leave within this time. */
    private static final long ANSWER_WITHHELD_NANOS = 500_000_000;
    /** tcp_probe0_when(): doublings of a window probe's interval. */
    private static final long MAX_PROBE_BACKOFF = 10;
    /** Keepalive's interval is a second or more: one unanswered probe is seen before the next leaves. */
    private static final long LIFTED_INTERVAL_NANOS = 800_000_000;

    private final long userTimeoutNanos;
    private final long rtoMaxNanos;
    private final long intervalNanos;
    private final long tickNanos;
    private State state = State.IN_FORCE;
    /** Since when window probes have been seen unanswered; only if {@link #probesUnanswered}. */
    private long unansweredNanos;

    private boolean probesUnanswered;

    /**
     * A machine for a connection whose user timeout is in force.
     *
     * @param rtoMaxNanos the longest interval of the connection's window probes
     */
    UserTimeoutMachine(long userTimeoutNanos, UserTimeoutSampling sampling, long rtoMaxNanos) {
        this.userTimeoutNanos = userTimeoutNanos;
        this.rtoMaxNanos = rtoMaxNanos;
        this.intervalNanos = sampling.interval().toNanos();
        this.tickNanos = sampling.tick().toNanos();
    }

    State state() {
        return state;
    }

    /** How long after a sample the next one is wanted at the latest. */
    long nextSampleNanos() {
        return switch (state) {
            case IN_FORCE, DEAD -> intervalNanos;
            case LIFTED -> Math.min(intervalNanos, LIFTED_INTERVAL_NANOS);
            // If an answer now closes the window, the next window probe may end the connection.
            case RESTORED -> tickNanos / 2;
        };
    }

    /** What a sample asks for; the caller has done it when the next comes. */
    Action onSample(long now, TcpSnapshot tcp) {
        if (tcp.get(STATE, 0) == TcpSnapshot.STATE_CLOSE) {
            return Action.NONE; // the kernel has ended it already
        }
        boolean unanswered = unansweredFor(now, tcp);
        return switch (state) {
            case IN_FORCE -> isOrWasClosed(tcp) && !unanswered && !isRepeating(tcp) ? to(State.LIFTED) : Action.NONE;
            case LIFTED -> whenLifted(now, tcp, unanswered);
            case RESTORED -> isRepeating(tcp) ? Action.NONE : to(State.LIFTED);
            case DEAD -> Action.NONE;
        };
    }

    private Action whenLifted(long now, TcpSnapshot tcp, boolean unanswered) {
        if (isRepeating(tcp)) {
            return to(State.RESTORED);
        }
        boolean longEnough = lastAckNanos(tcp) >= userTimeoutNanos && now - unansweredNanos >= rtoNanos(tcp);
        return unanswered && longEnough ? to(State.DEAD) : Action.NONE;
    }

    private Action to(State next) {
        state = next;
        return switch (next) {
            case LIFTED -> Action.LIFT;
            case RESTORED -> Action.RESTORE;
            case DEAD -> Action.DEAD;
            case IN_FORCE -> throw new IllegalStateException("user timeout: nothing leads back to IN_FORCE");
        };
    }

    static boolean isClosed(TcpSnapshot tcp) {
        return tcp.get(NOTSENT_BYTES, 0) > 0
                && tcp.get(UNACKED, 0) == 0
                && tcp.get(SND_WND, 0) < Math.max(1, tcp.get(SND_MSS, 0));
    }

    /** Also a closing between two samples counts, if it lasted long enough for a probe. */
    private static boolean isOrWasClosed(TcpSnapshot tcp) {
        return isClosed(tcp) || tcp.get(RWND_LIMITED, 0) * 1000 >= FIRST_PROBE_NANOS;
    }

    /** What the user timeout is meant for: sent data that is being repeated, or keepalive probes, unanswered. */
    private static boolean isRepeating(TcpSnapshot tcp) {
        return tcp.get(UNACKED, 0) > 0
                ? tcp.get(RETRANSMITS, 0) > 0
                : tcp.get(NOTSENT_BYTES, 0) == 0 && tcp.get(PROBES, 0) > 0;
    }

    private boolean unansweredFor(long now, TcpSnapshot tcp) {
        boolean was = probesUnanswered;
        probesUnanswered = isClosed(tcp) && probesUnanswered(tcp, rtoMaxNanos);
        if (!was) {
            unansweredNanos = now;
        }
        return probesUnanswered;
    }

    /**
     * Whether two window probes in a row are unanswered, each for its time: one may be lost. A probe that comes within 0.5 s
     * of the last answer counts for nothing, for a living peer withholds the answer to it.
     */
    static boolean probesUnanswered(TcpSnapshot tcp, long rtoMaxNanos) {
        long probes = tcp.get(PROBES, 0);
        long answered = tcp.get(BACKOFF, 0) - probes; // the backoff when the last answer came; each probe raises it
        long first = probeIntervalNanos(tcp, answered, rtoMaxNanos);
        long needed = first < ANSWER_WITHHELD_NANOS ? 3 : 2;
        long lateNanos = rtoNanos(tcp);
        for (long probe = 0; probe < needed; probe++) {
            lateNanos += probeIntervalNanos(tcp, answered + probe, rtoMaxNanos);
        }
        return probes >= needed && lastAckNanos(tcp) >= lateNanos;
    }

    private static long probeIntervalNanos(TcpSnapshot tcp, long backoff, long rtoMaxNanos) {
        return Math.min(rtoNanos(tcp) << Math.min(MAX_PROBE_BACKOFF, Math.max(0, backoff)), rtoMaxNanos);
    }

    private static long rtoNanos(TcpSnapshot tcp) {
        return Math.max(FIRST_PROBE_NANOS, tcp.get(RTO, 0) * 1000);
    }

    private static long lastAckNanos(TcpSnapshot tcp) {
        return tcp.get(LAST_ACK_RECV, 0) * 1_000_000;
    }
}
