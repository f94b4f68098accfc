package dev.holdfast.examples.lab;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** What happened to a connection, in order: packets, what the library told, samples of tcp_info. */
final class Timelines {
    /** What a picture is made of. */
    private static final Set<String> TELLING =
            Set.of("balancer", "balancer-resets", "balancer-loses", "late-probe", "cable-in-flight");

    private static final Set<String> HIDDEN = Set.of("id", "nanos", "event", "samples", "stalls", "lastReadNanos");

    /** Who tells of a loop that stood still. */
    static final String STALL = "stall";

    private Timelines() {}

    record Line(long nanos, String who, String text) {}

    static boolean isTelling(Trial trial) {
        return TELLING.contains(trial.scenario().name());
    }

    /** In order of time. */
    static List<Line> of(Trial.Result result) {
        List<Line> lines = new ArrayList<>();
        for (Stage.Happening each :
                result.played().map(Trial.Played::happenings).orElse(List.of())) {
            lines.add(new Line(each.nanos(), each.who(), each.event() + details(each)));
            if (each.details().has("stalls")) {
                each.details().getAsJsonArray("stalls").forEach(stall -> {
                    long from = stall.getAsJsonArray().get(0).getAsLong();
                    long millis = (stall.getAsJsonArray().get(1).getAsLong() - from) / 1_000_000;
                    lines.add(new Line(
                            from, STALL, "the loop of the " + each.who() + " stood still for " + millis + " ms"));
                });
            }
            if (each.details().has("samples")) {
                each.details().getAsJsonArray("samples").forEach(sample -> {
                    String[] parts = sample.getAsString().split(" ", 2);
                    lines.add(new Line(Long.parseLong(parts[0]), "tcp_info", parts[1]));
                });
            }
        }
        result.played()
                .map(Trial.Played::packets)
                .orElse(List.of())
                .forEach(packet ->
                        lines.add(new Line(packet.nanos(), packet.fate().text(), packet.text())));
        long start = result.played().map(Trial.Played::happenings).orElse(List.of()).stream()
                .mapToLong(Stage.Happening::nanos)
                .min()
                .orElse(Long.MIN_VALUE);
        lines.removeIf(each -> each.nanos() < start); // of the connections before
        lines.sort(Comparator.comparingLong(Line::nanos));
        return lines;
    }

    private static String details(Stage.Happening happening) {
        return happening.details().entrySet().stream()
                .filter(each -> !HIDDEN.contains(each.getKey()))
                .map(each -> " " + each.getKey() + "=" + each.getValue())
                .collect(Collectors.joining());
    }

    static String text(Trial.Result result) {
        List<Line> lines = of(result);
        if (lines.isEmpty()) {
            return "";
        }
        long start = lines.get(0).nanos();
        return lines.stream()
                .map(line -> String.format(
                        Locale.ROOT, "  %9.3f s  %-8s %s", (line.nanos() - start) / 1e9, line.who(), line.text()))
                .collect(Collectors.joining(System.lineSeparator()));
    }
}
