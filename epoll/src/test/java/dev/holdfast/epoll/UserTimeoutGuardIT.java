package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A living peer that does not read, and a user timeout of 1 s: with a heartbeat nobody dies of it, without one it kills. */
class UserTimeoutGuardIT {
    private static final Duration USER_TIMEOUT = Duration.ofSeconds(1);
    private static final int SIZE = 8_000_000;

    private final Loopback net = new Loopback(Transport.preferred());
    private final List<HeartbeatEvent> events = new CopyOnWriteArrayList<>();
    private final ServerSocket server = new ServerSocket();

    UserTimeoutGuardIT() throws IOException {
        server.setReceiveBufferSize(65_536);
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    @AfterEach
    void close() throws IOException {
        server.close();
        net.close();
    }

    /** Beats every 100 ms, none of which is held against a peer that does not read. */
    private final class Beating extends ChannelInitializer<Channel> {
        @Override
        protected void initChannel(Channel channel) {
            HeartbeatOptions options = HeartbeatOptions.builder()
                    .interval(Duration.ofMillis(100))
                    .timeout(Duration.ofSeconds(30))
                    .build();
            channel.pipeline()
                    .addLast(HeartbeatHandler.create(
                            HeartbeatProtocol.frame(0x01, 0x41), options, (where, event) -> events.add(event)));
            channel.pipeline().addLast(new Quiet());
        }
    }

    private static final class Quiet extends ChannelInboundHandlerAdapter {
        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable told) {
            // the close is what the tests look at
        }
    }

    private Channel connect(io.netty.channel.ChannelHandler handler) throws InterruptedException {
        return SocketOptions.builder()
                .userTimeout(USER_TIMEOUT)
                .sendBuffer(262_144)
                .build()
                .connect(net.clientBootstrap().handler(handler), (InetSocketAddress) server.getLocalSocketAddress())
                .sync()
                .channel();
    }

    @SuppressWarnings("FutureReturnValueIgnored") // whether it arrives is what these tests are about
    private static void write(Channel channel) {
        channel.writeAndFlush(channel.alloc().buffer(SIZE).writeZero(SIZE));
    }

    private static int userTimeout(Channel channel) throws Exception {
        return channel.eventLoop()
                .submit(() -> Transport.of(channel).get(channel, TcpOption.TCP_USER_TIMEOUT))
                .get(10, TimeUnit.SECONDS);
    }

    /** Counts what is not a beat until all has come. */
    private static void readAll(InputStream in) throws IOException {
        byte[] buffer = new byte[65_536];
        for (int seen = 0; seen < SIZE; ) {
            int count = in.read(buffer);
            assertThat(count).as("after %s bytes", seen).isPositive();
            for (int i = 0; i < count; i++) {
                seen += buffer[i] == 0 ? 1 : 0;
            }
        }
    }

    private void assertAlive(Channel channel) {
        assertThat(events).noneMatch(PeerDead.class::isInstance);
        assertThat(channel.isActive()).isTrue();
    }

    @Test
    void peerThatReadsNothingForFiveUserTimeouts_lives_andTheUserTimeoutIsPutBack() throws Exception {
        Channel channel = connect(new Beating());
        assertThat(userTimeout(channel)).isEqualTo(1000);
        try (Socket peer = server.accept()) {
            write(channel);
            assertThat(channel.closeFuture().await(5, TimeUnit.SECONDS)).isFalse();
            assertThat(userTimeout(channel)).as("lifted").isZero();
            peer.setSoTimeout(20_000);
            readAll(peer.getInputStream());
            assertThat(channel.closeFuture().await(700, TimeUnit.MILLISECONDS)).isFalse();
            assertThat(userTimeout(channel))
                    .as("two samples after the window opened")
                    .isZero();
            assertAlive(channel);
            channel.eventLoop()
                    .submit(() -> channel.pipeline().remove(HeartbeatHandler.class))
                    .sync();
            assertThat(userTimeout(channel)).as("put back").isEqualTo(1000);
        }
    }

    /**
     * A window that opens only a little does not wipe the kernel's memory of its first probe: a user timeout that were put
     * back now would end the connection 0.2 s after the window has closed again.
     */
    @Test
    void peerThatReadsALittleNowAndThen_lives() throws Exception {
        Channel channel = connect(new Beating());
        try (Socket peer = server.accept()) {
            write(channel);
            byte[] little = new byte[60_000];
            for (int i = 0; i < 4; i++) {
                assertThat(channel.closeFuture().await(1500, TimeUnit.MILLISECONDS))
                        .isFalse();
                assertThat(peer.getInputStream().readNBytes(little, 0, little.length))
                        .isEqualTo(little.length);
            }
            assertThat(channel.closeFuture().await(1500, TimeUnit.MILLISECONDS)).isFalse();
            assertAlive(channel);
        }
    }

    @Test
    void withoutAHeartbeat_theKernelEndsTheLivingPeersConnection() throws Exception {
        Channel channel = connect(new Quiet());
        try (Socket peer = server.accept()) {
            write(channel);
            assertThat(channel.closeFuture().await(5, TimeUnit.SECONDS)).isTrue();
            assertThat(peer.isConnected()).isTrue();
        }
    }

    @Test
    @SuppressWarnings("FutureReturnValueIgnored") // the loop is blocked on purpose
    void stallOfOurOwn_withinWhatIsTolerated_leavesThePeerAlive() throws Exception {
        Channel channel = connect(new Beating());
        try (Socket peer = server.accept()) {
            write(channel);
            // the window is closed as soon as the write is handed over; 2/3 of 1 s less a tick is tolerated
            channel.eventLoop()
                    .execute(
                            () -> java.util.concurrent.locks.LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(600)));
            assertThat(channel.closeFuture().await(3, TimeUnit.SECONDS)).isFalse();
            assertThat(userTimeout(channel)).isZero();
            peer.setSoTimeout(20_000);
            readAll(peer.getInputStream());
            assertAlive(channel);
        }
    }

    /** The connection has none when its beats begin: what the program sets later is watched from the next beat on. */
    @Test
    void userTimeoutSetAfterTheBeatsBegan_isWatched() throws Exception {
        HeartbeatOptions options =
                BeatingClient.options().timeout(Duration.ofSeconds(30)).build();
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client =
                        new BeatingClient(new Loopback(Transport.preferred()), peer.address(), options)) {
            client.awaitMoreBeats(2);
            setUserTimeout(client.channel, USER_TIMEOUT);
            assertThat(userTimeout(client.channel)).isEqualTo(1000);
            client.awaitMoreBeats(2);
            peer.hang();
            write(client.channel);
            assertThat(client.channel.closeFuture().await(5, TimeUnit.SECONDS)).isFalse();
            assertThat(userTimeout(client.channel)).as("lifted").isZero();
            client.assertNobodyDied();
            assertThat(client.channel.isActive()).isTrue();
        }
    }

    /** What the program sets while it is lifted is lifted in its turn, and is what is put back. */
    @Test
    void userTimeoutSetWhileLifted_countsAnew() throws Exception {
        Channel channel = connect(new Beating());
        try (Socket peer = server.accept()) {
            write(channel);
            awaitLifted(channel);
            peer.setSoTimeout(20_000);
            readAll(peer.getInputStream());
            setUserTimeout(channel, USER_TIMEOUT.multipliedBy(2));
            awaitLifted(channel);
            write(channel);
            assertThat(channel.closeFuture().await(6, TimeUnit.SECONDS)).isFalse();
            assertThat(userTimeout(channel)).as("lifted again").isZero();
            assertAlive(channel);
            channel.eventLoop()
                    .submit(() -> channel.pipeline().remove(HeartbeatHandler.class))
                    .sync();
            assertThat(userTimeout(channel)).as("put back").isEqualTo(2000);
            assertThat(channel.close().await(10_000))
                    .isTrue(); // it holds the second message, and the kernel may end it now
        }
    }

    private static void setUserTimeout(Channel channel, Duration userTimeout) throws Exception {
        OptionReport report = SocketOptions.builder()
                .userTimeout(userTimeout)
                .build()
                .apply(channel)
                .get(10, TimeUnit.SECONDS);
        assertThat(report.toString()).contains("APPLIED");
    }

    private static void awaitLifted(Channel channel) throws Exception {
        long start = System.nanoTime();
        while (userTimeout(channel) != 0) {
            assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
            assertThat(channel.closeFuture().await(10)).isFalse();
        }
    }
}
