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
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Many clients with heartbeats on one event loop, one peer for all of them, and one more channel on the same loop, whose
 * handler blocks the loop for as long as the test says, each time it reads a byte.
 */
final class Crowd implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    final CrowdPeer peer;
    final List<Member> members = new ArrayList<>();
    private final Loopback net;
    private final Channel blocker;
    private final AtomicInteger blocks = new AtomicInteger();
    private volatile long blockNanos;
    private final LoopWatch watch;
    private final BlockingQueue<Death> deaths = new LinkedBlockingQueue<>();

    /** One of the clients. */
    static final class Member {
        final AtomicInteger beats = new AtomicInteger();
        volatile int port;
    }

    /** Who died, why, and when by {@code System.nanoTime()}. */
    record Death(Member member, PeerDeath death, long atNanos) {}

    Crowd(Loopback net, int size, HeartbeatOptions options) throws Exception {
        this.net = net;
        peer = new CrowdPeer(size + 1);
        List<ChannelFuture> connecting = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            Member member = new Member();
            members.add(member);
            connecting.add(connect(member, options));
            if (i % 100 == 99) {
                connecting.get(i).sync(); // the peer's queue is no longer than the kernel's somaxconn
            }
        }
        for (int i = 0; i < size; i++) {
            members.get(i).port = port(connecting.get(i).sync().channel());
        }
        blocker = net.clientBootstrap()
                .handler(new Blocker())
                .connect(peer.address())
                .sync()
                .channel();
        watch = new LoopWatch(blocker.eventLoop());
        await("all are accepted", () -> peer.connections() == size + 1);
    }

    private ChannelFuture connect(Member member, HeartbeatOptions options) throws IOException {
        return net.clientBootstrap()
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        HeartbeatProtocol protocol = HeartbeatProtocol.frame(0x01, 0x41);
                        channel.pipeline()
                                .addLast(HeartbeatHandler.create(
                                        protocol, options, (where, event) -> told(member, event)));
                        channel.pipeline().addLast(new BeatingClient.Discard());
                    }
                })
                .connect(peer.address());
    }

    private void told(Member member, HeartbeatEvent event) {
        if (event instanceof Beat) {
            member.beats.incrementAndGet();
        } else if (event instanceof PeerDead dead) {
            deaths.add(new Death(member, dead.death(), System.nanoTime()));
        }
    }

    /**
     * Blocks the loop several times in a row, in the read of another channel. What makes it block again arrives while it
     * does, so that in between the loop makes one I/O pass, and not more.
     */
    void blockInARow(int times, Duration each) throws IOException {
        blockNanos = each.toNanos();
        for (int i = 0; i < times; i++) {
            int before = blocks.get();
            peer.poke(port(blocker));
            await("the loop blocks", () -> blocks.get() > before);
        }
    }

    /** Blocks the loop once, in a task of its own. Returns when the block is over. */
    void blockInATask(Duration length) throws InterruptedException {
        blocker.eventLoop().submit(() -> block(length.toNanos())).sync();
    }

    private void block(long nanos) {
        long start = System.nanoTime();
        for (long left = nanos; left > 0; left = nanos - (System.nanoTime() - start)) {
            LockSupport.parkNanos(left);
        }
    }

    /** For how long the loop has not run, in our blocks or for any other reason. */
    Duration stalled() {
        return watch.stalled();
    }

    void awaitMoreBeats(int count) {
        awaitMoreBeats(count, members);
    }

    void awaitMoreBeatsOfOthers(int count, Member dead) {
        awaitMoreBeats(count, members.stream().filter(member -> member != dead).toList());
    }

    private void awaitMoreBeats(int count, List<Member> living) {
        List<Integer> before = living.stream().map(member -> member.beats.get()).toList();
        await(count + " more beats each", () -> {
            for (int i = 0; i < living.size(); i++) {
                if (living.get(i).beats.get() < before.get(i) + count) {
                    return false;
                }
            }
            return true;
        });
    }

    private void await(String what, BooleanSupplier happened) {
        long start = System.nanoTime();
        while (!happened.getAsBoolean()) {
            assertNobodyDied();
            assertThat(System.nanoTime() - start)
                    .as(what + " within " + PATIENCE)
                    .isLessThan(PATIENCE.toNanos());
            LockSupport.parkNanos(1_000_000);
        }
        assertNobodyDied();
    }

    void assertNobodyDied() {
        assertThat(deaths)
                .as("the peer's slowest round took " + peer.slowestRoundMillis() + " ms")
                .isEmpty();
    }

    boolean somebodyDied() {
        return !deaths.isEmpty();
    }

    Death awaitDeath() throws InterruptedException {
        Death death = deaths.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        assertThat(death).as("a death within " + PATIENCE).isNotNull();
        return death;
    }

    private static int port(Channel channel) {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    @Override
    public void close() throws IOException {
        net.close();
        peer.close();
    }

    private final class Blocker extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
            blocks.incrementAndGet();
            block(blockNanos);
        }
    }
}
