package dev.holdfast.examples;

import dev.holdfast.ReconnectOptions;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Whether, and how, {@code connect} comes back. */
final class ReconnectArguments {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--reconnect",
            description =
                    "Come back whenever the connection ends, until --for, a signal or a refusal for good; --protocol"
                            + " framed and --detect-within 30s where nothing else is said. Of each line that is not"
                            + " confirmed by the peer's program it is told what is known.")
    private boolean reconnect;

    @Option(
            names = "--max-age",
            paramLabel = "DURATION",
            converter = DurationConverter.class,
            description = "With --reconnect: replace the connection at this age, or up to a fifth before it by chance.")
    private @Nullable Duration maxAge;

    /** How it comes back; empty if it does not. Errors name option, value and rule. */
    Optional<ReconnectOptions> options() {
        if (!reconnect && maxAge != null) {
            throw new ParameterException(
                    spec.commandLine(), "--max-age: " + maxAge + " (expected: with --reconnect, which it belongs to)");
        }
        if (!reconnect) {
            return Optional.empty();
        }
        ReconnectOptions.Builder options = ReconnectOptions.builder();
        if (maxAge != null) {
            options.maxAge(maxAge);
        }
        return Optional.of(options.build());
    }
}
