package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatEvent.Beat;
import dev.holdfast.heartbeat.HeartbeatEvent.LocalStall;
import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.socket.Transport;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.LengthFieldPrepender;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Both ends beat at each other, each on a loop of its own, and each judges for itself. */
class BothEndsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    static List<Transport> transports() {
        return Transport.all();
    }

    /** One end: its pipeline, and what its listener was told. */
    private static final class End extends ChannelInitializer<Channel> {
        final List<HeartbeatEvent> events = new CopyOnWriteArrayList<>();
        private final ChannelHandler user;
        volatile @Nullable Channel channel;

        End(ChannelHandler user) {
            this.user = user;
        }

        @Override
        protected void initChannel(Channel mine) {
            mine.pipeline()
                    .addLast(
                            new LengthFieldBasedFrameDecoder(BacklogIT.MEBIBYTE.length, 0, 4, 0, 4),
                            new LengthFieldPrepender(4),
                            HeartbeatHandler.create(
                                    HeartbeatProtocol.frame(0x01, 0x41),
                                    BeatingClient.options().build(),
                                    (where, event) -> events.add(event)),
                            user);
            channel = mine;
        }

        int beats() {
            return (int) events.stream().filter(Beat.class::isInstance).count();
        }

        void block(Duration length) {
            java.util.Objects.requireNonNull(channel)
                    .eventLoop()
                    .execute(() -> LockSupport.parkNanos(length.toNanos()));
        }

        void assertLives() {
            assertThat(events).doesNotHaveAnyElementsOfTypes(PeerDead.class);
        }
    }

    /** Two ends, connected. */
    private static final class Pair implements AutoCloseable {
        final End client = new End(new BeatingClient.Discard());
        final End server;
        private final Loopback near;
        private final Loopback far;

        Pair(Transport transport, ChannelHandler serversUser, boolean serverReadsByItself) throws InterruptedException {
            near = new Loopback(transport);
            far = new Loopback(transport);
            server = new End(serversUser);
            Channel listener = far.serverBootstrap()
                    .childHandler(server)
                    .childOption(ChannelOption.AUTO_READ, serverReadsByItself)
                    .bind(Loopback.anyPort())
                    .sync()
                    .channel();
            near.clientBootstrap()
                    .handler(client)
                    .connect(listener.localAddress())
                    .sync();
        }

        void awaitMoreBeats(int count) {
            int clients = client.beats() + count;
            int servers = server.beats() + count;
            await(count + " more beats each", () -> client.beats() >= clients && server.beats() >= servers);
        }

        void await(String what, BooleanSupplier happened) {
            long start = System.nanoTime();
            while (!happened.getAsBoolean()) {
                client.assertLives();
                server.assertLives();
                assertThat(System.nanoTime() - start)
                        .as(() -> what + " within " + PATIENCE + ", but " + client.events + " and " + server.events)
                        .isLessThan(PATIENCE.toNanos());
                LockSupport.parkNanos(1_000_000);
            }
            client.assertLives();
            server.assertLives();
        }

        @Override
        public void close() {
            near.close();
            far.close();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void bothBeat_andABlockedLoopOfEither_killsNobody(Transport transport) throws Exception {
        try (Pair pair = new Pair(transport, new BeatingClient.Discard(), true)) {
            pair.awaitMoreBeats(20);
            for (End blocked : List.of(pair.client, pair.server)) {
                blocked.block(BeatingClient.TIMEOUT.multipliedBy(3).dividedBy(2));
                pair.awaitMoreBeats(3);
                assertThat(blocked.events).hasAtLeastOneElementOfType(LocalStall.class);
            }
        }
    }

    /** Asks for the next read when what it has read would have taken its time. */
    private static final class SlowReader extends ChannelInboundHandlerAdapter {
        private final long bytesPerSecond;
        private long owed;

        @SuppressWarnings("UnusedVariable") // a task of the channel's own loop, which ends with the test
        private @Nullable Future<?> next;

        SlowReader(long bytesPerSecond) {
            this.bytesPerSecond = bytesPerSecond;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.read();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf frame = (ByteBuf) message;
            owed += frame.readableBytes();
            frame.release();
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            if (owed > 0) {
                long nanos = owed * TimeUnit.SECONDS.toNanos(1) / bytesPerSecond;
                owed = 0;
                next = context.executor().schedule(context::read, nanos, TimeUnit.NANOSECONDS);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void manyMegabytesOneWay_whileBothBeat_killNobody(Transport transport) throws Exception {
        try (Pair pair = new Pair(transport, new SlowReader(40_000_000), false)) {
            pair.awaitMoreBeats(2);
            Channel writer = java.util.Objects.requireNonNull(pair.client.channel);
            ChannelFuture last = writer.newSucceededFuture();
            int frame = 1 << 16;
            long start = System.nanoTime();
            for (int i = 0; i < BacklogIT.MEBIBYTES * (BacklogIT.MEBIBYTE.length / frame); i++) {
                last = writer.writeAndFlush(Unpooled.wrappedBuffer(BacklogIT.MEBIBYTE, 0, frame));
            }
            pair.await("the last write", last::isDone);
            assertThat(last.isSuccess()).isTrue();
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(BeatingClient.BOUND.multipliedBy(3));
            pair.awaitMoreBeats(3);
        }
    }
}
