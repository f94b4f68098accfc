package dev.holdfast.heartbeat;

import dev.holdfast.socket.internal.Durations;
import dev.holdfast.wire.Hello;
import java.time.Duration;
import java.util.Objects;

/**
 * The times of an application-level heartbeat: a beat every {@link #interval()}, an answer expected within {@link
 * #timeout()}, the peer judged after {@link #attempts()} unanswered probes in a row.
 *
 * <p>Immutable. A dead peer is found within {@code interval + attempts * timeout}, counted from its last byte, plus the
 * ticks of the timer ({@link #tick()}) and the sum of our own stalls. Any byte from the peer is life; what we send is no
 * evidence of anything. When the last timeout has passed and everything that lies unread has been read, this table says
 * what the silence means; the first row that fits counts:
 *
 * <table>
 *   <caption>Which limit applies</caption>
 *   <thead>
 *     <tr><th>what is seen</th><th>limit</th><th>then</th></tr>
 *   </thead>
 *   <tbody>
 *     <tr><td>the kernel holds bytes we have not read</td><td>none</td><td>alive</td></tr>
 *     <tr><td>what we sent was not acknowledged since the last probe left, and was repeated</td><td>timeout * attempts</td>
 *         <td>PATH_DEAD</td></tr>
 *     <tr><td>the same, and it was not repeated yet (a timeout below twice TCP's own, 0.4 s or more)</td>
 *         <td>until it is</td><td>excused</td></tr>
 *     <tr><td>the peer's window is closed, two or more window probes in a row are overdue</td><td>timeout * attempts</td>
 *         <td>PATH_DEAD</td></tr>
 *     <tr><td>the same, while a user timeout is lifted</td><td>the user timeout, since its last acknowledgement</td>
 *         <td>PATH_DEAD</td></tr>
 *     <tr><td>the peer's window is closed, its kernel answers</td><td>{@link #slowReaderTolerance()}</td>
 *         <td>PEER_NOT_READING</td></tr>
 *     <tr><td>its window is open, and nothing of ours leaves</td><td>timeout * attempts</td><td>LOCAL_DROP</td></tr>
 *     <tr><td>bytes stand before our probe</td><td>{@link #writeStallTimeout()} without progress</td><td>STALLED_WRITE</td></tr>
 *     <tr><td>our reads are paused, the kernel says that all is acknowledged; it is asked again by a probe each
 *         timeout</td><td>none</td><td>excused</td></tr>
 *     <tr><td>our reads are paused, the kernel can't be asked (NIO), or nothing of ours asks it (WATCH_ONLY)</td><td>{@link #pausedReadsLimit()}</td>
 *         <td>HEARTBEAT_TIMEOUT</td></tr>
 *     <tr><td>one of these has just ended</td><td>timeout * attempts, anew</td><td>a fresh probe</td></tr>
 *     <tr><td>all was acknowledged</td><td>timeout * attempts</td><td>PEER_HUNG; HEARTBEAT_TIMEOUT where we send
 *         nothing to be answered</td></tr>
 *     <tr><td>the kernel can't be asked (NIO)</td><td>timeout * attempts</td><td>HEARTBEAT_TIMEOUT</td></tr>
 *   </tbody>
 * </table>
 *
 * <p>A timer of ours that comes late stops the peer's clock for that long, and is told as a stall of ours if it is more than
 * {@link #stallAllowance()}. On epoll the heartbeat lifts a user timeout once the peer's window has been closed, and puts it back
 * only while retransmissions or keepalive probes are unanswered ({@link UserTimeoutSampling}). The first seven rows need the kernel's evidence: epoll.
 */
public final class HeartbeatOptions {
    private static final int MIN_MILLIS = 10;
    private static final int MAX_ATTEMPTS = 100;
    private static final long MAX_BOUND_MILLIS = 0xFFFF_FFFFL;

    private static final int MAX_HISTORY = 1024;
    private static final int MAX_PERMITTED_MILLIS = 3_600_000;

    private final Duration interval;
    private final Duration timeout;
    private final int attempts;
    private final HeartbeatMode mode;
    private final Duration stallAllowance;
    private final Duration writeStallTimeout;
    private final Duration slowReaderTolerance;
    private final Duration pausedReadsLimit;
    private final Duration permittedPeerInterval;
    private final int history;
    private final boolean refuseLongerBound;
    private final DeathAction deathAction;
    private final boolean beatEvents;
    private final boolean manualStart;

    private HeartbeatOptions(Builder builder) {
        this.interval = builder.interval;
        this.timeout = builder.timeout;
        this.attempts = builder.attempts;
        this.mode = builder.mode;
        this.stallAllowance = builder.stallAllowance;
        this.writeStallTimeout = builder.writeStallTimeout;
        this.slowReaderTolerance = builder.slowReaderTolerance;
        this.pausedReadsLimit = builder.pausedReadsLimit;
        this.permittedPeerInterval = builder.permittedPeerInterval;
        this.history = builder.history;
        this.refuseLongerBound = builder.refuseLongerBound;
        this.deathAction = builder.deathAction;
        this.beatEvents = builder.beatEvents;
        this.manualStart = builder.manualStart;
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that starts with these options. */
    public Builder toBuilder() {
        return new Builder()
                .interval(interval)
                .timeout(timeout)
                .attempts(attempts)
                .mode(mode)
                .stallAllowance(stallAllowance)
                .writeStallTimeout(writeStallTimeout)
                .slowReaderTolerance(slowReaderTolerance)
                .pausedReadsLimit(pausedReadsLimit)
                .permittedPeerInterval(permittedPeerInterval)
                .history(history)
                .refuseLongerBound(refuseLongerBound)
                .deathAction(deathAction)
                .beatEvents(beatEvents)
                .manualStart(manualStart);
    }

    /** The time from the peer's last byte to the next probe. */
    public Duration interval() {
        return interval;
    }

    /** How long the answer to one probe may take. */
    public Duration timeout() {
        return timeout;
    }

    /** How many probes in a row must stay unanswered. */
    public int attempts() {
        return attempts;
    }

    /** When beats are sent. */
    public HeartbeatMode mode() {
        return mode;
    }

    /** How late our own timer may be before the delay is told as a stall of ours. */
    public Duration stallAllowance() {
        return stallAllowance;
    }

    /** How long a backlog may stand still. */
    public Duration writeStallTimeout() {
        return writeStallTimeout;
    }

    /** How long a peer that lives may read nothing. */
    public Duration slowReaderTolerance() {
        return slowReaderTolerance;
    }

    /** How long our own paused reads excuse a silence where the kernel cannot be asked. */
    public Duration pausedReadsLimit() {
        return pausedReadsLimit;
    }

    /** How often the peer may ping, on average. */
    public Duration permittedPeerInterval() {
        return permittedPeerInterval;
    }

    /** How many of the last beats are kept for the case of a death. */
    public int history() {
        return history;
    }

    /** Whether a connection ends where what is agreed with the peer lengthens the bound. */
    public boolean refusesLongerBound() {
        return refuseLongerBound;
    }

    /** What is done to the channel of a dead peer. */
    public DeathAction deathAction() {
        return deathAction;
    }

    /**
     * Begins the HELLO that says what these options mean to the peer, for {@link HeartbeatProtocol#framed}: how often we can
     * beat, how often the peer must (only where we don't ask ourselves), and when we take it for dead.
     *
     * @throws IllegalArgumentException if {@code interval + attempts * timeout} is more than 4294967295 ms, about 50 days
     */
    public Hello.Builder hello() {
        Duration bound = interval.plus(timeout.multipliedBy(attempts));
        if (bound.toMillis() > MAX_BOUND_MILLIS) {
            throw new IllegalArgumentException("heartbeat interval: " + interval + ", timeout: " + timeout
                    + ", attempts: " + attempts + " (expected: interval + attempts * timeout of at most "
                    + MAX_BOUND_MILLIS + " ms, all that a HELLO has room for)");
        }
        boolean asks = mode != HeartbeatMode.WATCH_ONLY;
        return Hello.builder()
                .minimumSendInterval(asks ? interval : Duration.ZERO)
                .wishedReceiveInterval(asks ? Duration.ZERO : interval)
                .detectionTime(bound);
    }

    /** Whether every answered beat is an event. */
    public boolean hasBeatEvents() {
        return beatEvents;
    }

    /** Whether beats wait for {@link HeartbeatHandler#start()}. */
    public boolean isManualStart() {
        return manualStart;
    }

    /**
     * The step of the timer that keeps these times: a tenth of the smaller of the two, between 1 ms and 100 ms. Beats leave on
     * it, without jitter where the interval is a multiple of it, and otherwise each by up to a tick late. The connections of
     * an event loop share the shortest step of them all.
     */
    public Duration tick() {
        long tenth = Math.min(interval.toMillis(), timeout.toMillis()) / 10;
        return Duration.ofMillis(Math.min(100, Math.max(1, tenth)));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof HeartbeatOptions that
                && interval.equals(that.interval)
                && timeout.equals(that.timeout)
                && attempts == that.attempts
                && mode == that.mode
                && stallAllowance.equals(that.stallAllowance)
                && writeStallTimeout.equals(that.writeStallTimeout)
                && slowReaderTolerance.equals(that.slowReaderTolerance)
                && pausedReadsLimit.equals(that.pausedReadsLimit)
                && permittedPeerInterval.equals(that.permittedPeerInterval)
                && history == that.history
                && refuseLongerBound == that.refuseLongerBound
                && deathAction.equals(that.deathAction)
                && beatEvents == that.beatEvents
                && manualStart == that.manualStart;
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                interval,
                timeout,
                attempts,
                mode,
                stallAllowance,
                writeStallTimeout,
                slowReaderTolerance,
                pausedReadsLimit,
                permittedPeerInterval,
                history,
                refuseLongerBound,
                deathAction,
                beatEvents,
                manualStart);
    }

    /** The three numbers, as {@code HeartbeatOptions[interval=PT15S, timeout=PT5S, attempts=2]}. */
    @Override
    public String toString() {
        return "HeartbeatOptions[interval=" + interval + ", timeout=" + timeout + ", attempts=" + attempts + "]";
    }

    /** Collects the times of a heartbeat. Not thread-safe. */
    public static final class Builder {
        private Duration interval = Duration.ofSeconds(15);
        private Duration timeout = Duration.ofSeconds(5);
        private int attempts = 2;
        private HeartbeatMode mode = HeartbeatMode.WHEN_QUIET;
        private Duration stallAllowance = Duration.ofMillis(50);
        private Duration writeStallTimeout = Duration.ofSeconds(30);
        private Duration slowReaderTolerance = Duration.ofMinutes(1);
        private Duration pausedReadsLimit = Duration.ofMinutes(5);
        private Duration permittedPeerInterval = Duration.ofMillis(5);
        private int history = 16;
        private boolean refuseLongerBound;
        private DeathAction deathAction = DeathAction.abort();
        private boolean beatEvents;
        private boolean manualStart;

        private Builder() {}

        /**
         * The time from the peer's last byte to the next probe: 10 ms to 2147483647 ms, by default 15 s, which keeps every
         * common load balancer and NAT from forgetting the connection.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder interval(Duration interval) {
            Durations.wholeMillis("heartbeat interval", interval, MIN_MILLIS, Integer.MAX_VALUE);
            this.interval = interval;
            return this;
        }

        /**
         * How long the answer to one probe may take: 10 ms to 2147483647 ms, by default 5 s, time for TCP to repeat a lost
         * segment four times.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder timeout(Duration timeout) {
            Durations.wholeMillis("heartbeat timeout", timeout, MIN_MILLIS, Integer.MAX_VALUE);
            this.timeout = timeout;
            return this;
        }

        /**
         * How many probes in a row must stay unanswered: 1 to 100, by default 2, so that one slow answer is only a
         * suspicion.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder attempts(int attempts) {
            if (attempts < 1 || attempts > MAX_ATTEMPTS) {
                throw new IllegalArgumentException(
                        "heartbeat attempts: " + attempts + " (expected: 1 to " + MAX_ATTEMPTS + ")");
            }
            this.attempts = attempts;
            return this;
        }

        /** When beats are sent; {@link HeartbeatMode#WHEN_QUIET} by default, which costs a busy connection nothing. */
        public Builder mode(HeartbeatMode mode) {
            this.mode = Objects.requireNonNull(mode, "mode");
            return this;
        }

        /**
         * How late our own timer may be before the delay is told as a stall of ours: 1 ms to 2147483647 ms, by default 50 ms,
         * longer than most pauses of a healthy JVM. Whatever its length, no stall of more than a tick is charged to the
         * peer.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder stallAllowance(Duration allowance) {
            Durations.wholeMillis("stallAllowance", allowance, 1, Integer.MAX_VALUE);
            this.stallAllowance = allowance;
            return this;
        }

        /**
         * How long what stands before a probe may stand still, where the kernel can't tell why: 10 ms to 2147483647 ms, by
         * default 30 s. NIO sees a full send buffer move only when a third of it has drained: 30 s are a third of 4 MiB, the
         * largest by default, over 375 kbit/s.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder writeStallTimeout(Duration timeout) {
            Durations.wholeMillis("writeStallTimeout", timeout, MIN_MILLIS, Integer.MAX_VALUE);
            this.writeStallTimeout = timeout;
            return this;
        }

        /**
         * How long a peer whose kernel answers may keep its window closed: 10 ms to 2147483647 ms, by default 1 min, longer
         * than a pause from which a program recovers. Needs the kernel's evidence (epoll).
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder slowReaderTolerance(Duration tolerance) {
            Durations.wholeMillis("slowReaderTolerance", tolerance, MIN_MILLIS, Integer.MAX_VALUE);
            this.slowReaderTolerance = tolerance;
            return this;
        }

        /**
         * How long our own paused reads excuse a silence on a transport that cannot ask the kernel: 10 ms to 2147483647 ms,
         * by default 5 min, so that a peer that died meanwhile does not stay for ever. On epoll the kernel's evidence is
         * judged instead.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder pausedReadsLimit(Duration limit) {
            Durations.wholeMillis("pausedReadsLimit", limit, MIN_MILLIS, Integer.MAX_VALUE);
            this.pausedReadsLimit = limit;
            return this;
        }

        /**
         * How often the peer may ping, on average: every 1 ms to 1 h, by default every 5 ms, twice as often as the shortest
         * interval of this library. Pings that come with one read count as one, and what the peer did not use in the last
         * minute may follow in a burst. Twenty pings ahead of that are a strike, ten more the next; the third strike ends the
         * connection with {@code FLOOD}. Answers are never counted.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder permittedPeerInterval(Duration interval) {
            Durations.wholeMillis("permittedPeerInterval", interval, 1, MAX_PERMITTED_MILLIS);
            this.permittedPeerInterval = interval;
            return this;
        }

        /**
         * How many of the last beats are kept for the case of a death: 0 to 1024, by default 16, which take 96 bytes of a
         * connection.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder history(int beats) {
            if (beats < 0 || beats > MAX_HISTORY) {
                throw new IllegalArgumentException(
                        "heartbeat history: " + beats + " (expected: 0 to " + MAX_HISTORY + " beats)");
            }
            this.history = beats;
            return this;
        }

        /**
         * Whether a connection ends, with a protocol error, where the interval agreed with the peer by their HELLOs makes the
         * bound longer than these options alone do. By default it does not, and {@link HeartbeatEvent.Agreed} tells the new bound.
         */
        public Builder refuseLongerBound(boolean on) {
            this.refuseLongerBound = on;
            return this;
        }

        /** What is done to the channel of a dead peer; {@link DeathAction#abort} by default. */
        public Builder deathAction(DeathAction action) {
            this.deathAction = Objects.requireNonNull(action, "deathAction");
            return this;
        }

        /** Whether every answered beat is an event; not by default, for it costs an object a beat. */
        public Builder beatEvents(boolean on) {
            this.beatEvents = on;
            return this;
        }

        /** Whether beats wait for {@link HeartbeatHandler#start()}; not by default. */
        public Builder manualStart(boolean on) {
            this.manualStart = on;
            return this;
        }

        /** The options. */
        public HeartbeatOptions build() {
            return new HeartbeatOptions(this);
        }
    }
}
