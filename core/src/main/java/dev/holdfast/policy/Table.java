package dev.holdfast.policy;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.StringJoiner;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Aligned columns, and durations as people write them. */
final class Table {
    private static final long SECONDS_FROM = 120_000;

    private Table() {}

    /** Rows of equal length, the first the heading; those columns to the right that are named. */
    static String of(List<List<String>> rows, Integer... rightAligned) {
        Set<Integer> right = Set.of(rightAligned);
        int columns = rows.get(0).size();
        int[] widths = IntStream.range(0, columns)
                .map(column -> rows.stream()
                        .mapToInt(row -> row.get(column).length())
                        .max()
                        .orElse(0))
                .toArray();
        return rows.stream()
                .map(row -> IntStream.range(0, columns)
                        .mapToObj(column -> cell(row.get(column), widths[column], right.contains(column)))
                        .collect(Collectors.joining("  "))
                        .stripTrailing())
                .collect(Collectors.joining(System.lineSeparator()));
    }

    private static String cell(String text, int width, boolean right) {
        String padding = " ".repeat(width - text.length());
        return right ? padding + text : text + padding;
    }

    /** As {@code 5.625 s}, and {@code 15 min 25 s} from two minutes on, rounded up. */
    static String text(Duration duration) {
        long millis = duration.toMillis();
        if (millis < SECONDS_FROM) {
            String seconds = String.format(Locale.ROOT, "%d.%03d", millis / 1000, millis % 1000);
            return seconds.replaceFirst("\\.?0+$", "") + " s";
        }
        long seconds = (millis + 999) / 1000;
        StringJoiner parts = new StringJoiner(" ");
        part(parts, seconds / 3600, " h");
        part(parts, seconds / 60 % 60, " min");
        part(parts, seconds % 60, " s");
        return parts.toString();
    }

    private static void part(StringJoiner parts, long number, String unit) {
        if (number > 0) {
            parts.add(number + unit);
        }
    }
}
