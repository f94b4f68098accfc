package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import io.netty.channel.DefaultSelectStrategyFactory;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.epoll.EpollIoHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The handler of another channel blocks the loop for longer than the timeout, again and again, while the answers arrive;
 * and the loop cannot read all of them in one pass.
 */
class StarvationIT {
    private static final Duration TIMEOUT = Duration.ofMillis(200);
    private static final Duration BLOCK = Duration.ofMillis(300);
    /** Ticks, the re-check, thousands of channels and a busy machine. */
    private static final Duration ROOM = Duration.ofMillis(1000);

    /** So many channels on one loop of this kind. */
    private record Setting(Transport transport, String loop, IoHandlerFactory loops, int channels, Duration interval) {
        Duration bound() {
            return interval.plus(TIMEOUT.multipliedBy(2));
        }

        @Override
        public String toString() {
            return channels + " channels on " + loop;
        }
    }

    static List<Setting> settings() {
        Duration often = Duration.ofMillis(200);
        List<Setting> settings = new ArrayList<>();
        for (Transport transport : Transport.all()) {
            settings.add(new Setting(transport, transport.name(), transport.ioHandlerFactory(), 20, often));
            if (transport.name().equals("epoll")) {
                settings.add(new Setting(
                        transport,
                        "epoll of 64 events a pass",
                        EpollIoHandler.newFactory(64, DefaultSelectStrategyFactory.INSTANCE),
                        200,
                        often));
            } else {
                settings.add(new Setting(
                        transport, transport.name(), transport.ioHandlerFactory(), 2500, Duration.ofMillis(500)));
            }
        }
        return settings;
    }

    @ParameterizedTest
    @MethodSource("settings")
    void loopBlockedByAnotherChannel_killsNobody_andAHungPeerAmongThemIsFound(Setting setting) throws Exception {
        HeartbeatOptions options = HeartbeatOptions.builder()
                .interval(setting.interval)
                .timeout(TIMEOUT)
                .attempts(2)
                .beatEvents(true)
                .build();
        try (Crowd crowd = new Crowd(new Loopback(setting.transport, setting.loops), setting.channels, options)) {
            crowd.awaitMoreBeats(2);
            crowd.blockInARow(4, BLOCK);
            crowd.awaitMoreBeats(2);
            assertThat(crowd.members)
                    .allSatisfy(member ->
                            assertThat(crowd.peer.answered(member.port)).isGreaterThanOrEqualTo(4));
            findTheHungOne(setting, crowd);
        }
    }

    private static void findTheHungOne(Setting setting, Crowd crowd) throws Exception {
        Crowd.Member hung = crowd.members.get(setting.channels / 2);
        Duration stalledBefore = crowd.stalled();
        long start = System.nanoTime();
        crowd.peer.hang(hung.port);
        crowd.blockInARow(2, BLOCK);
        Crowd.Death found = crowd.awaitDeath();
        assertThat(found.member()).isSameAs(hung);
        assertThat(found.death().cause())
                .isEqualTo(
                        setting.transport.name().equals("epoll") ? DeathCause.PEER_HUNG : DeathCause.HEARTBEAT_TIMEOUT);
        crowd.awaitMoreBeatsOfOthers(1, hung);
        Duration stalled = crowd.stalled().minus(stalledBefore);
        assertThat(stalled).isGreaterThanOrEqualTo(BLOCK.multipliedBy(2).minus(LoopWatch.STEP.multipliedBy(2)));
        assertThat(Duration.ofNanos(found.atNanos() - start))
                .isGreaterThan(TIMEOUT.multipliedBy(2))
                .isLessThan(setting.bound().plus(stalled).plus(ROOM));
    }
}
