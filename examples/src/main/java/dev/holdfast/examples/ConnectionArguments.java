package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.OptionPolicy;
import dev.holdfast.socket.SocketOptions;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The options of a connection, the same for every command that has or explains one. */
final class ConnectionArguments {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--keepalive",
            paramLabel = "IDLE/INTERVAL/COUNT",
            description = "TCP keepalive, as 60s/10s/3; 'on' takes the system's times, 'off' switches it off.")
    private @Nullable String keepAlive;

    @Option(
            names = "--user-timeout",
            paramLabel = "DURATION",
            converter = DurationConverter.class,
            description = "How long sent data may stay unacknowledged (TCP_USER_TIMEOUT); not on NIO.")
    private @Nullable Duration userTimeout;

    @Option(
            names = "--connect-timeout",
            paramLabel = "DURATION",
            converter = DurationConverter.class,
            description = "How long a connect may take.")
    private @Nullable Duration connectTimeout;

    @Option(names = "--syn-count", paramLabel = "N", description = "How often a SYN is repeated; not on NIO.")
    private @Nullable Integer synCount;

    @Option(
            names = "--defer-accept",
            paramLabel = "DURATION",
            converter = DurationConverter.class,
            description = "A listener wakes up for a client's first data only, for about this long; not on NIO.")
    private @Nullable Duration deferAccept;

    @Option(
            names = "--not-sent-low-water",
            paramLabel = "BYTES",
            description = "Unsent bytes below which the socket takes more (TCP_NOTSENT_LOWAT); not on NIO.")
    private @Nullable Integer notSentLowWater;

    @Option(
            names = "--rto-max",
            paramLabel = "DURATION",
            converter = DurationConverter.class,
            description = "The longest retransmission timeout (TCP_RTO_MAX_MS, Linux 6.15); not on NIO.")
    private @Nullable Duration rtoMax;

    @Option(names = "--no-delay", paramLabel = "true|false", arity = "1", description = "Small segments leave at once.")
    private @Nullable Boolean noDelay;

    @Option(names = "--send-buffer", paramLabel = "BYTES", description = "SO_SNDBUF.")
    private @Nullable Integer sendBuffer;

    @Option(names = "--receive-buffer", paramLabel = "BYTES", description = "SO_RCVBUF.")
    private @Nullable Integer receiveBuffer;

    @Option(
            names = "--on-unmet",
            paramLabel = "fail|warn|ignore",
            description = "What to do about an option that is not in force as asked. Default: warn.")
    private @Nullable OptionPolicy onUnmet;

    @Option(
            names = "--heartbeat",
            paramLabel = "INTERVAL/TIMEOUT/ATTEMPTS",
            description = "A heartbeat of the application, as 15s/5s/2.")
    private @Nullable String heartbeat;

    @Option(
            names = "--detect-within",
            paramLabel = "DURATION",
            converter = DurationConverter.class,
            description = "Derive all of it from one number: every lost peer is noticed within this time.")
    private @Nullable Duration detectWithin;

    /** The policy asked for. Errors name option, value and rule. */
    LivenessPolicy policy() {
        return policy(detectWithin);
    }

    /** The policy asked for, or, where nothing is said about it, the one derived from this limit. */
    LivenessPolicy policyOrWithin(Duration limit) {
        return policy(detectWithin == null && !saysTimes() ? limit : detectWithin);
    }

    private LivenessPolicy policy(@Nullable Duration within) {
        try {
            return within == null ? ownPolicy() : derivedPolicy(within);
        } catch (IllegalArgumentException | TypeConversionException bad) {
            throw new ParameterException(spec.commandLine(), bad.getMessage(), bad);
        }
    }

    /** Whether the heartbeat was asked for by itself, and does not follow from something else. */
    boolean hasOwnHeartbeat() {
        return heartbeat != null;
    }

    private LivenessPolicy derivedPolicy(Duration limit) {
        if (saysTimes()) {
            throw new IllegalArgumentException(
                    "--detect-within: " + limit + " (expected: alone; it derives --keepalive,"
                            + " --user-timeout, --connect-timeout and --heartbeat itself, and bounds --syn-count and --rto-max)");
        }
        LivenessPolicy derived = LivenessPolicy.detectWithin(limit);
        SocketOptions options = others(derived.socketOptions().toBuilder()).build();
        return derived.heartbeat()
                .map(times -> LivenessPolicy.of(options, times))
                .orElseGet(() -> LivenessPolicy.of(options));
    }

    private boolean saysTimes() {
        return Stream.of(keepAlive, userTimeout, connectTimeout, synCount, rtoMax, heartbeat)
                .anyMatch(Objects::nonNull);
    }

    private LivenessPolicy ownPolicy() {
        SocketOptions.Builder builder = others(SocketOptions.builder());
        setKeepAlive(builder);
        Optional.ofNullable(userTimeout).ifPresent(builder::userTimeout);
        Optional.ofNullable(connectTimeout).ifPresent(builder::connectTimeout);
        Optional.ofNullable(synCount).ifPresent(builder::synCount);
        Optional.ofNullable(rtoMax).ifPresent(builder::rtoMax);
        SocketOptions options = builder.build();
        return heartbeat == null ? LivenessPolicy.of(options) : LivenessPolicy.of(options, heartbeatOptions(heartbeat));
    }

    private SocketOptions.Builder others(SocketOptions.Builder builder) {
        Optional.ofNullable(deferAccept).ifPresent(builder::deferAccept);
        Optional.ofNullable(notSentLowWater).ifPresent(builder::notSentLowWater);
        Optional.ofNullable(noDelay).ifPresent(builder::noDelay);
        Optional.ofNullable(sendBuffer).ifPresent(builder::sendBuffer);
        Optional.ofNullable(receiveBuffer).ifPresent(builder::receiveBuffer);
        Optional.ofNullable(onUnmet).ifPresent(builder::policy);
        return builder;
    }

    private void setKeepAlive(SocketOptions.Builder builder) {
        if (keepAlive == null) {
            return;
        }
        switch (keepAlive) {
            case "on" -> builder.keepAlive(true);
            case "off" -> builder.keepAlive(false);
            default -> {
                String[] parts = parts("--keepalive", keepAlive, "IDLE/INTERVAL/COUNT as 60s/10s/3, or on, or off");
                builder.keepAlive(
                        duration("--keepalive", parts[0]),
                        duration("--keepalive", parts[1]),
                        number("--keepalive", parts[2]));
            }
        }
    }

    private static HeartbeatOptions heartbeatOptions(String text) {
        String[] parts = parts("--heartbeat", text, "INTERVAL/TIMEOUT/ATTEMPTS as 15s/5s/2");
        return HeartbeatOptions.builder()
                .interval(duration("--heartbeat", parts[0]))
                .timeout(duration("--heartbeat", parts[1]))
                .attempts(number("--heartbeat", parts[2]))
                .build();
    }

    private static String[] parts(String option, String text, String expected) {
        String[] parts = text.split("/", -1);
        if (parts.length != 3) {
            throw new IllegalArgumentException(option + ": '" + text + "' (expected: " + expected + ")");
        }
        return parts;
    }

    private static Duration duration(String option, String text) {
        try {
            return new DurationConverter().convert(text);
        } catch (TypeConversionException bad) {
            throw new IllegalArgumentException(option + ": " + bad.getMessage(), bad);
        }
    }

    private static int number(String option, String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException bad) {
            throw new IllegalArgumentException(option + ": '" + text + "' (expected: a whole number)", bad);
        }
    }
}
