package dev.holdfast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LivenessPolicyTest {
    private static final Set<FailureMode> PROMISED = EnumSet.complementOf(EnumSet.of(FailureMode.CLOSED_PEER_VANISHED));

    private static List<String> warnings(String scenario) {
        return Scenario.of(scenario).policy().warnings();
    }

    @Test
    void warnings_nothingProbes_saysThatIdleIsNeverNoticed() {
        assertThat(warnings("-")).singleElement().asString().startsWith("neither keepAlive nor a heartbeat");
    }

    @Test
    void warnings_keepAliveOnly_saysThatItIsSuspended() {
        assertThat(warnings("keepalive=2/1/3"))
                .singleElement()
                .asString()
                .contains("suspended while data is in flight");
    }

    @Test
    void warnings_keepAliveAndHeartbeat_areNone() {
        assertThat(warnings("keepalive=2/1/3 heartbeat=5000/1000/2")).isEmpty();
    }

    @Test
    void warnings_userTimeoutWithoutHeartbeat_saysThatItKillsTheLiving() {
        assertThat(warnings("keepalive=2/1/3 user=4500"))
                .singleElement()
                .asString()
                .contains("userTimeout PT4.5S also ends a connection whose peer lives");
        assertThat(warnings("keepalive=2/1/3 user=4500 heartbeat=5000/1000/2")).isEmpty();
    }

    @Test
    void warnings_userTimeoutThatLosesProbes_isSaidOnce() {
        assertThat(warnings("keepalive=2/1/3 user=4000 heartbeat=5000/1000/2"))
                .singleElement()
                .asString()
                .contains("ignores the count");
    }

    @ParameterizedTest
    @CsvSource({"999, true", "1000, false", "1001, false"})
    void warnings_userTimeoutBelowTheHeartbeats_saysWhichIsFirst(long user, boolean warned) {
        assertThat(warnings("user=" + user + " heartbeat=5000/1000/2")).hasSize(warned ? 1 : 0);
    }

    @Test
    void equals_bothHalves_count() {
        SocketOptions options = SocketOptions.builder().noDelay(true).build();
        HeartbeatOptions beats = HeartbeatOptions.builder().build();
        LivenessPolicy policy = LivenessPolicy.of(options, beats);

        assertThat(policy)
                .isEqualTo(LivenessPolicy.of(options, beats))
                .hasSameHashCodeAs(LivenessPolicy.of(options, beats));
        assertThat(policy)
                .isNotEqualTo(LivenessPolicy.of(options))
                .isNotEqualTo(LivenessPolicy.of(SocketOptions.builder().build(), beats))
                .isNotEqualTo(
                        LivenessPolicy.of(options, beats.toBuilder().attempts(3).build()))
                .isNotEqualTo("policy");
        assertThat(policy)
                .hasToString(
                        "LivenessPolicy[SocketOptions[TCP_NODELAY=on, policy=WARN], HeartbeatOptions[interval=PT15S,"
                                + " timeout=PT5S, attempts=2]]");
        assertThat(LivenessPolicy.of(options).toString()).endsWith(", no heartbeat]");
    }

    @Test
    void detectWithin_tenSeconds_isDerivedAsDocumented() {
        LivenessPolicy policy = LivenessPolicy.detectWithin(Duration.ofSeconds(10));

        assertThat(policy.heartbeat())
                .contains(HeartbeatOptions.builder()
                        .interval(Duration.ofMillis(2500))
                        .timeout(Duration.ofSeconds(2))
                        .attempts(2)
                        .slowReaderTolerance(Duration.ofMillis(4000))
                        .writeStallTimeout(Duration.ofMillis(4000))
                        .build());
        assertThat(policy.socketOptions())
                .isEqualTo(SocketOptions.builder()
                        .keepAlive(Duration.ofSeconds(3), Duration.ofSeconds(1), 3)
                        .userTimeout(Duration.ofMillis(5500))
                        .connectTimeout(Duration.ofSeconds(5))
                        .build());
    }

    /** As many probes as fit into the time, but no more than three. */
    @ParameterizedTest
    @CsvSource({"3, 1", "4, 1", "7, 2", "10, 3", "60, 3", "3600, 3"})
    void detectWithin_anyTime_hasUpToThreeProbes(long seconds, int count) {
        assertThat(LivenessPolicy.detectWithin(Duration.ofSeconds(seconds))
                        .socketOptions()
                        .keepAliveCount())
                .hasValue(count);
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT2.999999999S", "PT0S", "PT-5S", "PT30H0.000000001S", "PT2562047788015215H30M7S"})
    void detectWithin_outOfRange_isRefusedWithTheReason(Duration limit) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LivenessPolicy.detectWithin(limit))
                .withMessageStartingWith("detectWithin: " + limit + " (expected: PT3S to PT30H; ")
                .withMessageContaining("32767 s");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT3S", "PT3.000000001S", "PT29H59M59.999S", "PT30H"})
    void detectWithin_atTheEnds_keepsItsPromise(Duration limit) {
        keepsItsPromise(limit);
    }

    @Test
    void detectWithin_everyTenthOfASecond_keepsItsPromise() {
        for (long millis = 3000; millis < 60_000; millis += 100) {
            keepsItsPromise(Duration.ofMillis(millis));
        }
    }

    @Test
    void detectWithin_byChance_keepsItsPromise() {
        long first = new Random().nextLong();
        for (long seed = first; seed < first + 5000; seed++) {
            Random random = new Random(seed);
            Duration limit = Duration.ofNanos((long) (3e9 * Math.pow(36_000, random.nextDouble())));
            try {
                keepsItsPromise(limit);
            } catch (AssertionError | RuntimeException failed) {
                throw new AssertionError("with seed " + seed, failed);
            }
        }
    }

    private static void keepsItsPromise(Duration limit) {
        LivenessPolicy policy = LivenessPolicy.detectWithin(limit);
        for (Transport transport : List.of(AllOptionsTransport.INSTANCE, Transport.nio())) {
            DetectionBounds bounds = policy.bounds(KernelSettings.linuxDefaults(), transport);
            for (FailureMode mode : PROMISED) {
                assertThat(bounds.worstCase(mode))
                        .as("%s by %s within %s", mode, transport.name(), limit)
                        .hasValueSatisfying(worst -> assertThat(worst).isLessThanOrEqualTo(limit));
            }
        }
        // The kernel alone keeps it, too, as long as one beat is under way.
        SocketOptions options = policy.socketOptions();
        HeartbeatOptions beats = policy.heartbeat().orElseThrow();
        Duration kernels = LivenessPolicy.of(options)
                .bounds(KernelSettings.linuxDefaults(), AllOptionsTransport.INSTANCE)
                .worstCase(FailureMode.UNACKED_PEER_VANISHED)
                .orElseThrow();
        assertThat(beats.interval().plus(beats.tick()).plus(kernels)).isLessThanOrEqualTo(limit);
        assertThat(policy.warnings()).as("%s", limit).isEmpty();
    }
}
