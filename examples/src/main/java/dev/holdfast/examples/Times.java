package dev.holdfast.examples;

import java.time.Duration;
import java.util.Locale;

/** Durations as people write them. */
final class Times {
    private static final long SECONDS_FROM = 120_000;

    private Times() {}

    /** As {@code 0.4 ms} below 10 ms, {@code 4.125 s}, and {@code 15 min 25 s} from two minutes on, rounded up. */
    static String text(Duration duration) {
        long millis = duration.toMillis();
        if (millis < 10) {
            return String.format(Locale.ROOT, "%.2f ms", duration.toNanos() / 1e6);
        }
        if (millis < SECONDS_FROM) {
            return String.format(Locale.ROOT, "%d.%03d", millis / 1000, millis % 1000)
                            .replaceFirst("\\.?0+$", "") + " s";
        }
        long seconds = (millis + 999) / 1000;
        String text = (seconds >= 3600 ? seconds / 3600 + " h " : "")
                + (seconds / 60 % 60 > 0 ? seconds / 60 % 60 + " min " : "")
                + (seconds % 60 > 0 ? seconds % 60 + " s" : "");
        return text.strip();
    }
}
