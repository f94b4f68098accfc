package dev.holdfast;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Always the same wait. */
record FixedBackoff(Duration delay) implements Backoff {
    FixedBackoff {
        BackoffDelay.check("backoff delay", delay);
    }

    @Override
    public Duration delay(int failures, RandomGenerator random) {
        return delay;
    }

    @Override
    public String toString() {
        return "fixed(" + delay + ")";
    }
}
