package dev.holdfast.epoll;

import static dev.holdfast.epoll.BeatingClient.BOUND;
import static dev.holdfast.epoll.BeatingClient.ROOM;
import static dev.holdfast.epoll.BeatingClient.TIMEOUT;
import static dev.holdfast.epoll.BeatingClient.options;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent.Alive;
import dev.holdfast.heartbeat.HeartbeatEvent.LocalStall;
import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.heartbeat.HeartbeatEvent.Suspect;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.PeerDeath;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.DuplexChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Heartbeats over real sockets, on each transport, against a scripted peer. Interval 100 ms, timeout 100 ms, 2 attempts. */
@SuppressWarnings("FutureReturnValueIgnored") // a write that fails is what these tests are about
class HeartbeatIT {
    static List<Transport> transports() {
        return Transport.all();
    }

    private static BeatingClient client(Transport transport, ScriptedPeer peer) throws InterruptedException {
        return client(transport, peer, options().build());
    }

    private static BeatingClient client(Transport transport, ScriptedPeer peer, HeartbeatOptions options)
            throws InterruptedException {
        return new BeatingClient(new Loopback(transport), peer.address(), options);
    }

    private static boolean epoll(Transport transport) {
        return transport.name().equals("epoll");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void livingPeer_isBeatenAt_andNobodyDies(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            client.awaitMoreBeats(20);
            assertThat(peer.answered()).isGreaterThanOrEqualTo(20);
            client.assertNobodyDied();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void hungPeer_isFoundWithinTheBound_andNamed(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            client.awaitMoreBeats(3);
            peer.hang();
            PeerDeath death = client.awaitDeath();
            assertThat(death.cause()).isEqualTo(epoll(transport) ? DeathCause.PEER_HUNG : DeathCause.HEARTBEAT_TIMEOUT);
            assertThat(death.detectedAfter()).isBetween(TIMEOUT.multipliedBy(2), BOUND.plus(ROOM));
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void resetByThePeer_isNamed(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            client.awaitMoreBeats(2);
            peer.reset();
            assertThat(client.awaitDeath().cause()).isEqualTo(DeathCause.RESET);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void regularClose_isNoDeath(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            client.awaitMoreBeats(2);
            peer.closeRegularly();
            assertThat(client.channel.closeFuture().await(10_000)).isTrue();
            assertThat(client.events(PeerDead.class)).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void ownLoopBlocked_isALocalStall_andNobodyDies(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            client.awaitMoreBeats(2);
            for (int i = 0; i < 5; i++) {
                client.block(Duration.ofMillis(700));
                client.awaitMoreBeats(3);
            }
            assertThat(client.events(LocalStall.class)).hasSizeGreaterThanOrEqualTo(5);
            assertThat(client.events(LocalStall.class))
                    .allSatisfy(stall -> assertThat(stall.length()).isGreaterThan(Duration.ofMillis(50)));
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void deadPeer_doesNotHideBehindALoopThatStallsOften(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            client.awaitMoreBeats(2);
            peer.hang();
            long start = System.nanoTime();
            Thread blocker = new Thread(() -> {
                for (int i = 0; i < 200 && client.events(PeerDead.class).isEmpty(); i++) {
                    client.block(Duration.ofMillis(30));
                    LockSupport.parkNanos(100_000_000);
                }
            });
            blocker.start();
            client.awaitDeath();
            // a third of the time is blocked: bound + blocking, with room for this machine
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isLessThan(BOUND.multipliedBy(2).plus(ROOM));
            blocker.join();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void peerThatReadsNothing_isNamed_afterItsTolerance(Transport transport) throws Exception {
        HeartbeatOptions options = options()
                .slowReaderTolerance(Duration.ofSeconds(1))
                .writeStallTimeout(Duration.ofSeconds(1))
                .build();
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer, options)) {
            client.awaitMoreBeats(2);
            peer.hang();
            int size = 32 * 1024 * 1024;
            client.write(size);
            PeerDeath death = client.awaitDeath();
            assertThat(death.cause())
                    .isEqualTo(epoll(transport) ? DeathCause.PEER_NOT_READING : DeathCause.STALLED_WRITE);
            assertThat(death.detectedAfter()).isGreaterThan(Duration.ofSeconds(1));
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void writerThatNeverPauses_towardsAPeerThatStoppedAnswering_isNoEvidence(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            client.awaitMoreBeats(2);
            peer.readWithoutAnswering();
            ScheduledFuture<?> writer =
                    client.channel.eventLoop().scheduleAtFixedRate(() -> client.write(1), 0, 5, TimeUnit.MILLISECONDS);
            PeerDeath death = client.awaitDeath();
            assertThat(death.cause()).isEqualTo(epoll(transport) ? DeathCause.PEER_HUNG : DeathCause.HEARTBEAT_TIMEOUT);
            assertThat(death.detectedAfter()).isLessThan(BOUND.plus(ROOM));
            writer.cancel(false);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void halfCloseThenReset_isNamedReset(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            client.awaitMoreBeats(2);
            client.channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
            peer.halfClose();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            while (!((DuplexChannel) client.channel).isInputShutdown()) {
                assertThat(System.nanoTime()).isLessThan(end);
                LockSupport.parkNanos(1_000_000);
            }
            client.assertNobodyDiesWithin(Duration.ofMillis(600)); // a half-close is no death
            peer.reset();
            // the peer's thread may have to wake up for the reset, and who stays silent learns nothing of it
            ScheduledFuture<?> writer =
                    client.channel.eventLoop().scheduleAtFixedRate(() -> client.write(1), 0, 10, TimeUnit.MILLISECONDS);
            assertThat(client.awaitDeath().cause()).isEqualTo(DeathCause.RESET);
            writer.cancel(false);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void halfCloseByBothSides_isNoDeath(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            client.channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
            client.awaitMoreBeats(2);
            peer.halfClose();
            client.await("the peer's FIN", () -> ((DuplexChannel) client.channel).isInputShutdown());
            ((DuplexChannel) client.channel).shutdownOutput().sync();
            client.assertNobodyDiesWithin(Duration.ofMillis(300));
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void resetAfterASilence_isNoSignOfLife(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client =
                        client(transport, peer, options().attempts(50).build())) {
            client.awaitMoreBeats(2);
            peer.hang();
            client.await("four suspicions", () -> client.events(Suspect.class).size() >= 4);
            peer.reset();
            PeerDeath death = client.awaitDeath();
            assertThat(death.cause()).isEqualTo(DeathCause.RESET);
            assertThat(death.detectedAfter()).isGreaterThanOrEqualTo(TIMEOUT.multipliedBy(4));
            assertThat(client.events(Alive.class)).isEmpty();
        }
    }

    /** Starts the heartbeat by hand, when the channel is not active yet. */
    private static final class Starter extends BeatingClient.Behind {
        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            context.pipeline().get(HeartbeatHandler.class).start();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void startByHand_beforeTheChannelIsActive_countsThen_andAfterAMove(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                Loopback elsewhere = new Loopback(transport);
                BeatingClient client = new BeatingClient(
                        new Loopback(transport),
                        peer.address(),
                        options().manualStart(true).build(),
                        true,
                        List.of(),
                        new Starter())) {
            client.awaitMoreBeats(3);
            client.channel.deregister().sync();
            elsewhere.group.register(client.channel).sync();
            client.awaitMoreBeats(3);
        }
    }
}
