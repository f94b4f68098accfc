package dev.holdfast.benchmarks;

import com.sun.management.ThreadMXBean;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.wire.Frames;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What a heartbeat allocates, in a pipeline in frozen time: for an inbound message, and for a beat with its answer beyond
 * what Netty allocates when a handler writes the same buffer.
 */
final class HeartbeatAllocation {
    private static final int ROUNDS = 8;
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    /** Ticks of the heartbeat's timer in an interval: a tenth of the timeout each. */
    private static final int TICKS = 10;

    private static final int SEQUENCE = 1;

    private HeartbeatAllocation() {}

    /**
     * Bytes in steady state.
     *
     * @param message for one message that comes in
     * @param beat for one beat and its answer, beyond {@code write}
     * @param write Netty's own for one write of the same buffer
     */
    record Bytes(double message, double beat, double write) {}

    /** The worse of two protocols. */
    static Bytes measure(int count) throws InterruptedException {
        ResourceLeakDetector.Level before = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        try {
            Bytes fixed = measure(HeartbeatProtocol.frame(0x01, 0x41), count);
            Bytes framed = measure(HeartbeatProtocol.framed(), count);
            return new Bytes(
                    Math.max(fixed.message, framed.message),
                    Math.max(fixed.beat, framed.beat),
                    Math.max(fixed.write, framed.write));
        } finally {
            ResourceLeakDetector.setLevel(before);
        }
    }

    private static Bytes measure(HeartbeatProtocol protocol, int count) throws InterruptedException {
        Pipeline beating = new Pipeline(protocol, true);
        Pipeline bare = new Pipeline(protocol, false);
        double message = leastAllocated(() -> beating.receive(count));
        double withoutHeartbeat = leastAllocated(() -> bare.receive(count));
        double beat = leastAllocated(() -> beating.beat(count));
        double write = leastAllocated(() -> bare.beat(count));
        return new Bytes((message - withoutHeartbeat) / count, (beat - write) / count, write / count);
    }

    /** Bytes allocated by the best of several rounds: what the first ones cost is warming up. */
    private static long leastAllocated(Runnable round) throws InterruptedException {
        FutureTask<Long> task = new FutureTask<>(() -> {
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long least = Long.MAX_VALUE;
            for (int i = 0; i < ROUNDS; i++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                round.run();
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            return least;
        });
        // Buffers are recycled for Netty's own threads, as event loops are.
        new FastThreadLocalThread(task, "allocation").start();
        try {
            return task.get();
        } catch (ExecutionException failed) {
            throw new IllegalStateException(failed.getCause());
        }
    }

    /** A channel with a heartbeat whose beats are answered, or one whose handler writes the same beats. */
    private static final class Pipeline {
        private final EmbeddedChannel channel = new EmbeddedChannel();
        private final Sink sink = new Sink();
        private final HeartbeatProtocol protocol;
        private final boolean beating;

        Pipeline(HeartbeatProtocol protocol, boolean beating) {
            this.protocol = protocol;
            this.beating = beating;
            channel.freezeTime();
            if (beating) {
                HeartbeatOptions options = HeartbeatOptions.builder()
                        .interval(INTERVAL)
                        .timeout(INTERVAL)
                        .build();
                channel.pipeline().addLast(HeartbeatHandler.create(protocol, options, (where, event) -> {
                    throw new IllegalStateException(event.toString());
                }));
            }
            channel.pipeline().addLast(sink);
        }

        /** Messages, one to a read. */
        void receive(int count) {
            long before = sink.messages;
            for (int i = 0; i < count; i++) {
                ByteBuf message = Frames.dataHeader(ByteBufAllocator.DEFAULT, 64); // a message to the other protocol
                channel.pipeline().fireChannelRead(message).fireChannelReadComplete();
            }
            check(sink.messages - before, count);
        }

        /** Beats and their answers, an interval apart. */
        void beat(int count) {
            ByteBuf answered = (ByteBuf) protocol.ping(SEQUENCE, ByteBufAllocator.DEFAULT);
            int beats = 0;
            for (int tick = 0; tick < count * TICKS; tick++) {
                channel.advanceTimeBy(INTERVAL.toNanos() / TICKS, TimeUnit.NANOSECONDS);
                channel.runScheduledPendingTasks();
                if (!beating && tick % TICKS == 0) {
                    sink.writeAndFlush(protocol.ping(SEQUENCE, ByteBufAllocator.DEFAULT));
                }
                ByteBuf ping = channel.readOutbound();
                if (ping != null) {
                    beats++;
                    ping.release();
                    Object pong = protocol.pong(answered, ByteBufAllocator.DEFAULT);
                    channel.pipeline().fireChannelRead(pong).fireChannelReadComplete();
                }
            }
            answered.release();
            check(beats, count);
        }

        /** What runs must have happened: a count that is off by one is the phase of the grid. */
        private static void check(long found, int expected) {
            if (Math.abs(found - expected) > 1) {
                throw new IllegalStateException(found + " (expected: " + expected + ")");
            }
        }
    }

    /** Counts and releases. */
    @ChannelHandler.Sharable
    private static final class Sink extends ChannelInboundHandlerAdapter {
        private long messages;
        private @Nullable ChannelHandlerContext context;

        @Override
        public void handlerAdded(ChannelHandlerContext added) {
            context = added;
        }

        @SuppressWarnings("FutureReturnValueIgnored") // an embedded channel takes everything
        void writeAndFlush(Object message) {
            Objects.requireNonNull(context).writeAndFlush(message);
        }

        @Override
        public void channelRead(ChannelHandlerContext mine, Object message) {
            messages++;
            ReferenceCountUtil.release(message);
        }
    }
}
