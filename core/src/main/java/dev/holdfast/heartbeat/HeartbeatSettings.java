package dev.holdfast.heartbeat;

import dev.holdfast.heartbeat.HeartbeatProtocol.Answering;

/** The options in the form the event loop works with: one object for all connections of the same options. */
final class HeartbeatSettings {
    final HeartbeatOptions options;
    final HeartbeatProtocol protocol;
    final HeartbeatListener listener;
    final long intervalNanos;
    final long timeoutNanos;
    final long tickNanos;
    final long stallAllowanceNanos;
    final int attempts;
    /** How often the peer is to be heard where it does not answer: as often as we beat. */
    final long peerIntervalNanos;

    private final boolean beats;
    private final boolean answered;
    private final boolean always;

    HeartbeatSettings(HeartbeatProtocol protocol, HeartbeatOptions options, HeartbeatListener listener) {
        this.listener = listener;
        this.options = options;
        this.protocol = protocol;
        this.intervalNanos = options.interval().toNanos();
        this.timeoutNanos = options.timeout().toNanos();
        this.tickNanos = options.tick().toNanos();
        this.stallAllowanceNanos = options.stallAllowance().toNanos();
        this.attempts = options.attempts();
        this.peerIntervalNanos = intervalNanos;
        this.beats = options.mode() != HeartbeatMode.WATCH_ONLY;
        this.answered = beats && protocol.answering() == Answering.ANSWERED;
        this.always = options.mode() == HeartbeatMode.ALWAYS;
    }

    /** A place in the interval, by a fraction of which only the part behind the point counts; on a tick. */
    long phaseNanos(double fraction) {
        double part = fraction - Math.floor(fraction);
        return ((long) (part * intervalNanos) / tickNanos + 1) * tickNanos;
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
}
