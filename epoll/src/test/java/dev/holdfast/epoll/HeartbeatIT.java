package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatEvent.Beat;
import dev.holdfast.heartbeat.HeartbeatEvent.LocalStall;
import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.PeerDeath;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Heartbeats over real sockets, on each transport, against a scripted peer. Interval 100 ms, timeout 100 ms, 2 attempts. */
class HeartbeatIT {
    private static final Duration INTERVAL = Duration.ofMillis(100);
    private static final Duration TIMEOUT = Duration.ofMillis(100);
    /** interval + attempts * timeout. */
    private static final Duration BOUND = Duration.ofMillis(300);
    /** Ticks, the re-check and a busy machine. */
    private static final Duration ROOM = Duration.ofMillis(700);

    static List<Transport> transports() {
        return Transport.all();
    }

    private static HeartbeatOptions.Builder options() {
        return HeartbeatOptions.builder()
                .interval(INTERVAL)
                .timeout(TIMEOUT)
                .attempts(2)
                .beatEvents(true);
    }

    /** A client with a heartbeat, connected to a peer. */
    private static final class Client implements AutoCloseable {
        final Loopback net;
        final List<HeartbeatEvent> events = new CopyOnWriteArrayList<>();
        final BlockingQueue<PeerDeath> deaths = new LinkedBlockingQueue<>();
        final Channel channel;

        Client(Transport transport, ScriptedPeer peer, HeartbeatOptions options) throws InterruptedException {
            net = new Loopback(transport);
            Bootstrap bootstrap = net.clientBootstrap().handler(new ChannelInitializer<>() {
                @Override
                protected void initChannel(Channel channel) {
                    HeartbeatProtocol protocol = HeartbeatProtocol.frame(0x01, 0x41);
                    channel.pipeline().addLast(HeartbeatHandler.create(protocol, options, (where, event) -> {
                        events.add(event);
                        if (event instanceof PeerDead dead) {
                            deaths.add(dead.death());
                        }
                    }));
                    channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                        @Override
                        public void channelRead(ChannelHandlerContext context, Object message) {
                            ReferenceCountUtil.release(message);
                        }

                        @Override
                        public void exceptionCaught(ChannelHandlerContext context, Throwable told) {
                            // the heartbeat has told of it
                        }
                    });
                }
            });
            channel = bootstrap.connect(peer.address()).sync().channel();
        }

        <T extends HeartbeatEvent> List<T> events(Class<T> type) {
            return events.stream().filter(type::isInstance).map(type::cast).toList();
        }

        /** Waits until so many beats were answered. */
        void awaitBeats(int count) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (events(Beat.class).size() < count && deaths.isEmpty()) {
                assertThat(System.nanoTime())
                        .as(() -> count + " beats in 20 s, but " + events)
                        .isLessThan(end);
                LockSupport.parkNanos(1_000_000);
            }
            assertThat(deaths).isEmpty();
        }

        PeerDeath awaitDeath() throws InterruptedException {
            PeerDeath death = deaths.poll(20, TimeUnit.SECONDS);
            assertThat(death).as(events::toString).isNotNull();
            assertThat(channel.closeFuture().await(5_000)).isTrue();
            assertThat(deaths).isEmpty();
            return death;
        }

        @SuppressWarnings("FutureReturnValueIgnored") // a write that fails is what these tests are about
        void write(int size) {
            channel.writeAndFlush(channel.alloc().buffer(size).writeZero(size));
        }

        void block(Duration duration) {
            channel.eventLoop().execute(() -> LockSupport.parkNanos(duration.toNanos()));
        }

        @Override
        public void close() {
            net.close();
        }
    }

    private static boolean epoll(Transport transport) {
        return transport.name().equals("epoll");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void livingPeer_isBeatenAt_andNobodyDies(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                Client client = new Client(transport, peer, options().build())) {
            client.awaitBeats(20);
            assertThat(peer.answered()).isGreaterThanOrEqualTo(20);
            assertThat(client.deaths).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void hungPeer_isFoundWithinTheBound_andNamed(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                Client client = new Client(transport, peer, options().build())) {
            client.awaitBeats(3);
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
                Client client = new Client(transport, peer, options().build())) {
            client.awaitBeats(2);
            peer.reset();
            assertThat(client.awaitDeath().cause()).isEqualTo(DeathCause.RESET);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void regularClose_isNoDeath(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                Client client = new Client(transport, peer, options().build())) {
            client.awaitBeats(2);
            peer.closeRegularly();
            assertThat(client.channel.closeFuture().await(10_000)).isTrue();
            assertThat(client.events(PeerDead.class)).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void ownLoopBlocked_isALocalStall_andNobodyDies(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                Client client = new Client(transport, peer, options().build())) {
            client.awaitBeats(2);
            for (int i = 0; i < 5; i++) {
                int before = client.events(Beat.class).size();
                client.block(Duration.ofMillis(700));
                client.awaitBeats(before + 3);
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
                Client client = new Client(transport, peer, options().build())) {
            client.awaitBeats(2);
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
    void pausedReads_withALivingPeer_killNobody(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                Client client = new Client(transport, peer, options().build())) {
            client.awaitBeats(2);
            client.channel.config().setAutoRead(false);
            assertThat(client.deaths.poll(2, TimeUnit.SECONDS)).isNull();
            int before = client.events(Beat.class).size();
            client.channel.config().setAutoRead(true);
            client.awaitBeats(before + 3);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void manyMegabytesAheadOfThePing_overASlowReader_killNobody(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                Client client = new Client(transport, peer, options().build())) {
            client.awaitBeats(2);
            peer.readSlowly(4_000_000);
            int size = 8 * 1024 * 1024;
            client.channel
                    .writeAndFlush(client.channel.alloc().buffer(size).writeZero(size))
                    .sync();
            int before = client.events(Beat.class).size();
            client.awaitBeats(before + 3);
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
                Client client = new Client(transport, peer, options)) {
            client.awaitBeats(2);
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
                Client client = new Client(transport, peer, options().build())) {
            client.awaitBeats(2);
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
                Client client = new Client(transport, peer, options().build())) {
            client.awaitBeats(2);
            client.channel.config().setOption(io.netty.channel.ChannelOption.ALLOW_HALF_CLOSURE, true);
            peer.halfClose();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            while (!((DuplexChannel) client.channel).isInputShutdown()) {
                assertThat(System.nanoTime()).isLessThan(end);
                LockSupport.parkNanos(1_000_000);
            }
            assertThat(client.deaths.poll(600, TimeUnit.MILLISECONDS))
                    .as("a half-close is no death")
                    .isNull();
            peer.reset();
            client.write(1);
            assertThat(client.awaitDeath().cause()).isEqualTo(DeathCause.RESET);
        }
    }
}
