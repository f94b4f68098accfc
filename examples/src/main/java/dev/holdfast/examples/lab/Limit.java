package dev.holdfast.examples.lab;

import dev.holdfast.policy.DetectionBounds;
import dev.holdfast.policy.Detector;
import java.time.Duration;
import java.util.Locale;

/**
 * When a connection has to end.
 *
 * @param from from when it counts
 * @param nominal not before this, less {@link #EARLY}
 * @param worst not after this
 * @param byHeartbeat whether the heartbeat ends it, and not the kernel
 */
record Limit(Moment from, Duration nominal, Duration worst, boolean byHeartbeat) {
    /** What the moment may be uncertain by. */
    static final Duration EARLY = Duration.ofMillis(300);

    static Limit of(DetectionBounds.Bound bound) {
        return new Limit(
                Moment.of(bound),
                bound.nominal().orElseThrow(),
                bound.worstCase().orElseThrow(),
                bound.detector() == Detector.HEARTBEAT);
    }

    /** Whether it was in time, where a stall of our own, which is known, delays what we see of it. */
    boolean holds(Duration measured, Duration stalled) {
        return measured.compareTo(nominal.minus(EARLY).minus(stalled)) >= 0
                && measured.compareTo(worst.plus(stalled)) <= 0;
    }

    String text() {
        return String.format(Locale.ROOT, "%.2f - %.2f s", seconds(nominal), seconds(worst));
    }

    static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
