package dev.holdfast.examples;

import dev.holdfast.ResilientServer;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The limits of {@code listen}, and how it ends. With one of them it is a server of the connection layer. */
final class ServerArguments {
    private static final Duration LONGEST = Duration.ofDays(1);

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--max-connections", paramLabel = "N", description = "How many clients there may be.")
    private @Nullable Integer maxConnections;

    @Option(names = "--max-per-address", paramLabel = "N", description = "How many of them from one address.")
    private @Nullable Integer maxPerAddress;

    @Option(
            names = "--drain",
            paramLabel = "DURATION",
            converter = DurationConverter.class,
            description =
                    "At SIGTERM or the end of --for, ask the clients one by one to move away, so that all are gone"
                            + " within this time.")
    private @Nullable Duration drain;

    /** Whether one of them is given. Errors name option, value and rule. */
    boolean areGiven() {
        if (drain != null && (drain.isZero() || drain.compareTo(LONGEST) > 0)) {
            throw new ParameterException(spec.commandLine(), "--drain: " + drain + " (expected: 1ms to 24h)");
        }
        return Stream.of(maxConnections, maxPerAddress, drain).anyMatch(given -> given != null);
    }

    /** How long a drain may take; empty if it was not asked for. */
    Optional<Duration> drain() {
        return Optional.ofNullable(drain);
    }

    void applyTo(ResilientServer.Builder builder) {
        if (maxConnections != null) {
            builder.maxConnections(maxConnections);
        }
        if (maxPerAddress != null) {
            builder.maxConnectionsPerAddress(maxPerAddress);
        }
    }
}
