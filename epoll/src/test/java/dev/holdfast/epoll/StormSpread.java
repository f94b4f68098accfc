package dev.holdfast.epoll;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/**
 * Moments, compared with the even distribution over a span by the test of Kolmogorov and Smirnov.
 *
 * <p>Its p is the chance that as many moments, independent of each other and each evenly distributed over the span, lie as far or
 * farther from even as these do. Moments that are paced lie nearer to even than independent ones ever would, and have a p near 1.
 */
final class StormSpread {
    private static final int COLUMNS = 40;
    private static final int HIGH = 50;
    private static final double SECOND = 1e9;

    private final String what;
    private final long[] moments;
    private final long from;
    private final long span;

    /** @param moments in nanoseconds, in any order */
    StormSpread(String what, long[] moments, long from, long span) {
        this.what = what;
        this.moments = moments.clone();
        Arrays.sort(this.moments);
        this.from = from;
        this.span = span;
    }

    /** Over the span from the first to the last. */
    static StormSpread between(String what, long[] moments) {
        long first = Arrays.stream(moments).min().orElseThrow();
        return new StormSpread(
                what, moments, first, Arrays.stream(moments).max().orElseThrow() - first);
    }

    /** The largest difference between the part of the moments, and of the span, that has passed. */
    private double distance() {
        double largest = 0;
        for (int i = 0; i < moments.length; i++) {
            double ahead = (i + 1) / (double) moments.length - passed(moments[i]);
            double behind = passed(moments[i]) - i / (double) moments.length;
            largest = Math.max(largest, Math.max(ahead, behind));
        }
        return largest;
    }

    private double passed(long moment) {
        return Math.min(1, Math.max(0, (moment - from) / (double) span));
    }

    /** The limit distribution of Kolmogorov, with the correction of Stephens (1970) for a finite number. */
    double p() {
        double root = Math.sqrt(moments.length);
        double lambda = (root + 0.12 + 0.11 / root) * distance();
        if (lambda < 0.3) {
            return 1; // the series does not converge there, and p is above 0.9999
        }
        double sum = 0;
        for (int k = 1; k <= 100; k++) {
            sum += (k % 2 == 1 ? 2 : -2) * Math.exp(-2.0 * k * k * lambda * lambda);
        }
        return Math.min(1, Math.max(0, sum));
    }

    /** How many there are in each of so many equal parts of the time from the first to the last, or to the end of the span. */
    private int[] histogram() {
        int[] counts = new int[COLUMNS];
        for (long each : moments) {
            counts[(int) Math.min(COLUMNS - 1, Math.max(0, (each - from) * COLUMNS / width()))]++;
        }
        return counts;
    }

    private long width() {
        return Math.max(span, moments[moments.length - 1] - from + 1);
    }

    /** The largest number within one second, whenever it begins. */
    int mostInASecond() {
        int most = 0;
        int first = 0;
        for (int last = 0; last < moments.length; last++) {
            while (moments[last] - moments[first] >= SECOND) {
                first++;
            }
            most = Math.max(most, last - first + 1);
        }
        return most;
    }

    /** The numbers and the histogram, for people. */
    String report() {
        StringBuilder text = new StringBuilder(summary()).append('\n');
        int[] counts = histogram();
        int most = Arrays.stream(counts).max().orElse(1);
        for (int i = 0; i < COLUMNS; i++) {
            double at = width() / SECOND * i / COLUMNS;
            text.append(String.format(Locale.ROOT, "%8.3f s %5d ", at, counts[i]));
            text.append("#".repeat(counts[i] * HIGH / Math.max(1, most))).append('\n');
        }
        return text.toString();
    }

    private String summary() {
        return String.format(
                Locale.ROOT,
                "%s: %d within %s, expected even over %s; Kolmogorov-Smirnov D = %.4f, p = %.4f; at most %d in a second",
                what,
                moments.length,
                Duration.ofNanos(moments[moments.length - 1] - from),
                Duration.ofNanos(span),
                distance(),
                p(),
                mostInASecond());
    }

    /** Writes the report, and the histogram as a picture in which a line shows the even distribution. */
    void write(Path folder, String name) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(name + ".txt"), report());
        int[] counts = histogram();
        double even = moments.length * (double) width() / span / COLUMNS;
        double scale = 200 / Math.max(even, Arrays.stream(counts).max().orElse(1));
        StringBuilder svg = new StringBuilder(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 820 240\" font-family=\"sans-serif\">\n");
        svg.append("<text x=\"10\" y=\"14\" font-size=\"10\">")
                .append(summary())
                .append("</text>\n");
        for (int i = 0; i < COLUMNS; i++) {
            double high = counts[i] * scale;
            svg.append(String.format(
                    Locale.ROOT,
                    "<rect x=\"%d\" y=\"%.1f\" width=\"18\" height=\"%.1f\" fill=\"#4a7\"/>%n",
                    10 + i * 20,
                    230 - high,
                    high));
        }
        svg.append(String.format(
                Locale.ROOT,
                "<path d=\"M10 %1$.1f h%2$.1f\" stroke=\"#a33\"/>%n</svg>%n",
                230 - moments.length * scale / COLUMNS * width() / span,
                800.0 * span / width()));
        Files.writeString(folder.resolve(name + ".svg"), svg);
    }
}
