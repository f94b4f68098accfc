package dev.holdfast.policy;

import static dev.holdfast.policy.FailureMode.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.UserTimeoutSampling;
import dev.holdfast.policy.DetectionBounds.Bound;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** From when the bounds count, and what is said about them. */
class BoundConditionsTest {
    private static final Set<FailureMode> NOT_ESTABLISHED = EnumSet.of(CONNECT_BLACKHOLED, CLOSED_PEER_VANISHED);

    @ParameterizedTest
    @EnumSource(FailureMode.class)
    void countedFrom_heartbeat_isTheLastByte(FailureMode mode) {
        Bound bound = Scenario.of("heartbeat=1000/100/1").bounds().bound(mode);

        assertThat(bound.countedFrom())
                .isEqualTo(NOT_ESTABLISHED.contains(mode) ? mode.countedFrom() : "the last byte received");
    }

    @Test
    void countedFrom_closedWindow_dependsOnTheUserTimeout() {
        assertThat(Scenario.of("-").bounds().bound(ZERO_WINDOW_PEER_VANISHED).countedFrom())
                .isEqualTo("the last answered window probe");
        assertThat(Scenario.of("user=4000")
                        .bounds()
                        .bound(ZERO_WINDOW_PEER_VANISHED)
                        .countedFrom())
                .isEqualTo("the closing of the window");
    }

    @ParameterizedTest
    @EnumSource(FailureMode.class)
    void conditions_always_beginWithTheModes(FailureMode mode) {
        assertThat(Scenario.of("keepalive=2/1/3 user=4000").bounds().bound(mode).conditions())
                .startsWith(mode.condition());
    }

    @Test
    void conditions_connectWithoutTimeout_nameNettysOwn() {
        assertThat(Scenario.of("user=4000").bounds().bound(CONNECT_BLACKHOLED).conditions())
                .contains("Netty bootstrap gives up after 30 s", "user timeout ends the connect");
        assertThat(Scenario.of("connect=3000")
                        .bounds()
                        .bound(CONNECT_BLACKHOLED)
                        .conditions())
                .doesNotContain("30 s");
    }

    @Test
    void conditions_kernelBeatsHeartbeat_sayThatTheHeartbeatMayBeEarlier() {
        assertThat(Scenario.of("user=1000 heartbeat=5000/1000/2")
                        .bounds()
                        .bound(UNACKED_PEER_VANISHED)
                        .conditions())
                .contains("the heartbeat may end it earlier, 7 s after the last byte received");
    }

    @Test
    void conditions_guardedUserTimeout_nameTheResidue() {
        DetectionBounds bounds = Scenario.of("user=4000 heartbeat=5000/1000/2").bounds();

        assertThat(bounds.bound(ZERO_WINDOW_PEER_ALIVE).conditions())
                .contains("a stall of our own loop of more than 2.566 s just then lets the kernel end the connection")
                .doesNotContain("ends a connection whose peer lives");
        assertThat(bounds.bound(ZERO_WINDOW_PEER_VANISHED).conditions()).contains("two window probes are unanswered");
        assertThat(bounds.bound(ZERO_WINDOW_PEER_VANISHED).countedFrom()).isEqualTo("the last byte received");
        assertThat(bounds.bound(LOCAL_FILTER_DROP).conditions())
                .contains("window was never closed before: afterwards the heartbeat alone ends it, 7 s after the last");
        assertThat(bounds.userTimeoutGuard()).contains(UserTimeoutSampling.of(Duration.ofSeconds(4)));
    }

    @ParameterizedTest
    @EnumSource(FailureMode.class)
    void conditions_byHeartbeat_nameReadsAndPhase(FailureMode mode) {
        String beats = "heartbeat=1000/100/1";
        boolean established = !NOT_ESTABLISHED.contains(mode);

        assertThat(Scenario.of(beats)
                        .bounds()
                        .bound(mode)
                        .conditions()
                        .contains("the program does not pause its reads"))
                .isEqualTo(established);
        assertThat(Scenario.of(beats).bounds().bound(mode).conditions().contains("before the first beat"))
                .isEqualTo(established);
        assertThat(Scenario.of(beats + " mode=ALWAYS").bounds().bound(mode).conditions())
                .doesNotContain("before the first beat")
                .matches(text -> text.contains("up to an interval earlier") == established);
        assertThat(Scenario.of("keepalive=2/1/3 user=4000").bounds().bound(mode).conditions())
                .doesNotContain("pause", "first beat", "beats leave", "no beat");
    }

    @ParameterizedTest
    @EnumSource(FailureMode.class)
    void conditions_watchOnly_speakOfNoBeats(FailureMode mode) {
        for (String others : new String[] {"", " keepalive=2/1/3", " keepalive=2/1/3 user=4000"}) {
            Bound bound = Scenario.of("heartbeat=1000/100/1 mode=WATCH_ONLY" + others)
                    .bounds()
                    .bound(mode);

            assertThat(bound.conditions()).doesNotContain("first beat", "each beat", "cannot answer", "beat alone");
            assertThat(bound.conditions()
                            .contains("the peer has promised a byte every 1 s, and its silence alone is judged"))
                    .isEqualTo(bound.detector() == Detector.HEARTBEAT);
            assertThat(bound.conditions().contains("notices only if the peer falls silent"))
                    .isEqualTo(mode.name().contains("LOCAL_"));
        }
        String peerSends = "a peer that does not read but goes on sending is left alone";
        assertThat(Scenario.of("heartbeat=1000/100/1 mode=WATCH_ONLY")
                        .bounds()
                        .bound(ZERO_WINDOW_PEER_ALIVE)
                        .conditions())
                .contains(peerSends);
    }

    @Test
    void conditions_watchOnlyBesideKeepAlive_sayWhatMayBeEarlier() {
        Scenario scenario = Scenario.of("heartbeat=1000/9000/2 mode=WATCH_ONLY keepalive=2/1/3 user=4000");

        assertThat(scenario.bounds().bound(IDLE_PEER_VANISHED).conditions())
                .contains("the user timeout replaces the keepalive count")
                .contains("the heartbeat may end it earlier, 19 s after the last byte received")
                .doesNotContain("suspends");
        assertThat(scenario.bounds().bound(LOCAL_FILTER_DROP).conditions())
                .contains("never closed before: afterwards the kernel's retries end it");
    }

    @Test
    void conditions_keepAliveBesideBeats_nameTheFirstBeat() {
        assertThat(Scenario.of("heartbeat=9000/9000/2 keepalive=2/1/3")
                        .bounds()
                        .bound(IDLE_PEER_VANISHED)
                        .conditions())
                .contains("suspends keepalive", "comes before that, the heartbeat ends it");
        assertThat(Scenario.of("heartbeat=1000/100/1 keepalive=2/1/3")
                        .bounds()
                        .bound(IDLE_PEER_VANISHED)
                        .conditions())
                .doesNotContain("comes before that");
    }

    /** What moves excuses the silence, so the last byte received is not all that counts. */
    @ParameterizedTest
    @CsvSource({
        "UNACKED_PEER_VANISHED, true, true",
        "ZERO_WINDOW_PEER_ALIVE, true, true",
        "ZERO_WINDOW_PEER_VANISHED, true, true",
        "LOCAL_FILTER_DROP, false, true",
        "LOCAL_QUEUE_DROP, false, true",
        "IDLE_PEER_VANISHED, false, false",
        "PEER_PROGRAM_HUNG, false, false",
    })
    void conditions_backlog_countsFromItsLastProgress(FailureMode mode, boolean named, boolean namedByNio) {
        Scenario scenario = Scenario.of("heartbeat=1000/100/1 stall=1000");
        String moving = "then from its last progress";
        String full = "the worst case is a full send buffer";

        assertThat(scenario.bounds().bound(mode).conditions()).matches(text -> text.contains(moving) == named);
        assertThat(scenario.bounds().bound(mode).conditions()).doesNotContain(full);
        assertThat(scenario.boundsByNio().bound(mode).conditions())
                .matches(text -> text.contains(moving) == namedByNio)
                .matches(text -> text.contains(full) == namedByNio);
    }
}
