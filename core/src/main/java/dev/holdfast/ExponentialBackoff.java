package dev.holdfast;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Full jitter under a limit that doubles with each failure. */
record ExponentialBackoff(Duration first, Duration max) implements Backoff {
    ExponentialBackoff {
        BackoffDelay.check("backoff first", first);
        BackoffDelay.check("backoff max", max);
        if (first.compareTo(max) > 0) {
            throw new IllegalArgumentException(
                    "backoff first: " + first + ", max: " + max + " (expected: first of at most max)");
        }
    }

    @Override
    public Duration delay(int failures, RandomGenerator random) {
        return Duration.ofNanos(random.nextLong(limitNanos(failures) + 1));
    }

    /** The longest wait after so many failures; does not overflow, whatever their number. */
    private long limitNanos(int failures) {
        if (failures < 1) {
            throw new IllegalArgumentException("failures: " + failures + " (expected: 1 or more)");
        }
        int doublings = Math.min(failures - 1, Long.SIZE - 2);
        boolean reachesMax = max.toNanos() >> doublings < first.toNanos();
        return reachesMax ? max.toNanos() : first.toNanos() << doublings;
    }

    @Override
    public String toString() {
        return "exponential(" + first + ", " + max + ")";
    }
}
