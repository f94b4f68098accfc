package dev.holdfast.examples;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What {@code connect} and {@code listen} have in common beside the connection: how events are printed, how long it lasts. */
final class EventArguments {
    @Option(
            names = "--events",
            paramLabel = "text|json",
            defaultValue = "text",
            description = "Events for people, or one JSON object a line. Default: text.")
    private EventLog.Format format = EventLog.Format.text;

    @Option(
            names = "--for",
            paramLabel = "DURATION",
            converter = DurationConverter.class,
            description = "End regularly, with exit code 0, after this long. Default: when the connection ends.")
    private @Nullable Duration limit;

    EventLog log(OutputStream out) {
        return new EventLog(new PrintStream(out, true, StandardCharsets.UTF_8), format);
    }

    Optional<Duration> limit() {
        return Optional.ofNullable(limit);
    }
}
