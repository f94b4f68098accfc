package dev.holdfast.policy;

import static dev.holdfast.socket.TcpOption.SO_KEEPALIVE;
import static dev.holdfast.socket.TcpOption.TCP_KEEPCNT;
import static dev.holdfast.socket.TcpOption.TCP_KEEPIDLE;
import static dev.holdfast.socket.TcpOption.TCP_KEEPINTVL;
import static dev.holdfast.socket.TcpOption.TCP_RTO_MAX_MS;
import static dev.holdfast.socket.TcpOption.TCP_SYNCNT;
import static dev.holdfast.socket.TcpOption.TCP_USER_TIMEOUT;

import dev.holdfast.heartbeat.HeartbeatMode;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.KernelFormulas.Span;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which detectors a policy has against each failure, and when they strike: what the transport can't set and the kernel
 * doesn't have is left out, what was not asked for is the system's.
 */
final class DetectionModel {
    /** What a user-space timer may take to wake its thread and close the socket. */
    private static final long WAKE_UP = 100;

    private static final long NEVER = Long.MAX_VALUE;

    /** A detector and when it strikes. */
    record Found(Detector detector, Span span) {}

    private final SocketOptions options;
    private final @Nullable HeartbeatOptions heartbeat;
    private final KernelSettings kernel;
    private final Transport transport;
    private final KernelFormulas formulas;
    private final long userTimeout;

    DetectionModel(LivenessPolicy policy, KernelSettings kernel, Transport transport, boolean withUserTimeout) {
        this.options = policy.socketOptions();
        this.heartbeat = policy.heartbeat().orElse(null);
        this.kernel = kernel;
        this.transport = transport;
        int rtoMax = asked(TCP_RTO_MAX_MS)
                .filter(max -> !kernel.kernelRelease().isBefore(6, 15))
                .orElse(kernel.get(Sysctl.RTO_MAX_MS));
        this.formulas = new KernelFormulas(kernel.get(Sysctl.HZ), kernel.get(Sysctl.RTO_MIN_US), rtoMax);
        this.userTimeout = withUserTimeout ? asked(TCP_USER_TIMEOUT).orElse(0) : 0;
    }

    /** The value asked for, where the transport can set it. */
    private Optional<Integer> asked(TcpOption option) {
        return Optional.ofNullable(options.asked().get(option)).filter(value -> transport.supports(option));
    }

    /** The first detector of this failure, and when; empty is never. */
    Optional<Found> find(FailureMode mode) {
        Race race = new Race();
        switch (mode) {
            case IDLE_PEER_VANISHED, MIDDLEBOX_FORGOT_SILENTLY -> {
                whenIdle(race);
                afterBeat(race, Detector.RETRANSMISSION, unacknowledged());
            }
            case UNACKED_PEER_VANISHED -> {
                race.enter(kernelOr(Detector.RETRANSMISSION), unacknowledged());
                if (asksTheKernel()) {
                    unansweredAndRepeated(race);
                } else {
                    unread(race); // behind a full send buffer, which is all that can be seen of data in flight
                }
            }
            case ZERO_WINDOW_PEER_ALIVE -> {
                if (userTimeout > 0 && !guarded()) {
                    race.enter(Detector.USER_TIMEOUT, formulas.probesUnder(userTimeout));
                }
                unread(race);
            }
            case ZERO_WINDOW_PEER_VANISHED -> {
                closedAndVanished(race);
                unread(race);
            }
            case LOCAL_FILTER_DROP -> {
                race.enter(filterCovered() ? Detector.USER_TIMEOUT : Detector.WINDOW_PROBES, filtered());
                unsent(race);
            }
            case LOCAL_QUEUE_DROP -> {
                race.enter(queueDetector(), queued());
                unsent(race);
            }
            case IDLE_LOCAL_QUEUE_DROP -> {
                if (beats()) {
                    afterBeat(race, queueDetector(), queued());
                    unanswered(race);
                }
            }
            case CONNECT_BLACKHOLED -> connecting(race);
            case CLOSED_PEER_VANISHED -> race.enter(kernelOr(Detector.ORPHAN_RETRIES), orphaned());
            case PEER_PROGRAM_HUNG -> unanswered(race);
            case PEER_REBOOTED, MIDDLEBOX_FORGOT_WITH_RESET -> reset(race);
        }
        return race.winner();
    }

    private void whenIdle(Race race) {
        if (keepAliveOn()) {
            race.enterUnlessBeaten(formulas.keepAlive(idle(), interval(), count(), userTimeout));
        }
        if (beats()) {
            unansweredAndRepeated(race);
        } else {
            unanswered(race); // nothing of ours is lost
        }
    }

    /**
     * The first segment of ours that reaches what has forgotten the connection: a keepalive probe or a beat. Without beats
     * only the silence shows.
     */
    private void reset(Race race) {
        if (keepAliveOn()) {
            race.enter(Detector.TCP_KEEPALIVE, formulas.keepAliveProbe(idle())); // a beat before it draws the reset too
        }
        if (heartbeat != null && beats()) {
            race.enter(Detector.HEARTBEAT, beat(heartbeat));
        } else {
            unanswered(race);
        }
    }

    /**
     * Our own host keeps back what we send, beats too. What comes from the peer still comes, so where nothing is asked only a
     * peer that falls silent for a reason of its own is noticed.
     */
    private void unsent(Race race) {
        if (heartbeat != null && !beats()) {
            race.mayBeAsEarlyAs(silence(heartbeat));
        } else if (asksTheKernel()) {
            unanswered(race);
        } else {
            unread(race); // as what is in flight
        }
    }

    private void unanswered(Race race) {
        unanswered(race, 0);
    }

    /**
     * Where the kernel can be asked, nobody is dead before it has sent again what was lost. Timeouts that together are shorter
     * than that are looked at once more.
     */
    private void unansweredAndRepeated(Race race) {
        if (heartbeat != null) {
            long timeout = heartbeat.timeout().toMillis();
            long missing = KernelFormulas.FIRST_REPETITION_MILLIS - heartbeat.attempts() * timeout;
            boolean tooShort = missing > 0 && transport.supports(TCP_USER_TIMEOUT);
            unanswered(race, tooShort ? missing + timeout + heartbeat.tick().toMillis() : 0);
        }
    }

    private void unanswered(Race race, long more) {
        if (heartbeat != null) {
            long bound = silence(heartbeat);
            long ticks = (heartbeat.attempts() + 1) * heartbeat.tick().toMillis();
            race.enter(Detector.HEARTBEAT, new Span(bound, bound + ticks + more + WAKE_UP));
        }
    }

    /**
     * Behind a closed window no probe gets out. The heartbeat then waits for slowReaderTolerance, or where the kernel can't
     * be asked for writeStallTimeout, from the first probe on, and looks at it every timeout: what has moved since then it
     * sees up to a timeout late.
     */
    private void unread(Race race) {
        if (heartbeat != null) {
            long interval = heartbeat.interval().toMillis();
            long timeout = heartbeat.timeout().toMillis();
            boolean asksTheKernel = asksTheKernel();
            long patience =
                    (asksTheKernel ? heartbeat.slowReaderTolerance() : heartbeat.writeStallTimeout()).toMillis();
            long answers = silence(heartbeat);
            long seen = asksTheKernel ? interval : Math.max(interval, timeout);
            long ticks = (heartbeat.attempts() + 2) * heartbeat.tick().toMillis();
            race.enter(
                    Detector.HEARTBEAT,
                    new Span(
                            asksTheKernel ? Math.max(answers, interval + patience) : answers,
                            Math.max(answers, seen + patience + timeout) + ticks + WAKE_UP));
        }
    }

    /** Under the guard the kernel goes by its retries, and the guard waits for the user timeout at the least. */
    private void closedAndVanished(Race race) {
        if (userTimeout > 0 && !guarded()) {
            race.enter(Detector.USER_TIMEOUT, formulas.probesUnder(userTimeout));
        } else {
            race.enter(Detector.WINDOW_PROBES, formulas.windowProbes(kernel.retries2()));
        }
        if (heartbeat != null && transport.supports(TCP_USER_TIMEOUT)) {
            long answers = silence(heartbeat);
            race.mayBeAsEarlyAs(guarded() ? Math.min(userTimeout, answers) : answers); // unanswered window probes
        }
    }

    /** The beat puts data in flight, and from then on the kernel's rules for data hold. */
    private void afterBeat(Race race, Detector withoutUserTimeout, Span span) {
        if (heartbeat != null && beats()) {
            race.enter(kernelOr(withoutUserTimeout), beat(heartbeat).plus(span));
        }
    }

    private static Span beat(HeartbeatOptions heartbeat) {
        long interval = heartbeat.interval().toMillis();
        return new Span(interval, interval + heartbeat.tick().toMillis() + WAKE_UP);
    }

    /** How long a peer is silent before it is judged. */
    private static long silence(HeartbeatOptions heartbeat) {
        return heartbeat.interval().toMillis()
                + heartbeat.attempts() * heartbeat.timeout().toMillis();
    }

    private void connecting(Race race) {
        Span kernels = formulas.connect(
                asked(TCP_SYNCNT).orElse(kernel.synRetries()), kernel.synLinearTimeouts(), userTimeout);
        boolean earlier = userTimeout > 0 && kernels.nominal() >= userTimeout;
        race.enter(earlier ? Detector.USER_TIMEOUT : Detector.SYN_RETRIES, kernels);
        options.connectTimeout()
                .ifPresent(timeout -> race.enter(
                        Detector.CONNECT_TIMEOUT, new Span(timeout.toMillis(), timeout.toMillis() + WAKE_UP)));
    }

    private Span unacknowledged() {
        if (userTimeout == 0) {
            return formulas.retransmissions(kernel.retries2());
        }
        return guarded() ? formulas.restored(userTimeout) : formulas.unacknowledged(userTimeout);
    }

    private Span filtered() {
        return filterCovered() ? formulas.probesUnder(userTimeout) : formulas.freshWindowProbes(kernel.retries2());
    }

    private Span queued() {
        return formulas.localRetries(kernel.retries2(), userTimeout);
    }

    private Span orphaned() {
        return userTimeout > 0 ? formulas.unacknowledged(userTimeout) : formulas.orphan(kernel.orphanRetries());
    }

    /** Before Linux 5.1 tcp_probe_timer() took its time from a segment that the filter had never let be sent. */
    private boolean filterCovered() {
        return userTimeout > 0 && !kernel.kernelRelease().isBefore(5, 1);
    }

    private Detector queueDetector() {
        boolean earlier = userTimeout > 0
                && formulas.probesUnder(userTimeout).worst()
                        < formulas.localRetries(kernel.retries2(), 0).worst();
        return earlier ? Detector.USER_TIMEOUT : Detector.LOCAL_RETRY;
    }

    private Detector kernelOr(Detector withoutUserTimeout) {
        return userTimeout > 0 && withoutUserTimeout != Detector.LOCAL_RETRY
                ? Detector.USER_TIMEOUT
                : withoutUserTimeout;
    }

    /** Whether a heartbeat sends anything: one that only watches puts nothing in flight. */
    boolean beats() {
        return heartbeat != null && heartbeat.mode() != HeartbeatMode.WATCH_ONLY;
    }

    /** Whether the heartbeat can ask the kernel why the peer is silent. */
    boolean asksTheKernel() {
        return transport.supports(TCP_USER_TIMEOUT);
    }

    /** Whether a heartbeat on this transport lifts the user timeout from a closed window. */
    boolean guarded() {
        return heartbeat != null && userTimeout > 0;
    }

    boolean keepAliveOn() {
        return asked(SO_KEEPALIVE).filter(on -> on != 0).isPresent();
    }

    long idle() {
        return asked(TCP_KEEPIDLE).orElse(kernel.get(Sysctl.KEEPALIVE_TIME)) * 1000L;
    }

    long interval() {
        return asked(TCP_KEEPINTVL).orElse(kernel.get(Sysctl.KEEPALIVE_INTERVAL)) * 1000L;
    }

    int count() {
        return asked(TCP_KEEPCNT).orElse(kernel.keepAliveProbes());
    }

    long userTimeout() {
        return userTimeout;
    }

    /** Takes the detector with the smallest worst case, and the earliest that any of them may strike. */
    private final class Race {
        private @Nullable Detector detector;
        private long worst = NEVER;
        private long nominal = NEVER;

        void enter(Detector entrant, Span span) {
            nominal = Math.min(nominal, span.nominal());
            if (span.worst() < worst) {
                worst = span.worst();
                detector = entrant;
            }
        }

        void mayBeAsEarlyAs(long earliest) {
            nominal = Math.min(nominal, earliest);
        }

        /**
         * Keepalive beside a heartbeat: each beat puts data in flight, which suspends keepalive. So it counts only if it is
         * through before the next beat, which in mode ALWAYS may come at any time.
         */
        void enterUnlessBeaten(Span span) {
            long beat =
                    heartbeat == null || !beats() ? NEVER : heartbeat.interval().toMillis();
            boolean putOff = heartbeat == null || heartbeat.mode() != HeartbeatMode.ALWAYS;
            if (span.worst() <= beat && putOff) {
                enter(Detector.TCP_KEEPALIVE, span);
            } else if (span.nominal() <= beat) {
                nominal = Math.min(nominal, span.nominal());
            }
        }

        Optional<Found> winner() {
            return detector == null ? Optional.empty() : Optional.of(new Found(detector, new Span(nominal, worst)));
        }
    }
}
