package dev.holdfast;

import dev.holdfast.socket.internal.Durations;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The rules that a wait between two attempts obeys, whoever chose it. */
final class BackoffDelay {
    private static final int MAX_MILLIS = 86_400_000;
    private static final Duration MAX = Duration.ofMillis(MAX_MILLIS);

    private BackoffDelay() {}

    /** Refuses a configured wait outside 1 ms to one day. */
    static void check(String option, Duration value) {
        Durations.wholeMillis(option, value, 1, MAX_MILLIS);
    }

    /**
     * What the backoff wants us to wait, in nanoseconds.
     *
     * @throws IllegalStateException if a backoff of a user's own throws, or returns null, less than 0 or more than a day
     */
    static long nanos(Backoff backoff, int failures, RandomGenerator random) {
        @Nullable Duration delay;
        try {
            delay = backoff.delay(failures, random);
        } catch (RuntimeException | Error e) {
            throw new IllegalStateException("backoff " + backoff + " failed after " + failures + " failures", e);
        }
        if (delay == null || delay.isNegative() || delay.compareTo(MAX) > 0) {
            throw new IllegalStateException("backoff " + backoff + " after " + failures + " failures: " + delay
                    + " (expected: PT0S to " + MAX + ")");
        }
        return delay.toNanos();
    }
}
