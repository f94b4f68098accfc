package dev.holdfast.examples;

import dev.holdfast.socket.OptionReport;
import dev.holdfast.verdict.LastBeat;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.verdict.Probes;
import dev.holdfast.verdict.TcpSnapshot;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The library's values as the fields of a JSON event. */
final class Details {
    private Details() {}

    /** Names and values in turn, kept in that order. */
    static Map<String, @Nullable Object> fields(@Nullable Object... namesAndValues) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            fields.put(String.valueOf(namesAndValues[i]), namesAndValues[i + 1]);
        }
        return fields;
    }

    static List<Map<String, @Nullable Object>> of(OptionReport report) {
        return report.rows().stream().map(Details::of).toList();
    }

    private static Map<String, @Nullable Object> of(OptionReport.Row row) {
        return fields(
                "option", row.option().name(),
                "unit", row.option().unit().name().toLowerCase(Locale.ROOT),
                "asked", row.asked(),
                "found", row.found().isPresent() ? row.found().getAsInt() : null,
                "status", row.status().name(),
                "reason", row.reason());
    }

    static Map<String, @Nullable Object> of(PeerDeath death) {
        return fields(
                "peer", death.peer(),
                "cause", death.cause().name(),
                "detectedAfterMillis", death.detectedAfter().toMillis(),
                "evidence", death.evidence().tcpInfo().map(Details::of).orElse(null),
                "loopLatenessMillis", death.evidence().loopLateness().toMillis(),
                "readsPaused", death.evidence().readsPaused(),
                "backlogBytes", death.evidence().backlog().bytes(),
                "backlogUnmovedMillis", death.evidence().backlog().unmoved().toMillis(),
                "probes", death.evidence().probes().map(Details::of).orElse(null),
                "lastBeats",
                        death.evidence().lastBeats().stream().map(Details::of).toList(),
                "error", death.error().map(Throwable::getMessage).orElse(null),
                "rule", death.rule(),
                "explanation", death.explain());
    }

    private static Map<String, @Nullable Object> of(Probes probes) {
        return fields(
                "newest", probes.newest(),
                "unanswered", probes.unanswered(),
                "timeoutMillis", probes.timeout().toMillis(),
                "lateMicros", micros(probes.lateness()),
                "acknowledgedAfterMillis",
                        probes.acknowledgedAfter().map(Duration::toMillis).orElse(null));
    }

    private static Map<String, @Nullable Object> of(LastBeat beat) {
        return fields(
                "dueMillisBefore", beat.due().toMillis(),
                "lateMicros", micros(beat.lateness()),
                "rttMicros", beat.roundTrip().map(Details::micros).orElse(null));
    }

    static long micros(Duration duration) {
        return TimeUnit.NANOSECONDS.toMicros(duration.toNanos());
    }

    private static Map<String, Long> of(TcpSnapshot snapshot) {
        Map<String, Long> fields = new LinkedHashMap<>();
        snapshot.values().forEach((field, value) -> fields.put(field.kernelName(), value));
        return fields;
    }
}
