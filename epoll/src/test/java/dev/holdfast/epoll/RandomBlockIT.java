package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The loop is blocked for 30 % of the time, at random: sometimes in a task, sometimes in the read of another channel. */
class RandomBlockIT {
    private static final double SHARE = 0.3;
    private static final int LONGEST_MILLIS = 250;
    private static final Duration WATCHED = Duration.ofSeconds(3);

    static List<Transport> transports() {
        return Transport.all();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void livingPeersLive_andTheDeadOneIsFound_withinBoundAndBlocking(Transport transport) throws Exception {
        long seed = System.nanoTime();
        try (Crowd crowd =
                new Crowd(new Loopback(transport), 8, BeatingClient.options().build())) {
            watch(crowd, new Random(seed), transport);
        } catch (Throwable failure) {
            throw new AssertionError("seed " + seed, failure);
        }
    }

    private static void watch(Crowd crowd, Random random, Transport transport) throws Exception {
        crowd.awaitMoreBeats(1);
        long start = System.nanoTime();
        while (System.nanoTime() - start < WATCHED.toNanos()) {
            blockAndPause(crowd, random);
            crowd.assertNobodyDied();
        }
        Crowd.Member hung = crowd.members.get(random.nextInt(crowd.members.size()));
        long hungNanos = System.nanoTime();
        Duration stalledBefore = crowd.stalled();
        crowd.peer.hang(hung.port);
        while (!crowd.somebodyDied() && System.nanoTime() - hungNanos < TimeUnit.SECONDS.toNanos(20)) {
            blockAndPause(crowd, random);
        }
        Crowd.Death found = crowd.awaitDeath();
        crowd.awaitMoreBeatsOfOthers(2, hung);
        Duration stalled = crowd.stalled().minus(stalledBefore);
        assertThat(found.member()).isSameAs(hung);
        assertThat(found.death().cause())
                .isEqualTo(transport.name().equals("epoll") ? DeathCause.PEER_HUNG : DeathCause.HEARTBEAT_TIMEOUT);
        assertThat(Duration.ofNanos(found.atNanos() - hungNanos))
                .isGreaterThan(BeatingClient.TIMEOUT.multipliedBy(2))
                .isLessThan(BeatingClient.BOUND.plus(stalled).plus(BeatingClient.ROOM));
    }

    private static void blockAndPause(Crowd crowd, Random random) throws Exception {
        Duration block = Duration.ofMillis(1 + random.nextInt(LONGEST_MILLIS));
        long start = System.nanoTime();
        if (random.nextBoolean()) {
            crowd.blockInATask(block);
        } else {
            crowd.blockInARow(1, block);
        }
        // the rest of its share, counted from the start of the block
        long rest = (long) (block.toNanos() / SHARE) - (System.nanoTime() - start);
        if (rest > 0) {
            TimeUnit.NANOSECONDS.sleep(rest);
        }
    }
}
