package dev.holdfast.examples.lab;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The results as tables: for a terminal and for a document. */
final class Report {
    private static final List<String> HEADING = List.of(
            "scenario",
            "options",
            "site",
            "transport",
            "bound",
            "counted from",
            "measured",
            "expected",
            "named",
            "verdict");
    private static final int MEASURED = 6;

    private final List<Trial.Result> results;

    Report(List<Trial.Result> results) {
        this.results = List.copyOf(results);
    }

    boolean holds() {
        return results.stream().allMatch(Trial.Result::holds);
    }

    /** One line: how many held, failed and were left out. */
    String summary() {
        long leftOut = results.stream().filter(Trial.Result::isLeftOut).count();
        long failed = results.stream().filter(each -> !each.holds()).count();
        return results.size() - leftOut - failed + " held, " + failed + " failed, " + leftOut + " left out";
    }

    /** Aligned columns. */
    String text() {
        List<List<String>> rows = rows();
        int[] widths = IntStream.range(0, HEADING.size())
                .map(column -> rows.stream()
                        .mapToInt(row -> row.get(column).length())
                        .max()
                        .orElse(0))
                .toArray();
        return rows.stream()
                .map(row -> IntStream.range(0, row.size())
                        .mapToObj(column -> padded(row.get(column), widths[column], column == MEASURED))
                        .collect(Collectors.joining("  "))
                        .stripTrailing())
                .collect(Collectors.joining(System.lineSeparator()));
    }

    private static String padded(String text, int width, boolean right) {
        String padding = " ".repeat(width - text.length());
        return right ? padding + text : text + padding;
    }

    /** A table in Markdown. */
    String markdown() {
        List<List<String>> rows = new ArrayList<>(rows());
        rows.add(1, HEADING.stream().map(each -> "---").toList());
        return rows.stream().map(Report::markdown).collect(Collectors.joining("\n"));
    }

    private static String markdown(List<String> row) {
        return "| " + String.join(" | ", row) + " |";
    }

    private List<List<String>> rows() {
        List<List<String>> rows = new ArrayList<>();
        rows.add(HEADING);
        results.forEach(each -> rows.add(row(each)));
        return rows;
    }

    private static List<String> row(Trial.Result result) {
        Trial trial = result.trial();
        return List.of(
                trial.scenario().name(),
                trial.variant().options(),
                trial.variant().site().text(),
                trial.transport().name(),
                result.limit().map(Limit::text).orElse(result.isLeftOut() ? "" : "never"),
                result.limit().map(each -> each.from().text()).orElse(""),
                measured(result),
                result.expected(),
                result.named(),
                verdict(result));
    }

    private static String measured(Trial.Result result) {
        String stalled = result.stalled().compareTo(Duration.ofMillis(100)) < 0
                ? ""
                : String.format(Locale.ROOT, " (%.2f of it our own stalls)", Limit.seconds(result.stalled()));
        String form = result.named().equals(Trial.SURVIVES) ? "alive after %.1f s" : "%.3f s";
        return result.measured()
                .map(each -> String.format(Locale.ROOT, form, Limit.seconds(each)) + stalled)
                .orElse("");
    }

    private static String verdict(Trial.Result result) {
        if (result.isLeftOut()) {
            return "left out: " + result.problem();
        }
        String held = result.trial().scenario().unwaited() ? "holds (compared, not waited for)" : "holds";
        return result.holds() ? held : "FAILED: " + result.problem();
    }

    /** For one transport: how often each fault was named what. In Markdown. */
    String confusions(String transport) {
        Map<String, Map<String, Integer>> counts = new TreeMap<>();
        TreeSet<String> names = new TreeSet<>();
        for (Trial.Result each : results) {
            if (!each.isLeftOut() && each.trial().transport().name().equals(transport)) {
                String named = each.named().isEmpty() ? "-" : each.named();
                names.add(named);
                counts.computeIfAbsent(each.trial().scenario().fault().text(), fault -> new TreeMap<>())
                        .merge(named, 1, Integer::sum);
            }
        }
        List<List<String>> rows = new ArrayList<>();
        rows.add(concat("fault on " + transport, names.stream().toList()));
        rows.add(concat("---", names.stream().map(each -> "---:").toList()));
        counts.forEach((fault, row) -> rows.add(concat(
                fault,
                names.stream()
                        .map(name -> Optional.ofNullable(row.get(name))
                                .map(Object::toString)
                                .orElse(""))
                        .toList())));
        return rows.stream().map(Report::markdown).collect(Collectors.joining("\n"));
    }

    private static List<String> concat(String first, List<String> rest) {
        List<String> all = new ArrayList<>(List.of(first));
        all.addAll(rest);
        return all;
    }
}
