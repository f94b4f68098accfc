package dev.holdfast.socket.internal;

import java.time.Duration;
import java.time.temporal.ChronoUnit;

/** Turns durations into whole units, refusing what would be truncated, rounded to nothing or out of range. */
public final class Durations {
    private Durations() {}

    /**
     * Whole seconds, for the options that the kernel counts in seconds.
     *
     * @throws IllegalArgumentException if the duration is no whole number of seconds, or outside {@code min} to {@code max}
     */
    public static int wholeSeconds(String option, Duration value, int min, int max) {
        if (value.getNano() != 0 || value.getSeconds() < min || value.getSeconds() > max) {
            throw new IllegalArgumentException(option + ": " + value + " (expected: whole seconds from PT" + min
                    + "S to PT" + max + "S, the kernel counts in seconds)");
        }
        return (int) value.getSeconds();
    }

    /**
     * Whole milliseconds.
     *
     * @throws IllegalArgumentException if the duration is no whole number of milliseconds, or outside {@code min} to
     *     {@code max}
     */
    public static int wholeMillis(String option, Duration value, int min, int max) {
        Duration smallest = Duration.ofMillis(min);
        Duration largest = Duration.ofMillis(max);
        boolean inRange = value.compareTo(smallest) >= 0 && value.compareTo(largest) <= 0;
        if (!inRange || !value.truncatedTo(ChronoUnit.MILLIS).equals(value)) {
            throw new IllegalArgumentException(
                    option + ": " + value + " (expected: whole milliseconds from " + smallest + " to " + largest + ")");
        }
        return (int) value.toMillis();
    }
}
