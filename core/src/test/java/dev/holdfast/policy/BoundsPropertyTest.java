package dev.holdfast.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatMode;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.DetectionBounds.Bound;
import dev.holdfast.policy.KernelFormulas.Span;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What holds for every policy and kernel: thousands of them by chance, the seed in the message of a failure. */
class BoundsPropertyTest {
    private static final int RUNS = 3000;
    private static final List<HeartbeatMode> MODES = List.of(HeartbeatMode.values());
    private static final List<Integer> FREQUENCIES = List.of(100, 250, 300, 1000);

    private static void forAll(Consumer<Random> property) {
        long first = new Random().nextLong();
        for (long seed = first; seed < first + RUNS; seed++) {
            try {
                property.accept(new Random(seed));
            } catch (AssertionError | RuntimeException failed) {
                throw new AssertionError("with seed " + seed, failed);
            }
        }
    }

    /** From 1 to max, small numbers as likely as large ones. */
    private static int any(Random random, int max) {
        return (int) Math.min(max, Math.max(1, Math.pow(max, random.nextDouble()) + random.nextInt(3) - 1));
    }

    private static int anyOrZero(Random random, int max) {
        return random.nextInt(4) == 0 ? 0 : any(random, max);
    }

    /** Both together, so that a simulated kernel and the formulas have the same settings. */
    private static final class Pair {
        final KernelFormulas formulas;
        final SimulatedKernel kernel;

        Pair(Random random) {
            int hertz = FREQUENCIES.get(random.nextInt(4));
            int rtoMin = random.nextInt(3) == 0 ? 1000 * any(random, 1000) : 200_000;
            int rtoMax = random.nextBoolean() ? 120_000 : 1000 + random.nextInt(119_000);
            formulas = new KernelFormulas(hertz, rtoMin, rtoMax);
            kernel = new SimulatedKernel(random, hertz, rtoMin, rtoMax);
        }
    }

    private static void within(double happened, Span span) {
        assertThat(happened).isBetween(span.nominal() - 0.001, span.worst() + 0.001);
    }

    @Test
    void keepAlive_simulated_isWithinTheSpan() {
        forAll(random -> {
            Pair pair = new Pair(random);
            int idle = 1000 * any(random, 32767);
            int interval = 1000 * any(random, 32767);
            int count = any(random, 20);
            int user = random.nextBoolean() ? 0 : any(random, idle + 20 * interval);
            within(
                    pair.kernel.keepAlive(idle, interval, count, user),
                    pair.formulas.keepAlive(idle, interval, count, user));
        });
    }

    @Test
    void unacknowledged_simulated_isWithinTheSpan() {
        forAll(random -> {
            Pair pair = new Pair(random);
            int user = any(random, Integer.MAX_VALUE);
            int retries = anyOrZero(random, 255);
            within(pair.kernel.unacknowledged(retries, user, random.nextBoolean()), pair.formulas.unacknowledged(user));
            within(pair.kernel.unacknowledged(retries, 0, false), pair.formulas.retransmissions(retries));
            within(pair.kernel.unacknowledged(retries, 0, true), pair.formulas.orphan(retries));
        });
    }

    @Test
    void windowProbes_simulated_areWithinTheSpan() {
        forAll(random -> {
            Pair pair = new Pair(random);
            int user = any(random, 500_000);
            int retries = anyOrZero(random, 255);
            within(pair.kernel.windowProbes(retries, 0, 0), pair.formulas.freshWindowProbes(retries));
            int backoff = random.nextInt(retries + 1);
            within(pair.kernel.windowProbes(retries, 0, backoff), pair.formulas.windowProbes(retries));
            within(pair.kernel.windowProbes(Integer.MAX_VALUE, user, 0), pair.formulas.probesUnder(user));
        });
    }

    @Test
    void localRetries_simulated_areWithinTheSpan() {
        forAll(random -> {
            Pair pair = new Pair(random);
            int user = anyOrZero(random, 20_000);
            int retries = anyOrZero(random, 255);
            within(pair.kernel.localRetries(retries, user), pair.formulas.localRetries(retries, user));
        });
    }

    @Test
    void connect_simulated_isWithinTheSpan() {
        forAll(random -> {
            Pair pair = new Pair(random);
            int retries = any(random, 127);
            int linear = anyOrZero(random, 127);
            int user = random.nextBoolean() ? 0 : any(random, Integer.MAX_VALUE);
            within(pair.kernel.connect(retries, linear, user), pair.formulas.connect(retries, linear, user));
        });
    }

    private static SocketOptions.Builder anyOptions(Random random) {
        SocketOptions.Builder options = SocketOptions.builder();
        if (random.nextBoolean()) {
            options.keepAlive(
                    Duration.ofSeconds(any(random, 7200)), Duration.ofSeconds(any(random, 100)), any(random, 127));
        }
        if (random.nextBoolean()) {
            options.userTimeout(Duration.ofMillis(any(random, 1_000_000)));
        }
        if (random.nextBoolean()) {
            options.connectTimeout(Duration.ofMillis(any(random, 100_000)));
        }
        if (random.nextInt(4) == 0) {
            options.synCount(any(random, 127)).rtoMax(Duration.ofMillis(1000 + random.nextInt(119_001)));
        }
        return options;
    }

    private static HeartbeatOptions anyHeartbeat(Random random) {
        return HeartbeatOptions.builder()
                .interval(Duration.ofMillis(9 + any(random, 100_000)))
                .timeout(Duration.ofMillis(9 + any(random, 100_000)))
                .attempts(any(random, 100))
                .mode(MODES.get(random.nextInt(3)))
                .writeStallTimeout(Duration.ofMillis(9 + any(random, 100_000)))
                .build();
    }

    private static LivenessPolicy anyPolicy(Random random) {
        SocketOptions options = anyOptions(random).build();
        return random.nextBoolean() ? LivenessPolicy.of(options) : LivenessPolicy.of(options, anyHeartbeat(random));
    }

    private static KernelSettings anyKernel(Random random) {
        return KernelSettings.builder()
                .keepAliveTime(Duration.ofSeconds(any(random, 7200)))
                .keepAliveInterval(Duration.ofSeconds(any(random, 75)))
                .keepAliveProbes(anyOrZero(random, 255))
                .retries2(anyOrZero(random, 255))
                .orphanRetries(anyOrZero(random, 255))
                .synRetries(any(random, 127))
                .synLinearTimeouts(anyOrZero(random, 127))
                .rtoMax(Duration.ofMillis(1000 + random.nextInt(119_001)))
                .timerFrequency(FREQUENCIES.get(random.nextInt(4)))
                .build();
    }

    private static Transport anyTransport(Random random) {
        return random.nextBoolean() ? Transport.nio() : AllOptionsTransport.INSTANCE;
    }

    @Test
    void bound_always_isOrderedAndComplete() {
        forAll(random -> {
            DetectionBounds bounds = anyPolicy(random).bounds(anyKernel(random), anyTransport(random));
            for (Bound bound : bounds.bounds()) {
                assertThat(bound.nominal().isPresent())
                        .as("%s", bound)
                        .isEqualTo(bound.worstCase().isPresent())
                        .isEqualTo(bound.detector() != Detector.NONE);
                bound.nominal()
                        .ifPresent(nominal -> assertThat(nominal)
                                .as("%s", bound)
                                .isPositive()
                                .isLessThanOrEqualTo(bound.worstCase().orElseThrow()));
                assertThat(bounds.toString()).contains(bound.mode().name());
            }
        });
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"CONNECT_BLACKHOLED", "CLOSED_PEER_VANISHED"})
    void bound_heartbeat_coversEveryEstablishedMode(FailureMode mode) {
        forAll(random -> {
            HeartbeatOptions beats = anyHeartbeat(random);
            Duration answers = beats.timeout().multipliedBy(beats.attempts());
            Duration patience = longer(beats.slowReaderTolerance(), beats.writeStallTimeout())
                    .plus(beats.timeout());
            boolean local = mode.name().contains("LOCAL_");
            if (local && beats.mode() == HeartbeatMode.WATCH_ONLY) {
                return; // it sends nothing that our own host could drop
            }
            boolean nothingSent = !mode.name().startsWith("ZERO_WINDOW")
                    && mode != FailureMode.UNACKED_PEER_VANISHED
                    && (!local || mode == FailureMode.IDLE_LOCAL_QUEUE_DROP);
            Duration wakeUp = Duration.ofMillis(100);
            Duration missing = Duration.ofMillis(500).minus(answers); // until the kernel has repeated what was lost
            Duration repeated = missing.isNegative()
                    ? Duration.ZERO
                    : missing.plus(beats.timeout()).plus(beats.tick());
            Duration judged = beats.interval().plus(answers);
            Duration stalled = longer(beats.interval(), beats.timeout()).plus(patience);
            Duration limit = (nothingSent ? judged : longer(judged, stalled).plus(beats.tick()))
                    .plus(beats.tick().multipliedBy(beats.attempts() + 1))
                    .plus(repeated)
                    .plus(wakeUp);

            assertThat(LivenessPolicy.of(anyOptions(random).build(), beats)
                            .bounds(anyKernel(random), anyTransport(random))
                            .worstCase(mode))
                    .hasValueSatisfying(worst -> assertThat(worst).isLessThanOrEqualTo(limit));
        });
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    /**
     * Not so for idle peers, where a heartbeat suspends keepalive, and for a closed window, from which it lifts the user
     * timeout; nor under a user timeout of less than six retransmission timeouts, which is put back too late for it.
     */
    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {
                "IDLE_PEER_VANISHED",
                "MIDDLEBOX_FORGOT_SILENTLY",
                "PEER_REBOOTED",
                "MIDDLEBOX_FORGOT_WITH_RESET",
                "ZERO_WINDOW_PEER_ALIVE",
                "ZERO_WINDOW_PEER_VANISHED"
            })
    void bound_heartbeatAdded_isNeverLater(FailureMode mode) {
        forAll(random -> {
            SocketOptions options = anyOptions(random).build();
            KernelSettings kernel = anyKernel(random);
            Transport transport = anyTransport(random);
            if (options.userTimeout().filter(user -> user.toMillis() < 6 * 210).isPresent()) {
                return;
            }

            notLater(
                    LivenessPolicy.of(options, anyHeartbeat(random))
                            .bounds(kernel, transport)
                            .worstCase(mode),
                    LivenessPolicy.of(options).bounds(kernel, transport).worstCase(mode));
        });
    }

    /** It puts nothing in flight, so keepalive too is as it was; only from a closed window it lifts the user timeout. */
    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"ZERO_WINDOW_PEER_ALIVE", "ZERO_WINDOW_PEER_VANISHED"})
    void bound_watchOnlyAdded_isNeverLater(FailureMode mode) {
        forAll(random -> {
            SocketOptions options = anyOptions(random).build();
            KernelSettings kernel = anyKernel(random);
            Transport transport = anyTransport(random);
            if (options.userTimeout().filter(user -> user.toMillis() < 6 * 210).isPresent()) {
                return;
            }
            HeartbeatOptions watch = anyHeartbeat(random).toBuilder()
                    .mode(HeartbeatMode.WATCH_ONLY)
                    .build();

            notLater(
                    LivenessPolicy.of(options, watch).bounds(kernel, transport).worstCase(mode),
                    LivenessPolicy.of(options).bounds(kernel, transport).worstCase(mode));
        });
    }

    /**
     * A longer time of any kind never makes a bound shorter. Only under a user timeout a longer idle time or interval of
     * keepalive may, because the end is the first probe time past the user timeout, which comes nearer to it.
     */
    @ParameterizedTest
    @EnumSource(FailureMode.class)
    void bound_longerTimes_isNeverEarlier(FailureMode mode) {
        forAll(random -> {
            KernelSettings kernel = anyKernel(random);
            int idle = any(random, 7200);
            int interval = any(random, 100);
            int count = any(random, 127);
            int user = anyOrZero(random, 1_000_000);
            int syn = any(random, 127);
            Optional<Duration> shorter = worst(mode, kernel, idle, interval, count, user, syn);

            notLater(shorter, worst(mode, kernel, idle, interval, count + 1, user, syn));
            notLater(shorter, worst(mode, kernel, idle, interval, count, user, syn + 1));
            if (user > 0) {
                notLater(shorter, worst(mode, kernel, idle, interval, count, user + any(random, 1000), syn));
            } else {
                notLater(shorter, worst(mode, kernel, idle + any(random, 100), interval, count, user, syn));
                notLater(shorter, worst(mode, kernel, idle, interval + 1, count, user, syn));
                notLater(
                        shorter,
                        worst(
                                mode,
                                kernel.toBuilder()
                                        .retries2(Math.min(255, kernel.retries2() + 1))
                                        .build(),
                                idle,
                                interval,
                                count,
                                user,
                                syn));
            }
        });
    }

    private static Optional<Duration> worst(
            FailureMode mode, KernelSettings kernel, int idle, int interval, int count, int user, int syn) {
        SocketOptions.Builder options = SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(idle), Duration.ofSeconds(interval), Math.min(127, count))
                .synCount(Math.min(127, syn));
        if (user > 0) {
            options.userTimeout(Duration.ofMillis(user));
        }
        return LivenessPolicy.of(options.build())
                .bounds(kernel, AllOptionsTransport.INSTANCE)
                .worstCase(mode);
    }

    /** A user timeout takes the place of the retransmission limits: it helps if it is shorter than they are. */
    @ParameterizedTest
    @EnumSource(
            names = {
                "UNACKED_PEER_VANISHED",
                "ZERO_WINDOW_PEER_VANISHED",
                "LOCAL_FILTER_DROP",
                "LOCAL_QUEUE_DROP",
                "ZERO_WINDOW_PEER_ALIVE",
                "CLOSED_PEER_VANISHED"
            })
    void bound_shortUserTimeout_isNeverLaterThanWithout(FailureMode mode) {
        forAll(random -> {
            KernelSettings kernel = anyKernel(random);
            int fewest = Math.min(kernel.retries2(), kernel.orphanRetries() == 0 ? 8 : kernel.orphanRetries());
            int user = any(random, 100 << Math.min(9, fewest));
            Bound bound = LivenessPolicy.of(SocketOptions.builder()
                            .userTimeout(Duration.ofMillis(user))
                            .build())
                    .bounds(kernel.toBuilder().rtoMax(Duration.ofSeconds(120)).build(), AllOptionsTransport.INSTANCE)
                    .bound(mode);
            if (kernel.retries2() >= 1) {
                notLater(bound.worstCase(), bound.worstCaseWithoutUserTimeout());
            }
        });
    }

    private static void notLater(Optional<Duration> one, Optional<Duration> other) {
        other.ifPresent(limit ->
                assertThat(one).hasValueSatisfying(worst -> assertThat(worst).isLessThanOrEqualTo(limit)));
    }
}
