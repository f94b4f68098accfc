package dev.holdfast.policy;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a connection does to notice that its peer is lost: socket options, and a heartbeat or none. From it follows, before
 * any connection is made, when each failure is noticed ({@link #bounds}) and which middleboxes it survives ({@link
 * #survives(Middlebox)}).
 *
 * <pre>{@code
 * LivenessPolicy policy = LivenessPolicy.detectWithin(Duration.ofSeconds(10));
 * DetectionBounds bounds = policy.bounds(KernelSettings.current(), Transport.preferred());
 * System.out.println(bounds);                                    // the table
 * bounds.worstCase(FailureMode.PEER_PROGRAM_HUNG);               // empty would be never
 * }</pre>
 *
 * <p>Immutable.
 */
public final class LivenessPolicy {
    private final SocketOptions socketOptions;
    private final Optional<HeartbeatOptions> heartbeat;
    private final List<String> warnings;

    private LivenessPolicy(SocketOptions socketOptions, Optional<HeartbeatOptions> heartbeat) {
        this.socketOptions = Objects.requireNonNull(socketOptions, "socketOptions");
        this.heartbeat = heartbeat;
        this.warnings = PolicyWarnings.of(socketOptions, heartbeat);
    }

    /** A policy without a heartbeat: what the kernel does not notice, nothing does. */
    public static LivenessPolicy of(SocketOptions socketOptions) {
        return new LivenessPolicy(socketOptions, Optional.empty());
    }

    /** A policy with a heartbeat. */
    public static LivenessPolicy of(SocketOptions socketOptions, HeartbeatOptions heartbeat) {
        return new LivenessPolicy(socketOptions, Optional.of(heartbeat));
    }

    /**
     * The policy that notices every loss of a peer, on an established connection or in a connect, within this time, by any
     * transport: 3 s to 30 h. With D for it:
     *
     * <ul>
     *   <li>heartbeat every D/4, each answer within D/5, 2 attempts, so 0.65 D and three ticks; the rest of D is for stalls
     *       of this process; a peer that lives but does not read, and a backlog that stands still, have 0.4 D;
     *   <li>keepalive idle 0.3 D and interval D/10 in whole seconds, for times in which no heartbeat runs;
     *   <li>keepalive count C, 3 or as many as fit, and a user timeout of idle + C * interval - interval/2, which keeps
     *       them all, so that heartbeat interval + 2 retransmission timeouts + user timeout, timer rounding included, stay
     *       within D;
     *   <li>connect timeout D/2, or the user timeout if it is less.
     * </ul>
     *
     * <p>Not within D, where the transport has no user timeout, is {@link FailureMode#CLOSED_PEER_VANISHED}: the
     * connection is no longer the program's. Such a transport cannot ask the kernel either, so that a send buffer which
     * only fills after the peer has vanished counts from when it is full.
     *
     * @throws IllegalArgumentException if it is less than 3 s, in which TCP can't repeat a lost segment and keepalive, in
     *     whole seconds, can't send a probe, or more than 30 h, where keepalive idle would exceed the kernel's 32767 s
     */
    public static LivenessPolicy detectWithin(Duration limit) {
        return DetectWithin.policy(limit);
    }

    /** The socket's half. */
    public SocketOptions socketOptions() {
        return socketOptions;
    }

    /** The heartbeat's half; empty is none. */
    public Optional<HeartbeatOptions> heartbeat() {
        return heartbeat;
    }

    /** When each failure is noticed, on such a kernel, by this transport. */
    public DetectionBounds bounds(KernelSettings kernel, Transport transport) {
        return new DetectionBounds(this, kernel, transport);
    }

    /**
     * Whether an idle connection through this box lives on, where keepalive is switched on without times by Linux's
     * defaults.
     */
    public Survival survives(Middlebox middlebox) {
        return survives(middlebox, KernelSettings.linuxDefaults());
    }

    /** Whether an idle connection through this box lives on, where keepalive is switched on without times by these. */
    public Survival survives(Middlebox middlebox, KernelSettings kernel) {
        return Survival.of(this, middlebox, kernel);
    }

    /**
     * What is legal but unwise in this policy, a sentence each that names the consequence: the {@link
     * SocketOptions#warnings()} that the heartbeat does not answer, and what follows from both halves together. What
     * depends on kernel or transport is in {@link DetectionBounds#warnings()}.
     */
    public List<String> warnings() {
        return warnings;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LivenessPolicy that
                && socketOptions.equals(that.socketOptions)
                && heartbeat.equals(that.heartbeat);
    }

    @Override
    public int hashCode() {
        return 31 * socketOptions.hashCode() + heartbeat.hashCode();
    }

    /** Both halves, as {@code LivenessPolicy[SocketOptions[...], no heartbeat]}. */
    @Override
    public String toString() {
        return "LivenessPolicy[" + socketOptions + ", "
                + heartbeat.map(HeartbeatOptions::toString).orElse("no heartbeat") + "]";
    }
}
