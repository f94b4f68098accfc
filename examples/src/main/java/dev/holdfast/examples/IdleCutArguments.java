package dev.holdfast.examples;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code --find-idle-cut} and how it is done. */
final class IdleCutArguments {
    private static final int MOST_CONNECTIONS = 64;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--find-idle-cut",
            paramLabel = "MAX",
            converter = DurationConverter.class,
            description =
                    "Also find how long the path tolerates silence, up to MAX (1s or more): connections are opened"
                            + " side by side, each is silent for a length of its own and then asked with the --protocol's beat, or"
                            + " without a protocol by a keepalive probe. Afterwards, whether TCP keepalive refreshes the path, which"
                            + " takes half as long again as the silence that was cut.")
    private @Nullable Duration max;

    @Option(
            names = "--precision",
            paramLabel = "PERCENT",
            converter = PercentConverter.class,
            description = "How close to the cut the search ends, 1%% to 50%% of it. Default: 10%%.")
    private @Nullable Double precision;

    @Option(
            names = "--parallel",
            paramLabel = "N",
            description = "How many connections the search holds at a time, 1 to 64; more make it shorter. Default: 8.")
    private @Nullable Integer parallel;

    /** The search asked for, or empty. Errors name option, value and rule. */
    Optional<IdleCutSearch> search() {
        if (max == null) {
            if (precision != null || parallel != null) {
                throw bad((precision != null ? "--precision" : "--parallel") + " (expected: with --find-idle-cut)");
            }
            return Optional.empty();
        }
        if (max.compareTo(IdleCutSearch.LEAST) < 0) {
            throw bad("--find-idle-cut: " + max + " (expected: 1s or more)");
        }
        int connections = parallel == null ? 8 : parallel;
        if (connections < 1 || connections > MOST_CONNECTIONS) {
            throw bad("--parallel: " + connections + " (expected: 1 to " + MOST_CONNECTIONS + ")");
        }
        return Optional.of(new IdleCutSearch(max, precision == null ? 0.1 : precision, connections));
    }

    /** The longest silence asked for. */
    Optional<Duration> max() {
        return Optional.ofNullable(max);
    }

    private ParameterException bad(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** A percentage, with or without its sign, as a fraction. */
    static final class PercentConverter implements ITypeConverter<Double> {
        private static final Pattern FORM = Pattern.compile("(\\d{1,2})%?");

        @Override
        public Double convert(String text) {
            Matcher parts = FORM.matcher(text);
            int percent = parts.matches() ? Integer.parseInt(parts.group(1)) : 0;
            if (percent < 1 || percent > 50) {
                throw new TypeConversionException("'" + text + "' (expected: 1% to 50%, as 10%)");
            }
            return percent / 100.0;
        }
    }
}
