package dev.holdfast.wire;

import java.time.Duration;

/** Times on the wire: whole milliseconds, unsigned, 32 bits. */
final class WireMillis {
    /** The largest number of milliseconds that fits, 49.7 days. */
    static final long MAX = 0xFFFF_FFFFL;

    private WireMillis() {}

    /** Refuses a duration that isn't whole milliseconds from 0 to {@code max}. */
    static void check(String name, Duration duration, long max) {
        check(name, duration, 0, max);
    }

    /** Refuses a duration that isn't whole milliseconds from {@code min} to {@code max}. */
    static void check(String name, Duration duration, long min, long max) {
        boolean inRange =
                duration.compareTo(Duration.ofMillis(min)) >= 0 && duration.compareTo(Duration.ofMillis(max)) <= 0;
        if (!inRange || !Duration.ofMillis(duration.toMillis()).equals(duration)) {
            throw new IllegalArgumentException(
                    name + ": " + duration + " (expected: whole milliseconds from " + min + " to " + max + ")");
        }
    }

    /** Refuses a number that doesn't fit. */
    static void check(String name, long millis) {
        if (millis < 0 || millis > MAX) {
            throw new IllegalArgumentException(name + ": " + millis + " ms (expected: 0 to " + MAX + ")");
        }
    }
}
