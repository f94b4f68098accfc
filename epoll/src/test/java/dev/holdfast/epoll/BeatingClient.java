package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatEvent.Beat;
import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.verdict.PeerDeath;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.util.ReferenceCountUtil;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A client that beats with 01 and expects 41, and all that its listener was told. */
final class BeatingClient implements AutoCloseable {
    static final Duration TIMEOUT = Duration.ofMillis(100);
    /** interval + attempts * timeout. */
    static final Duration BOUND = Duration.ofMillis(300);
    /** Ticks, the re-check and a busy machine. */
    static final Duration ROOM = Duration.ofMillis(700);

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    final Loopback net;
    final List<HeartbeatEvent> events = new CopyOnWriteArrayList<>();
    final Channel channel;
    private final BlockingQueue<PeerDeath> deaths = new LinkedBlockingQueue<>();
    private final LoopWatch watch;
    private volatile long diedNanos;
    private volatile long closedNanos;

    /** With {@link Discard} behind the heartbeat. */
    BeatingClient(Loopback net, SocketAddress peer, HeartbeatOptions options) throws InterruptedException {
        this(net, peer, options, true, List.of(), new Discard());
    }

    BeatingClient(
            Loopback net,
            SocketAddress peer,
            HeartbeatOptions options,
            boolean autoRead,
            List<ChannelHandler> before,
            ChannelHandler behind)
            throws InterruptedException {
        this.net = net;
        HeartbeatHandler heartbeat =
                HeartbeatHandler.create(HeartbeatProtocol.frame(0x01, 0x41), options, (where, event) -> {
                    events.add(event);
                    if (event instanceof PeerDead dead) {
                        diedNanos = System.nanoTime();
                        deaths.add(dead.death());
                    }
                });
        channel = net.clientBootstrap()
                .option(ChannelOption.AUTO_READ, autoRead)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.closeFuture().addListener(closed -> closedNanos = System.nanoTime());
                        before.forEach(channel.pipeline()::addLast);
                        channel.pipeline().addLast(heartbeat, behind);
                    }
                })
                .connect(peer)
                .sync()
                .channel();
        watch = new LoopWatch(channel.eventLoop());
    }

    /** What may pass until a death is found: the bound, what our loop has stalled, and room. */
    Duration limit() {
        return BOUND.plus(watch.stalled()).plus(ROOM);
    }

    /** From the verdict to the end of the socket. */
    Duration closedAfterDeath() {
        return Duration.ofNanos(closedNanos - diedNanos);
    }

    /** Interval 100 ms, timeout 100 ms, 2 attempts. */
    static HeartbeatOptions.Builder options() {
        return HeartbeatOptions.builder()
                .interval(Duration.ofMillis(100))
                .timeout(TIMEOUT)
                .attempts(2)
                .beatEvents(true);
    }

    int beats() {
        return events(Beat.class).size();
    }

    <T extends HeartbeatEvent> List<T> events(Class<T> type) {
        return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    /** Waits until so many more beats were answered. */
    void awaitMoreBeats(int count) {
        int before = beats();
        await(count + " more beats", () -> beats() >= before + count);
    }

    /** Waits for something to happen while nobody dies. */
    void await(String what, BooleanSupplier happened) {
        long start = System.nanoTime();
        while (!happened.getAsBoolean()) {
            assertNobodyDied();
            assertThat(System.nanoTime() - start)
                    .as(() -> what + " within " + PATIENCE + ", but " + events)
                    .isLessThan(PATIENCE.toNanos());
            LockSupport.parkNanos(1_000_000);
        }
        assertNobodyDied();
    }

    void assertNobodyDied() {
        assertThat(deaths).as(events::toString).isEmpty();
    }

    /** Watches for a while that nobody dies. */
    void assertNobodyDiesWithin(Duration span) throws InterruptedException {
        assertThat(deaths.poll(span.toMillis(), TimeUnit.MILLISECONDS))
                .as(events::toString)
                .isNull();
    }

    /** The one death, and the channel's end after it. */
    PeerDeath awaitDeath() throws InterruptedException {
        PeerDeath death = deaths.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        assertThat(death).as(events::toString).isNotNull();
        assertThat(channel.closeFuture().await(5_000)).isTrue();
        assertThat(deaths).isEmpty();
        return death;
    }

    void block(Duration duration) {
        channel.eventLoop().execute(() -> LockSupport.parkNanos(duration.toNanos()));
    }

    /** Writes zeros, which are no beats. */
    ChannelFuture write(int size) {
        return channel.writeAndFlush(channel.alloc().buffer(size).writeZero(size));
    }

    @Override
    public void close() {
        net.close();
    }

    /** Reads everything and keeps nothing. */
    @ChannelHandler.Sharable
    static final class Discard extends Behind {}

    /** What stands behind a heartbeat. */
    static class Behind extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable told) {
            // the heartbeat has told of it
        }
    }
}
