package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.policy.Survival;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What the doctor warns of, and what it says to do. */
class AdviceTest {
    private static final SocketOptions WITH_KEEPALIVE = SocketOptions.builder()
            .keepAlive(Duration.ofSeconds(20), Duration.ofSeconds(5), 3)
            .connectTimeout(Duration.ofSeconds(3))
            .build();

    private static List<Advice> advice(LivenessPolicy policy) {
        return Advice.of(policy, policy.bounds(KernelSettings.linuxDefaults(), Transport.nio()));
    }

    private static IdleCutFinder.Finding cutAtFourSeconds(IdleCutFinder.Refresh refresh) {
        return new IdleCutFinder.Finding(
                new IdleCutSearch.Bracket(Optional.of(Duration.ofSeconds(4)), Optional.of(Duration.ofMillis(4400))),
                Optional.of("RESET"),
                refresh,
                List.of());
    }

    private static Optional<Survival> survival(SocketOptions options, boolean beats, IdleCutFinder.Finding finding) {
        HeartbeatOptions often =
                HeartbeatOptions.builder().interval(Duration.ofSeconds(1)).build();
        LivenessPolicy policy = LivenessPolicy.of(options, often);
        return Advice.survival(policy, beats, policy.bounds(KernelSettings.linuxDefaults(), Transport.nio()), finding);
    }

    @Test
    void advice_nothingSet_namesEachStep() {
        assertThat(advice(LivenessPolicy.of(SocketOptions.builder().build())))
                .extracting(Advice::warning, Advice::nextStep)
                .satisfiesExactly(
                        first -> assertThat(first.toString())
                                .contains("keepalive is off", "never noticed", "--keepalive 60s/10s/3"),
                        second -> assertThat(second.toString()).contains("no user timeout", "--user-timeout 85s"),
                        third -> assertThat(third.toString()).contains("no heartbeat", "--heartbeat 15s/5s/2"),
                        fourth -> assertThat(fourth.toString()).contains("no connect timeout", "--connect-timeout 3s"));
    }

    @Test
    void advice_keepaliveWithTimes_fitsTheUserTimeoutToThem() {
        assertThat(advice(LivenessPolicy.of(WITH_KEEPALIVE)))
                .extracting(Advice::nextStep)
                .contains("add --user-timeout 32500ms and --transport epoll")
                .noneMatch(step -> step.contains("--keepalive"));
    }

    @Test
    void advice_systemsKeepalive_isTooSlow() {
        assertThat(advice(LivenessPolicy.of(
                        SocketOptions.builder().keepAlive(true).build())))
                .anySatisfy(each -> assertThat(each.warning())
                        .contains("keepalive has the system's times", "after 2 h ", "TCP_KEEPALIVE"));
    }

    @Test
    void advice_heartbeatAndConnectTimeout_leavesNothing() {
        assertThat(advice(LivenessPolicy.of(
                        WITH_KEEPALIVE, HeartbeatOptions.builder().build())))
                .isEmpty();
    }

    @Test
    void survival_pathThatKeepaliveRefreshes_asksForKeepaliveBelowTheCut() {
        Survival survival = survival(WITH_KEEPALIVE, false, cutAtFourSeconds(IdleCutFinder.Refresh.YES))
                .orElseThrow();

        assertThat(survival.outcome()).isEqualTo(Survival.Outcome.IS_CUT);
        assertThat(Advice.of(survival))
                .singleElement()
                .satisfies(each ->
                        assertThat(each.nextStep()).startsWith("add --keepalive 2s/10s/3, or --heartbeat 2s/5s/2"));
    }

    @Test
    void survival_pathThatKeepaliveDoesNotRefresh_needsPayload() {
        SocketOptions often = SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(1), Duration.ofSeconds(1), 3)
                .build();
        Survival survival = survival(often, false, cutAtFourSeconds(IdleCutFinder.Refresh.NO))
                .orElseThrow();

        assertThat(survival.outcome()).isEqualTo(Survival.Outcome.IS_CUT);
        assertThat(Advice.of(survival))
                .singleElement()
                .satisfies(each -> assertThat(each.nextStep())
                        .startsWith("only payload is known to keep it open: --heartbeat 2s/5s/2"));
    }

    @Test
    void survival_heartbeatThatIsAnswered_survives() {
        Survival survival = survival(WITH_KEEPALIVE, true, cutAtFourSeconds(IdleCutFinder.Refresh.NO))
                .orElseThrow();

        assertThat(survival.outcome()).isEqualTo(Survival.Outcome.SURVIVES);
        assertThat(Advice.of(survival)).isEmpty();
    }

    @Test
    void survival_noCut_isNoQuestion() {
        IdleCutFinder.Finding none = new IdleCutFinder.Finding(
                new IdleCutSearch.Bracket(Optional.of(Duration.ofSeconds(60)), Optional.empty()),
                Optional.empty(),
                IdleCutFinder.Refresh.UNKNOWN,
                List.of());

        assertThat(survival(WITH_KEEPALIVE, true, none)).isEmpty();
    }

    @Test
    void times_areWrittenAsPeopleDo() {
        assertThat(Times.text(Duration.ofNanos(310_000))).isEqualTo("0.31 ms");
        assertThat(Times.text(Duration.ofMillis(9))).isEqualTo("9.00 ms");
        assertThat(Times.text(Duration.ofMillis(10))).isEqualTo("0.01 s");
        assertThat(Times.text(Duration.ofMillis(100_000))).isEqualTo("100 s");
        assertThat(Times.text(Duration.ofMillis(119_999))).isEqualTo("119.999 s");
        assertThat(Times.text(Duration.ofMillis(120_000))).isEqualTo("2 min");
        assertThat(Times.text(Duration.ofMillis(7_875_001))).isEqualTo("2 h 11 min 16 s");
    }
}
