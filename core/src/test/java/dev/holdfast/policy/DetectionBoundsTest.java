package dev.holdfast.policy;

import static dev.holdfast.policy.FailureMode.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.DetectionBounds.Bound;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.Optional;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DetectionBoundsTest {
    @Test
    void bound_keepAliveOnly_isThatOfTheFormula() {
        Bound bound = Scenario.of("keepalive=2/1/3").bounds().bound(IDLE_PEER_VANISHED);

        assertThat(bound.nominal()).contains(Duration.ofMillis(5000));
        assertThat(bound.worstCase()).contains(Duration.ofMillis(5625));
        assertThat(bound.detector()).isEqualTo(Detector.TCP_KEEPALIVE);
        assertThat(bound.countedFrom()).isEqualTo("the last segment received");
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "never",
            value = {
                // nothing asked for
                "IDLE_PEER_VANISHED, -, never, never, NONE",
                "UNACKED_PEER_VANISHED, -, 924800, 1045015, RETRANSMISSION",
                "ZERO_WINDOW_PEER_ALIVE, -, never, never, NONE",
                "ZERO_WINDOW_PEER_VANISHED, -, 924600, 2160000, WINDOW_PROBES",
                "LOCAL_FILTER_DROP, -, 924600, 1044783, WINDOW_PROBES",
                "LOCAL_QUEUE_DROP, -, 7700, 8675, LOCAL_RETRY",
                "IDLE_LOCAL_QUEUE_DROP, -, never, never, NONE",
                "CONNECT_BLACKHOLED, -, 131000, 147375, SYN_RETRIES",
                "CLOSED_PEER_VANISHED, -, 102400, 117505, ORPHAN_RETRIES",
                "PEER_PROGRAM_HUNG, -, never, never, NONE",
                "PEER_REBOOTED, -, never, never, NONE",
                "MIDDLEBOX_FORGOT_SILENTLY, -, never, never, NONE",
                "MIDDLEBOX_FORGOT_WITH_RESET, -, never, never, NONE",
                // both kernel detectors
                "IDLE_PEER_VANISHED, keepalive=2/1/3 user=4000, 4000, 4500, TCP_KEEPALIVE",
                "UNACKED_PEER_VANISHED, keepalive=2/1/3 user=4000, 4200, 4964, USER_TIMEOUT",
                "ZERO_WINDOW_PEER_ALIVE, keepalive=2/1/3 user=4000, 4200, 4734, USER_TIMEOUT",
                "ZERO_WINDOW_PEER_VANISHED, keepalive=2/1/3 user=4000, 4200, 4734, USER_TIMEOUT",
                "LOCAL_FILTER_DROP, keepalive=2/1/3 user=4000, 4200, 4734, USER_TIMEOUT",
                "LOCAL_QUEUE_DROP, keepalive=2/1/3 user=4000, 4200, 4734, USER_TIMEOUT",
                "LOCAL_QUEUE_DROP, user=20000, 7700, 8675, LOCAL_RETRY",
                "IDLE_LOCAL_QUEUE_DROP, keepalive=2/1/3 user=4000, never, never, NONE",
                "CONNECT_BLACKHOLED, keepalive=2/1/3 user=4000, 4000, 4500, USER_TIMEOUT",
                "CLOSED_PEER_VANISHED, keepalive=2/1/3 user=4000, 4200, 4964, USER_TIMEOUT",
                "PEER_PROGRAM_HUNG, keepalive=2/1/3 user=4000, never, never, NONE",
                "PEER_REBOOTED, keepalive=2/1/3 user=4000, 2000, 2250, TCP_KEEPALIVE",
                "MIDDLEBOX_FORGOT_SILENTLY, keepalive=2/1/3 user=4000, 4000, 4500, TCP_KEEPALIVE",
                "MIDDLEBOX_FORGOT_WITH_RESET, keepalive=2/1/3 user=4000, 2000, 2250, TCP_KEEPALIVE",
                "IDLE_PEER_VANISHED, user=4000, never, never, NONE",
                // a heartbeat: interval + attempts * timeout, a tick of 100 ms for each step, and 100 ms to wake up
                "IDLE_PEER_VANISHED, heartbeat=5000/1000/2, 7000, 7400, HEARTBEAT",
                "UNACKED_PEER_VANISHED, heartbeat=5000/1000/2, 7000, 7400, HEARTBEAT",
                "ZERO_WINDOW_PEER_ALIVE, heartbeat=5000/1000/2, 65000, 66500, HEARTBEAT",
                "ZERO_WINDOW_PEER_VANISHED, heartbeat=5000/1000/2, 7000, 66500, HEARTBEAT",
                // a heartbeat lifts the user timeout from a closed window
                "ZERO_WINDOW_PEER_ALIVE, heartbeat=5000/1000/2 user=4000, 65000, 66500, HEARTBEAT",
                "ZERO_WINDOW_PEER_ALIVE, heartbeat=5000/1000/2 user=90000, 65000, 66500, HEARTBEAT",
                "ZERO_WINDOW_PEER_VANISHED, heartbeat=5000/1000/2 user=4000, 4000, 66500, HEARTBEAT",
                "ZERO_WINDOW_PEER_VANISHED, heartbeat=5000/1000/2 user=7001, 7000, 66500, HEARTBEAT",
                "ZERO_WINDOW_PEER_VANISHED, heartbeat=5000/1000/2 user=4000 retries2=1, 600, 918, WINDOW_PROBES",
                // put back at the first repetition, it is met late if it is less than six retransmission timeouts
                "UNACKED_PEER_VANISHED, heartbeat=5000/9000/2 user=1000, 1200, 1841, USER_TIMEOUT",
                "UNACKED_PEER_VANISHED, heartbeat=5000/9000/2 user=4000, 4200, 4964, USER_TIMEOUT",
                "LOCAL_FILTER_DROP, heartbeat=5000/1000/2, 7000, 7400, HEARTBEAT",
                "LOCAL_QUEUE_DROP, heartbeat=5000/1000/2, 7000, 7400, HEARTBEAT",
                "LOCAL_QUEUE_DROP, heartbeat=5000/5000/2, 7700, 8675, LOCAL_RETRY",
                "IDLE_LOCAL_QUEUE_DROP, heartbeat=5000/1000/2, 7000, 7400, HEARTBEAT",
                "IDLE_LOCAL_QUEUE_DROP, heartbeat=1000/9000/2, 8700, 9875, LOCAL_RETRY",
                "IDLE_LOCAL_QUEUE_DROP, heartbeat=1000/9000/2 user=2000, 3200, 3684, USER_TIMEOUT",
                "PEER_PROGRAM_HUNG, heartbeat=5000/1000/2, 7000, 7400, HEARTBEAT",
                "PEER_REBOOTED, heartbeat=5000/1000/2, 5000, 5200, HEARTBEAT",
                "MIDDLEBOX_FORGOT_SILENTLY, heartbeat=5000/1000/2, 7000, 7400, HEARTBEAT",
                "MIDDLEBOX_FORGOT_WITH_RESET, heartbeat=5000/1000/2, 5000, 5200, HEARTBEAT",
                "CONNECT_BLACKHOLED, heartbeat=5000/1000/2, 131000, 147375, SYN_RETRIES",
                "CLOSED_PEER_VANISHED, heartbeat=5000/1000/2, 102400, 117505, ORPHAN_RETRIES",
                // a beat and the user timeout; keepalive is suspended by the beat, unless it is through before
                "IDLE_PEER_VANISHED, heartbeat=1000/9000/2 user=3000, 4200, 5039, USER_TIMEOUT",
                "IDLE_PEER_VANISHED, heartbeat=5624/9000/2 keepalive=2/1/3, 5000, 24024, HEARTBEAT",
                "IDLE_PEER_VANISHED, heartbeat=5625/9000/2 keepalive=2/1/3, 5000, 5625, TCP_KEEPALIVE",
                "IDLE_PEER_VANISHED, heartbeat=4999/9000/2 keepalive=2/1/3, 22999, 23399, HEARTBEAT",
                "IDLE_PEER_VANISHED, heartbeat=5625/9000/2 keepalive=2/1/3 mode=ALWAYS, 5000, 24025, HEARTBEAT",
                // a reset is drawn by whichever comes first
                "PEER_REBOOTED, heartbeat=2049/1000/2 keepalive=2/1/3, 2000, 2249, HEARTBEAT",
                "PEER_REBOOTED, heartbeat=2050/1000/2 keepalive=2/1/3, 2000, 2250, TCP_KEEPALIVE",
                "PEER_REBOOTED, heartbeat=2051/1000/2 keepalive=2/1/3 mode=ALWAYS, 2000, 2250, TCP_KEEPALIVE",
                // timeouts of less than the 0.5 s in which the kernel has repeated what was lost: one look more
                "IDLE_PEER_VANISHED, heartbeat=1000/100/1, 1100, 1730, HEARTBEAT",
                "UNACKED_PEER_VANISHED, heartbeat=1000/100/1, 1100, 1730, HEARTBEAT",
                "UNACKED_PEER_VANISHED, heartbeat=1000/100/1 mode=WATCH_ONLY, 1100, 1730, HEARTBEAT",
                "IDLE_PEER_VANISHED, heartbeat=1000/100/1 mode=WATCH_ONLY, 1100, 1220, HEARTBEAT",
                // one that only watches puts nothing in flight: the silence shows, and keepalive is not suspended
                "IDLE_PEER_VANISHED, heartbeat=5000/1000/2 mode=WATCH_ONLY, 7000, 7400, HEARTBEAT",
                "IDLE_PEER_VANISHED, heartbeat=1000/9000/2 mode=WATCH_ONLY user=3000, 19000, 19400, HEARTBEAT",
                "IDLE_PEER_VANISHED, heartbeat=4999/9000/2 mode=WATCH_ONLY keepalive=2/1/3, 5000, 5625, TCP_KEEPALIVE",
                "UNACKED_PEER_VANISHED, heartbeat=5000/1000/2 mode=WATCH_ONLY, 7000, 7400, HEARTBEAT",
                "ZERO_WINDOW_PEER_ALIVE, heartbeat=5000/1000/2 mode=WATCH_ONLY user=4000, 65000, 66500, HEARTBEAT",
                "ZERO_WINDOW_PEER_VANISHED, heartbeat=5000/1000/2 mode=WATCH_ONLY, 7000, 66500, HEARTBEAT",
                "PEER_PROGRAM_HUNG, heartbeat=5000/1000/2 mode=WATCH_ONLY, 7000, 7400, HEARTBEAT",
                "PEER_REBOOTED, heartbeat=5000/1000/2 mode=WATCH_ONLY, 7000, 7400, HEARTBEAT",
                "PEER_REBOOTED, heartbeat=1000/1000/2 mode=WATCH_ONLY keepalive=2/1/3, 2000, 2250, TCP_KEEPALIVE",
                "MIDDLEBOX_FORGOT_SILENTLY, heartbeat=5000/1000/2 mode=WATCH_ONLY, 7000, 7400, HEARTBEAT",
                "MIDDLEBOX_FORGOT_WITH_RESET, heartbeat=5000/1000/2 mode=WATCH_ONLY, 7000, 7400, HEARTBEAT",
                // what our own host drops does not silence the peer
                "LOCAL_FILTER_DROP, heartbeat=5000/1000/2 mode=WATCH_ONLY, 7000, 1044783, WINDOW_PROBES",
                "LOCAL_FILTER_DROP, heartbeat=1000/1000/2 mode=WATCH_ONLY user=4000, 3000, 4734, USER_TIMEOUT",
                "LOCAL_QUEUE_DROP, heartbeat=5000/1000/2 mode=WATCH_ONLY, 7000, 8675, LOCAL_RETRY",
                "IDLE_LOCAL_QUEUE_DROP, heartbeat=5000/1000/2 mode=WATCH_ONLY, never, never, NONE",
                // the connect timeout and its 100 ms to wake up
                "CONNECT_BLACKHOLED, connect=3000, 3000, 3100, CONNECT_TIMEOUT",
                "CONNECT_BLACKHOLED, connect=30000 user=4000, 4000, 4500, USER_TIMEOUT",
                "CONNECT_BLACKHOLED, connect=30000 syn=2, 7000, 7875, SYN_RETRIES",
                // kernels of old
                "LOCAL_FILTER_DROP, user=4000 release=5.0.21 retries2=3, 3000, 3444, WINDOW_PROBES",
                "LOCAL_FILTER_DROP, user=4000 release=5.1.0, 4200, 4734, USER_TIMEOUT",
                "UNACKED_PEER_VANISHED, rtoMax=1000 retries2=8 release=6.14.9, 102400, 117505, RETRANSMISSION",
                "UNACKED_PEER_VANISHED, rtoMax=1000 retries2=8 release=6.15.0-rc1, 7600, 8985, RETRANSMISSION",
            })
    void bound_isTheEarliestDetectors(
            FailureMode mode, String scenario, @Nullable Long nominal, @Nullable Long worst, Detector detector) {
        Bound bound = Scenario.of(scenario).bounds().bound(mode);

        // the last digits of sums of many rounded timers are of no interest
        assertThat(bound.detector()).isEqualTo(detector);
        assertThat(bound.nominal().map(Duration::toMillis)).isEqualTo(Optional.ofNullable(nominal));
        assertThat(bound.worstCase().isPresent()).isEqualTo(worst != null);
        if (worst != null) {
            assertThat(bound.worstCase().orElseThrow().toMillis())
                    .isBetween(worst - worst / 2000, worst + worst / 2000);
        }
    }

    /** From the beat, or from the last progress seen up to a timeout late, writeStallTimeout and the next look. */
    @ParameterizedTest
    @CsvSource({
        "IDLE_PEER_VANISHED, heartbeat=5000/1000/2 stall=3000, 7000, 7400, HEARTBEAT",
        "UNACKED_PEER_VANISHED, heartbeat=5000/1000/2 stall=3000, 7000, 9500, HEARTBEAT",
        "UNACKED_PEER_VANISHED, heartbeat=5000/1000/2 stall=3000 mode=WATCH_ONLY, 7000, 9500, HEARTBEAT",
        "UNACKED_PEER_VANISHED, heartbeat=5000/1000/2 stall=999, 7000, 7500, HEARTBEAT",
        "UNACKED_PEER_VANISHED, heartbeat=5000/1000/2 stall=1001, 7000, 7501, HEARTBEAT",
        "UNACKED_PEER_VANISHED, heartbeat=1000/2000/1 stall=3000, 3000, 7400, HEARTBEAT",
        "LOCAL_FILTER_DROP, heartbeat=5000/1000/2 stall=3000, 7000, 9500, HEARTBEAT",
        "LOCAL_QUEUE_DROP, heartbeat=5000/1000/2 stall=999, 7000, 7500, HEARTBEAT",
        "LOCAL_QUEUE_DROP, heartbeat=5000/1000/2 stall=3000, 7000, 8675, LOCAL_RETRY",
        "LOCAL_FILTER_DROP, heartbeat=5000/1000/2 stall=3000 mode=WATCH_ONLY, 7000, 1044779, WINDOW_PROBES",
        "IDLE_LOCAL_QUEUE_DROP, heartbeat=5000/1000/2 stall=3000, 7000, 7400, HEARTBEAT",
        "PEER_PROGRAM_HUNG, heartbeat=5000/1000/2 stall=3000, 7000, 7400, HEARTBEAT",
    })
    void bound_nioWithDataInFlight_isThatOfAFullSendBuffer(
            FailureMode mode, String scenario, long nominal, long worst, Detector detector) {
        Bound bound = Scenario.of(scenario).boundsByNio().bound(mode);

        assertThat(bound.nominal()).contains(Duration.ofMillis(nominal));
        assertThat(bound.worstCase()).contains(Duration.ofMillis(worst));
        assertThat(bound.detector()).isEqualTo(detector);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {
                "ZERO_WINDOW_PEER_ALIVE",
                "ZERO_WINDOW_PEER_VANISHED",
                "UNACKED_PEER_VANISHED",
                "LOCAL_FILTER_DROP",
                "LOCAL_QUEUE_DROP"
            })
    void bounds_nio_areThoseWithoutUserTimeoutSynCountAndRtoMax(FailureMode mode) {
        Scenario asked = Scenario.of("keepalive=2/1/3 user=4000 syn=1 rtoMax=1000 heartbeat=5000/9000/2");
        Scenario possible = Scenario.of("keepalive=2/1/3 heartbeat=5000/9000/2");

        Bound nio = asked.policy().bounds(asked.kernel(), Transport.nio()).bound(mode);
        Bound all = possible.bounds().bound(mode);

        assertThat(nio.nominal()).isEqualTo(all.nominal());
        assertThat(nio.worstCase()).isEqualTo(all.worstCase()).isEqualTo(nio.worstCaseWithoutUserTimeout());
        assertThat(nio.detector()).isEqualTo(all.detector());
    }

    /** The kernel tells a closed window from a backlog that stands still; NIO sees the backlog, if there is one. */
    @ParameterizedTest
    @EnumSource(names = {"ZERO_WINDOW_PEER_ALIVE", "ZERO_WINDOW_PEER_VANISHED"})
    void bounds_closedWindow_waitForTheHeartbeatsPatience(FailureMode mode) {
        HeartbeatOptions beats = HeartbeatOptions.builder()
                .interval(Duration.ofSeconds(5))
                .timeout(Duration.ofSeconds(1))
                .attempts(2)
                .slowReaderTolerance(Duration.ofSeconds(20))
                .writeStallTimeout(Duration.ofSeconds(10))
                .build();
        LivenessPolicy policy = LivenessPolicy.of(SocketOptions.builder().build(), beats);
        KernelSettings kernel = KernelSettings.linuxDefaults();

        Bound all = policy.bounds(kernel, AllOptionsTransport.INSTANCE).bound(mode);
        // a peer that has vanished shows earlier, by its window probes
        assertThat(all.nominal()).contains(Duration.ofSeconds(mode == ZERO_WINDOW_PEER_ALIVE ? 25 : 7));
        assertThat(all.worstCase()).contains(Duration.ofMillis(26_500));
        Bound nio = policy.bounds(kernel, Transport.nio()).bound(mode);
        assertThat(nio.nominal()).contains(Duration.ofSeconds(7));
        assertThat(nio.worstCase()).contains(Duration.ofMillis(16_500));
    }

    @Test
    void warnings_nio_nameWhatItCannotSet_andHoldForWhatIsLeft() {
        Scenario scenario = Scenario.of("keepalive=2/1/3 user=4000 syn=1 rtoMax=1000 connect=3000");

        assertThat(scenario.policy().bounds(scenario.kernel(), Transport.nio()).warnings())
                .hasSize(4)
                .first(InstanceOfAssertFactories.STRING)
                .startsWith("keepAlive without userTimeout: keepalive is suspended while data is in flight");
        assertThat(scenario.policy().bounds(scenario.kernel(), Transport.nio()).warnings())
                .endsWith(
                        "TCP_USER_TIMEOUT cannot be set by nio: these bounds are without it",
                        "TCP_SYNCNT cannot be set by nio: these bounds are without it",
                        "TCP_RTO_MAX_MS cannot be set by nio: these bounds are without it");
        assertThat(scenario.bounds().warnings())
                .isEqualTo(scenario.policy().warnings())
                .hasSize(2)
                .noneMatch(warning -> warning.contains("cannot be set"));
    }

    @Test
    void warnings_oldKernelWithRtoMax_saysSo() {
        Scenario scenario = Scenario.of("rtoMax=1000 release=6.14.2");
        assertThat(scenario.bounds().warnings())
                .startsWith(scenario.policy().warnings().toArray(String[]::new));
        assertThat(scenario.bounds().warnings())
                .hasSize(scenario.policy().warnings().size() + 1)
                .last()
                .asString()
                .contains("TCP_RTO_MAX_MS needs Linux 6.15")
                .contains("6.14.2");
    }

    @Test
    void warnings_userTimeoutBelowTheSystemsKeepAlive_saysSo() {
        KernelSettings kernel = KernelSettings.builder()
                .keepAliveTime(Duration.ofSeconds(60))
                .keepAliveInterval(Duration.ofSeconds(10))
                .keepAliveProbes(3)
                .build();
        SocketOptions.Builder options = SocketOptions.builder().keepAlive(true);

        assertThat(warnings(options.userTimeout(Duration.ofSeconds(80)), kernel))
                .hasSize(2)
                .last()
                .asString()
                .contains("PT1M20S", "60 s/10 s/3", "fewer");
        assertThat(warnings(options.userTimeout(Duration.ofMillis(80_001)), kernel))
                .singleElement()
                .asString()
                .contains("whose peer lives but reads nothing");
    }

    private static java.util.List<String> warnings(SocketOptions.Builder options, KernelSettings kernel) {
        return LivenessPolicy.of(options.build())
                .bounds(kernel, AllOptionsTransport.INSTANCE)
                .warnings();
    }

    @Test
    void bound_keepAliveWithoutTimes_isTheSystems() {
        KernelSettings kernel = KernelSettings.builder()
                .keepAliveTime(Duration.ofSeconds(60))
                .keepAliveInterval(Duration.ofSeconds(10))
                .keepAliveProbes(4)
                .build();
        LivenessPolicy policy =
                LivenessPolicy.of(SocketOptions.builder().keepAlive(true).build());

        assertThat(policy.bounds(kernel, Transport.nio())
                        .bound(IDLE_PEER_VANISHED)
                        .nominal())
                .contains(Duration.ofSeconds(100));
    }

    @Test
    void bound_keepAliveOff_doesNotCount() {
        LivenessPolicy policy =
                LivenessPolicy.of(SocketOptions.builder().keepAlive(false).build());

        assertThat(policy.bounds(KernelSettings.linuxDefaults(), Transport.nio())
                        .worstCase(IDLE_PEER_VANISHED))
                .isEmpty();
    }

    @Test
    void userTimeoutGuard_needsAHeartbeatAndAUserTimeoutOnTheTransport() {
        Scenario both = Scenario.of("user=4000 heartbeat=5000/1000/2");

        assertThat(Scenario.of("user=4000").bounds().userTimeoutGuard()).isEmpty();
        assertThat(Scenario.of("heartbeat=5000/1000/2").bounds().userTimeoutGuard())
                .isEmpty();
        assertThat(both.policy().bounds(both.kernel(), Transport.nio()).userTimeoutGuard())
                .isEmpty();
        assertThat(Scenario.of("user=4000")
                        .bounds()
                        .bound(ZERO_WINDOW_PEER_ALIVE)
                        .conditions())
                .contains("ends a connection whose peer lives");
    }

    @Test
    void toString_isAnAlignedTable() {
        String table = Scenario.of("keepalive=2/1/3 user=4000").bounds().toString();

        assertThat(table.lines().map(String::strip))
                .hasSize(1 + FailureMode.values().length)
                .anyMatch(line -> line.matches(
                        "IDLE_PEER_VANISHED +4 s +4.5 s +5.625 s +TCP_KEEPALIVE +the last segment received"))
                .anyMatch(line -> line.matches(
                        "UNACKED_PEER_VANISHED +4.2 s +4.964 s +17 min 26 s +USER_TIMEOUT +the sending of .*"))
                .anyMatch(line -> line.matches("PEER_PROGRAM_HUNG +never +never +never +nothing"));
        assertThat(table.lines()
                        .map(line -> Math.max(line.indexOf(" noticed by"), line.indexOf(" TCP_KEEPALIVE")))
                        .filter(at -> at >= 0)
                        .distinct())
                .hasSize(1);
    }

    @Test
    void equals_sameInputs_isTrue() {
        Scenario scenario = Scenario.of("keepalive=2/1/3 user=4000");

        assertThat(scenario.bounds()).isEqualTo(scenario.bounds()).hasSameHashCodeAs(scenario.bounds());
        assertThat(scenario.bounds())
                .isNotEqualTo(Scenario.of("keepalive=2/1/3").bounds());
        assertThat(scenario.bounds().bounds()).hasSize(FailureMode.values().length);
    }
}
