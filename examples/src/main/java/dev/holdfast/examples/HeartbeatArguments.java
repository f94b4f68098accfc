package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatMode;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.LivenessPolicy;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** What is spoken with the peer, and when; how long is said by {@link ConnectionArguments}. */
final class HeartbeatArguments {
    /** What the connection layer begins with where nothing is said: its own default. */
    private static final Duration DEFAULT_LIMIT = Duration.ofSeconds(30);

    private static final String NEEDS_TIMES = "with --heartbeat or --detect-within, which say how often";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--heartbeat-mode",
            paramLabel = "always|when-quiet|watch-only",
            converter = ModeConverter.class,
            description = "When beats are sent; watch-only judges the peer by what it sends on its own."
                    + " Default: when-quiet.")
    private @Nullable HeartbeatMode mode;

    @Option(
            names = "--protocol",
            paramLabel = "framed|bytes:01/41|line:PING/PONG|none",
            description =
                    "What is spoken: framed, Holdfast's own protocol, where each line is a message; or what a beat and its"
                            + " answer are: bytes in hex, which count wherever they stand among the data, or whole"
                            + " lines.")
    private @Nullable String protocol;

    /**
     * The beats asked for; empty is none. Errors name option, value and rule.
     *
     * @param mayOnlyAnswer whether a protocol alone is enough: the peer's beats are answered, and it is not judged
     */
    Optional<Beats> beats(ConnectionArguments connection, LivenessPolicy policy, boolean mayOnlyAnswer) {
        Optional<HeartbeatOptions> times = policy.heartbeat();
        BeatProtocol spoken = spoken();
        if (times.isEmpty()) {
            return withoutTimes(spoken, mayOnlyAnswer);
        }
        HeartbeatMode asked = mode == null ? HeartbeatMode.WHEN_QUIET : mode;
        if (spoken.isNone() && (protocol == null || asked != HeartbeatMode.WATCH_ONLY)) {
            if (connection.hasOwnHeartbeat() || mode != null) {
                throw bad("--protocol: " + (protocol == null ? "not given" : protocol) + " (expected: "
                        + BeatProtocol.CHOICES + "; a peer must be spoken to in its own way, and none is for"
                        + " --heartbeat-mode watch-only)");
            }
            return Optional.empty();
        }
        HeartbeatOptions options =
                times.get().toBuilder().mode(asked).beatEvents(true).build();
        if (spoken.isFramed()) {
            requireHello(options);
        }
        return Optional.of(new Beats(spoken, options));
    }

    /** The times must have room in a HELLO. */
    private void requireHello(HeartbeatOptions options) {
        try {
            options.hello();
        } catch (IllegalArgumentException tooLong) {
            throw bad("--protocol framed: " + tooLong.getMessage());
        }
    }

    /**
     * What the connection layer is to speak. Errors name option, value and rule.
     *
     * @param byDefault what is spoken where no protocol is given
     * @param mayOnlyAnswer as for {@link #beats}
     */
    Spoken spoken(ConnectionArguments connection, BeatProtocol byDefault, boolean mayOnlyAnswer) {
        BeatProtocol asked = protocol == null ? byDefault : spoken();
        if (!asked.isFramed()) {
            return spokenPlainly(asked, connection.policy(), connection, mayOnlyAnswer);
        }
        LivenessPolicy policy = connection.policyOrWithin(DEFAULT_LIMIT);
        if (policy.heartbeat().isEmpty()) {
            if (mode != null) {
                throw needsTimes();
            }
            return new Spoken(asked, policy);
        }
        HeartbeatOptions options = policy.heartbeat().get().toBuilder()
                .mode(mode == null ? HeartbeatMode.WHEN_QUIET : mode)
                .build();
        requireHello(options);
        return new Spoken(asked, LivenessPolicy.of(policy.socketOptions(), options));
    }

    private Spoken spokenPlainly(
            BeatProtocol asked, LivenessPolicy policy, ConnectionArguments connection, boolean mayOnlyAnswer) {
        LivenessPolicy withoutBeats = LivenessPolicy.of(policy.socketOptions());
        return beats(connection, policy, mayOnlyAnswer)
                .map(Beats::options)
                .filter(options -> !options.isManualStart())
                .map(options -> new Spoken(asked, LivenessPolicy.of(policy.socketOptions(), options)))
                .orElse(new Spoken(asked, withoutBeats));
    }

    private Optional<Beats> withoutTimes(BeatProtocol spoken, boolean mayOnlyAnswer) {
        if (mode != null) {
            throw needsTimes();
        }
        if (spoken.isNone()) {
            return Optional.empty();
        }
        if (!mayOnlyAnswer) {
            throw bad("--protocol: " + protocol + " (expected: " + NEEDS_TIMES + ")");
        }
        // What never starts neither beats nor judges, but it answers.
        return Optional.of(
                new Beats(spoken, HeartbeatOptions.builder().manualStart(true).build()));
    }

    private ParameterException needsTimes() {
        return bad("--heartbeat-mode: "
                + String.valueOf(mode).toLowerCase(Locale.ROOT).replace('_', '-') + " (expected: " + NEEDS_TIMES + ")");
    }

    /** A heartbeat that is not sent must not pass for one; who says none himself knows. */
    void warnIfUnsent(LivenessPolicy policy, EventLog log) {
        if (protocol == null && policy.heartbeat().isPresent()) {
            log.warn(policy.heartbeat().get() + " counts in the bounds that explain prints; no beats are sent without"
                    + " --protocol (" + BeatProtocol.CHOICES + ")");
        }
    }

    private BeatProtocol spoken() {
        try {
            return protocol == null ? BeatProtocol.none() : BeatProtocol.parse(protocol);
        } catch (IllegalArgumentException bad) {
            throw bad("--protocol: " + bad.getMessage());
        }
    }

    private ParameterException bad(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** The modes as they are written on the command line. */
    static final class ModeConverter implements ITypeConverter<HeartbeatMode> {
        @Override
        public HeartbeatMode convert(String text) {
            return switch (text) {
                case "always" -> HeartbeatMode.ALWAYS;
                case "when-quiet" -> HeartbeatMode.WHEN_QUIET;
                case "watch-only" -> HeartbeatMode.WATCH_ONLY;
                default ->
                    throw new TypeConversionException("'" + text + "' (expected: always, when-quiet or watch-only)");
            };
        }
    }
}
