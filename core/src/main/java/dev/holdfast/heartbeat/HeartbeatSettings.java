package dev.holdfast.heartbeat;

import dev.holdfast.heartbeat.HeartbeatProtocol.Answering;
import dev.holdfast.wire.Agreement;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The options in the form the event loop works with, and the wheel of that loop: one object for all connections of a loop
 * that have the same options. The wheel keeps it ({@link HeartbeatWheel#join}).
 */
final class HeartbeatSettings {
    /** A timeout is at most this many of the units in which a probe's time is kept, so that an int holds four of them. */
    private static final long UNITS = 1L << 29;

    final HeartbeatOptions options;
    final HeartbeatProtocol protocol;
    final HeartbeatListener listener;
    /** The wheel of the loop; null before the first beat and after the last. */
    final @Nullable HeartbeatWheel wheel;

    final long intervalNanos;
    final long timeoutNanos;
    final long tickNanos;
    final long stallAllowanceNanos;
    final int attempts;
    /** Nanoseconds are shifted by this to become the units of a probe's time: 0 for a timeout up to half a second. */
    final int probeShift;
    /** How often the peer is to be heard where it does not answer: as often as we beat, or as agreed. */
    final long peerIntervalNanos;

    final int permittedPeerMillis;

    private final @Nullable Agreement agreement;
    private final boolean beats;
    private final boolean deaf;
    private final boolean answered;
    private final boolean always;

    HeartbeatSettings(HeartbeatProtocol protocol, HeartbeatOptions options, HeartbeatListener listener) {
        this(protocol, options, listener, null, null, false);
    }

    private HeartbeatSettings(
            HeartbeatProtocol protocol,
            HeartbeatOptions options,
            HeartbeatListener listener,
            @Nullable Agreement agreement,
            @Nullable HeartbeatWheel wheel,
            boolean deaf) {
        this.listener = listener;
        this.options = options;
        this.protocol = protocol;
        this.agreement = agreement;
        this.wheel = wheel;
        boolean promised = agreement != null && !agreement.sending().isOff();
        this.intervalNanos = promised
                ? Objects.requireNonNull(agreement).sending().interval().toNanos()
                : options.interval().toNanos();
        this.timeoutNanos = options.timeout().toNanos();
        this.tickNanos = options.tick().toNanos();
        this.stallAllowanceNanos = options.stallAllowance().toNanos();
        this.attempts = options.attempts();
        this.probeShift = Math.max(0, 64 - Long.numberOfLeadingZeros(timeoutNanos / UNITS));
        this.beats = options.mode() != HeartbeatMode.WATCH_ONLY;
        this.deaf = deaf;
        this.answered = !deaf && beats && protocol.answering() == Answering.ANSWERED;
        // A promise to the peer is kept at every grid point, whatever comes in and whatever is unanswered.
        this.always = options.mode() == HeartbeatMode.ALWAYS || promised;
        this.peerIntervalNanos =
                agreement != null && !beats ? agreement.receiving().interval().toNanos() : intervalNanos;
        this.permittedPeerMillis = (int) options.permittedPeerInterval().toMillis();
    }

    /** The same for the connections of one loop. */
    HeartbeatSettings on(@Nullable HeartbeatWheel loopsWheel) {
        return new HeartbeatSettings(protocol, options, listener, agreement, loopsWheel, deaf);
    }

    /**
     * The same with what both sides have agreed on: intervals, and whether there are confirmations. A peer that relies on our
     * beats is told by when the next comes.
     */
    HeartbeatSettings agreed(Agreement both) {
        Duration promise = both.sending().isOff()
                ? Duration.ZERO
                : both.sending().interval().plus(options.timeout());
        return new HeartbeatSettings(new FramedBeats(promise, both.confirms()), options, listener, both, null, deaf);
    }

    /** The same for a connection on which nothing can come in any more: beats go on, and nobody is judged. */
    HeartbeatSettings beatingOnly() {
        return new HeartbeatSettings(protocol, options, listener, agreement, null, true);
    }

    /** Whether the peer's HELLO has had its say. */
    boolean isAgreed() {
        return agreement != null;
    }

    /** Whether the peer relies on our beats. */
    boolean promises() {
        return agreement != null && !agreement.sending().isOff();
    }

    /** Within what time a silent peer is judged; empty if it sends nothing and is not asked. */
    Optional<Duration> bound() {
        long silence = answered ? intervalNanos : peerIntervalNanos;
        return silence == 0 ? Optional.empty() : Optional.of(Duration.ofNanos(silence + attempts * timeoutNanos));
    }

    /** Whether silence is a matter for judgement at all. */
    boolean judges() {
        return !deaf && (answered || peerIntervalNanos > 0);
    }

    /** A place in the interval, by a fraction of which only the part behind the point counts; on a tick. */
    long phaseNanos(double fraction) {
        double part = fraction - Math.floor(fraction);
        return ((long) (part * intervalNanos) / tickNanos + 1) * tickNanos;
    }

    /** Whether the newest beats are kept: asked for, or because one may leave while another is unanswered. */
    boolean keepsLog() {
        return beats && (options.history() > 0 || options.hasBeatEvents() || beatsWhileProbing());
    }

    /** Whether we send beats at all. */
    boolean beats() {
        return beats;
    }

    /** Whether a beat of ours is answered; otherwise the peer's own are watched for. */
    boolean expectsAnswers() {
        return answered;
    }

    /** Whether the grid goes on while a probe is unanswered. */
    boolean beatsWhileProbing() {
        return beats && (always || !answered);
    }

    /** Whether application bytes from the peer put the next beat off. */
    boolean restartsGrid() {
        return answered && !always;
    }

    /** What makes settings interchangeable: the wheel is not part of it. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof HeartbeatSettings that
                && protocol.equals(that.protocol)
                && options.equals(that.options)
                && listener == that.listener
                && deaf == that.deaf
                && Objects.equals(agreement, that.agreement);
    }

    @Override
    public int hashCode() {
        return Objects.hash(protocol, options, System.identityHashCode(listener), agreement, deaf);
    }
}
