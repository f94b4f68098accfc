package dev.holdfast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.holdfast.heartbeat.HeartbeatMode;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.Middlebox.Expiry;
import dev.holdfast.policy.Survival.Outcome;
import dev.holdfast.socket.SocketOptions;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class SurvivalTest {
    private static LivenessPolicy keepAlive(long idle) {
        return LivenessPolicy.of(SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(idle), Duration.ofSeconds(5), 3)
                .build());
    }

    private static LivenessPolicy heartbeat(Duration interval) {
        return LivenessPolicy.of(
                SocketOptions.builder().build(),
                HeartbeatOptions.builder().interval(interval).build());
    }

    static Stream<Arguments> boxes() {
        return Stream.of(
                Arguments.of(Middlebox.AWS_NLB, 350, true, Expiry.RESETS),
                Arguments.of(Middlebox.AWS_NAT_GATEWAY, 350, true, Expiry.RESETS),
                Arguments.of(Middlebox.AWS_NETWORK_FIREWALL, 350, true, Expiry.DROPS_SILENTLY),
                Arguments.of(Middlebox.AWS_ALB, 60, false, Expiry.CLOSES),
                Arguments.of(Middlebox.AZURE_LOAD_BALANCER, 240, true, Expiry.DROPS_SILENTLY),
                Arguments.of(Middlebox.AZURE_NAT_GATEWAY, 240, true, Expiry.RESETS),
                Arguments.of(Middlebox.GCP_VPC_FIREWALL, 600, true, Expiry.DROPS_SILENTLY),
                Arguments.of(Middlebox.GCP_CLOUD_NAT, 1200, true, Expiry.DROPS_SILENTLY),
                Arguments.of(Middlebox.LINUX_CONNTRACK, 432000, true, Expiry.DROPS_SILENTLY),
                Arguments.of(Middlebox.IPVS, 900, true, Expiry.RESETS),
                Arguments.of(Middlebox.KUBE_PROXY, 86400, true, Expiry.RESETS_OR_DROPS),
                Arguments.of(Middlebox.NGINX_STREAM, 600, false, Expiry.CLOSES),
                Arguments.of(Middlebox.ENVOY_TCP_PROXY, 3600, false, Expiry.CLOSES),
                Arguments.of(Middlebox.HAPROXY, -1, false, Expiry.CLOSES));
    }

    @ParameterizedTest
    @MethodSource("boxes")
    void constants_areTheMakersDefaults(Middlebox box, long seconds, boolean byKeepAlive, Expiry expiry) {
        assertThat(box.idleTimeout())
                .isEqualTo(seconds < 0 ? Optional.empty() : Optional.of(Duration.ofSeconds(seconds)));
        assertThat(box.refreshedByKeepAlive()).isEqualTo(byKeepAlive);
        assertThat(box.onExpiry()).isEqualTo(expiry);
        assertThat(Middlebox.all()).contains(box);
    }

    @Test
    void all_hasEveryBoxOnce() {
        assertThat(Middlebox.all()).hasSize((int) boxes().count()).doesNotHaveDuplicates();
    }

    /** A beat of 25 s and a keepalive idle of 120 s survive every box whose idle timeout is known. */
    @ParameterizedTest
    @MethodSource("boxes")
    void survives_beatOf25SecondsAndKeepAliveOf120_everyBox(Middlebox box, long seconds) {
        LivenessPolicy policy = LivenessPolicy.of(
                keepAlive(120).socketOptions(),
                HeartbeatOptions.builder().interval(Duration.ofSeconds(25)).build());

        Survival survival = policy.survives(box);

        assertThat(survival.outcome()).isEqualTo(seconds < 0 ? Outcome.UNKNOWN : Outcome.SURVIVES);
        assertThat(survival.refreshedBy()).isEqualTo(Detector.HEARTBEAT);
        assertThat(survival.longestSilence()).contains(Duration.ofMillis(25_100));
    }

    @ParameterizedTest
    @MethodSource("boxes")
    void survives_nothingSends_isCut(Middlebox box, long seconds) {
        Survival survival = LivenessPolicy.of(SocketOptions.builder().build()).survives(box);

        assertThat(survival.outcome()).isEqualTo(seconds < 0 ? Outcome.UNKNOWN : Outcome.IS_CUT);
        assertThat(survival.refreshedBy()).isEqualTo(Detector.NONE);
        assertThat(survival.longestSilence()).isEmpty();
        assertThat(survival.explanation()).contains(box.name(), "nothing refreshes it");
    }

    private static LivenessPolicy watching(LivenessPolicy others, long interval) {
        return LivenessPolicy.of(
                others.socketOptions(),
                HeartbeatOptions.builder()
                        .mode(HeartbeatMode.WATCH_ONLY)
                        .interval(Duration.ofSeconds(interval))
                        .build());
    }

    /** What this side does not send refreshes nothing; the peer may, if its promise is short enough. */
    @ParameterizedTest
    @CsvSource({"59, UNKNOWN", "60, IS_CUT", "61, IS_CUT"})
    void survives_watchOnly_dependsOnThePeersPromise(long interval, Outcome outcome) {
        Survival survival = watching(keepAlive(50), interval).survives(Middlebox.AWS_ALB);

        assertThat(survival.outcome()).isEqualTo(outcome);
        assertThat(survival.refreshedBy()).isEqualTo(Detector.NONE);
        assertThat(survival.longestSilence()).isEmpty();
        assertThat(survival.explanation().contains("only if the peer sends every 59 s, as it has promised"))
                .isEqualTo(outcome == Outcome.UNKNOWN);
        assertThat(survival.explanation()).contains("nothing refreshes it, keepalive probes don't count there");
    }

    @Test
    void survives_watchOnly_keepAliveCountsAsWithoutAHeartbeat() {
        Survival enough = watching(keepAlive(311), 10).survives(Middlebox.AWS_NLB);
        Survival tooSlow = watching(keepAlive(312), 10).survives(Middlebox.AWS_NLB);
        Survival unset = watching(keepAlive(312), 10).survives(Middlebox.HAPROXY);

        assertThat(enough).isEqualTo(keepAlive(311).survives(Middlebox.AWS_NLB));
        assertThat(tooSlow.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(tooSlow.refreshedBy()).isEqualTo(Detector.TCP_KEEPALIVE);
        assertThat(tooSlow.longestSilence()).contains(Duration.ofMillis(351_000));
        assertThat(tooSlow.explanation())
                .endsWith(
                        "only if the peer sends every 10 s, as it has promised; from this side: a keepalive probe at least"
                                + " every 5 min 51 s");
        assertThat(unset.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(unset.explanation()).contains("only with a longer idle timeout");
    }

    /** 311 s of keepalive idle fire at the latest an eighth later, after 349.875 s; 312 s after 351 s. */
    @ParameterizedTest
    @CsvSource({"311, SURVIVES, 349875", "312, IS_CUT, 351000"})
    void survives_keepAlive_timerRoundingIncluded(long idle, Outcome outcome, long silence) {
        Survival survival = keepAlive(idle).survives(Middlebox.AWS_NLB);

        assertThat(survival.outcome()).isEqualTo(outcome);
        assertThat(survival.refreshedBy()).isEqualTo(Detector.TCP_KEEPALIVE);
        assertThat(survival.longestSilence()).contains(Duration.ofMillis(silence));
    }

    @Test
    void survives_keepAlive_silenceAtTheIdleTimeout_isCut() {
        Survival survival = keepAlive(312).survives(Middlebox.AWS_NLB.withIdleTimeout(Duration.ofSeconds(351)));

        assertThat(survival.outcome()).isEqualTo(Outcome.IS_CUT);
        assertThat(keepAlive(312)
                        .survives(Middlebox.AWS_NLB.withIdleTimeout(Duration.ofMillis(351_001)))
                        .outcome())
                .isEqualTo(Outcome.SURVIVES);
    }

    @ParameterizedTest
    @CsvSource({"59899, SURVIVES", "59900, IS_CUT", "59901, IS_CUT"})
    void survives_heartbeat_tickIncluded(long interval, Outcome outcome) {
        assertThat(heartbeat(Duration.ofMillis(interval))
                        .survives(Middlebox.AWS_ALB)
                        .outcome())
                .isEqualTo(outcome);
    }

    @Test
    void survives_proxyAndKeepAliveOnly_saysThatProbesDontCount() {
        Survival survival = keepAlive(10).survives(Middlebox.NGINX_STREAM);

        assertThat(survival.outcome()).isEqualTo(Outcome.IS_CUT);
        assertThat(survival.explanation())
                .isEqualTo("nginx stream (idle timeout 10 min) cuts the connection when it is idle:"
                        + " nothing refreshes it, keepalive probes don't count there");
    }

    @Test
    void survives_keepAliveMoreOftenThanBeats_isNamed() {
        LivenessPolicy policy = LivenessPolicy.of(
                keepAlive(10).socketOptions(),
                HeartbeatOptions.builder().interval(Duration.ofSeconds(20)).build());

        assertThat(policy.survives(Middlebox.AWS_NLB).refreshedBy()).isEqualTo(Detector.TCP_KEEPALIVE);
        assertThat(policy.survives(Middlebox.AWS_ALB).refreshedBy()).isEqualTo(Detector.HEARTBEAT);
    }

    @Test
    void survives_keepAliveWithoutTimes_isTheSystems() {
        LivenessPolicy policy =
                LivenessPolicy.of(SocketOptions.builder().keepAlive(true).build());
        KernelSettings often =
                KernelSettings.builder().keepAliveTime(Duration.ofSeconds(60)).build();

        assertThat(policy.survives(Middlebox.AWS_NLB).outcome()).isEqualTo(Outcome.IS_CUT);
        assertThat(policy.survives(Middlebox.AWS_NLB, often).outcome()).isEqualTo(Outcome.SURVIVES);
    }

    @Test
    void survives_haproxyAsConfigured_isKnown() {
        Middlebox configured = Middlebox.HAPROXY.withIdleTimeout(Duration.ofSeconds(50));

        assertThat(configured.name()).isEqualTo("HAProxy");
        assertThat(heartbeat(Duration.ofSeconds(25)).survives(configured).outcome())
                .isEqualTo(Outcome.SURVIVES);
    }

    @Test
    void withIdleTimeout_notPositive_isRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Middlebox.IPVS.withIdleTimeout(Duration.ZERO))
                .withMessage("IPVS idleTimeout: PT0S (expected: more than PT0S)");
        assertThat(Middlebox.IPVS.withIdleTimeout(Duration.ofNanos(1)).idleTimeout())
                .contains(Duration.ofNanos(1));
    }
}
