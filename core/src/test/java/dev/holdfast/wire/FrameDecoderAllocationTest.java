package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Beats cost no garbage, neither where they are written nor where they are read. */
class FrameDecoderAllocationTest {
    private static final int BEATS = 48_000;
    private static final int ROUNDS = 8;

    private static final ResourceLeakDetector.Level LEVEL = ResourceLeakDetector.getLevel();

    /**
     * Netty's default, and the pooled one where copying between its buffers makes no garbage: from JDK 24 on, where Netty does
     * without Unsafe, it does, and nothing could be told from it.
     */
    static List<ByteBufAllocator> allocators() throws Exception {
        ByteBufAllocator adaptive = new AdaptiveByteBufAllocator(true);
        ByteBufAllocator pooled = new PooledByteBufAllocator(true);
        boolean clean = leastAllocated(() -> {
                    for (int i = 0; i < BEATS; i++) {
                        ByteBuf from = Frames.ping(pooled, 1, 20);
                        pooled.directBuffer(512, 512).writeBytes(from).release();
                        from.release();
                    }
                })
                == 0;
        assertThat(clean)
                .as("garbage of the pooled allocator")
                .isEqualTo(Runtime.version().feature() < 24);
        return clean ? List.of(adaptive, pooled) : List.of(adaptive);
    }

    @BeforeAll
    static void leakDetectorOff() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    }

    @AfterAll
    static void leakDetectorAsBefore() {
        ResourceLeakDetector.setLevel(LEVEL);
    }

    @ParameterizedTest
    @MethodSource("allocators")
    void beat_aloneInARead_allocatesNothing(ByteBufAllocator allocator) throws Exception {
        assertThat(leastAllocatedBy(new Loop(allocator, 1, 0))).isZero();
    }

    @ParameterizedTest
    @MethodSource("allocators")
    void beats_manyInARead_allocateNothing(ByteBufAllocator allocator) throws Exception {
        assertThat(leastAllocatedBy(new Loop(allocator, 16, 0))).isZero();
    }

    @ParameterizedTest
    @MethodSource("allocators")
    void beats_cutByReads_allocateNothing(ByteBufAllocator allocator) throws Exception {
        assertThat(leastAllocatedBy(new Loop(allocator, 3, 7))).isZero();
    }

    private static long leastAllocatedBy(Loop loop) throws Exception {
        long least = leastAllocated(loop::run);
        assertThat(loop.sink.sum).isEqualTo((long) ROUNDS * BEATS * 21);
        loop.channel.close().syncUninterruptibly();
        return least;
    }

    /** Bytes allocated by the best of several rounds: what the first ones cost is warming up. */
    private static long leastAllocated(Runnable round) throws Exception {
        var task = new FutureTask<>(() -> {
            var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long least = Long.MAX_VALUE;
            for (int i = 0; i < ROUNDS; i++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                round.run();
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            return least;
        });
        // Buffers are recycled for Netty's own threads, as event loops are.
        var thread = new FastThreadLocalThread(task, "allocation");
        thread.start();
        return task.get();
    }

    /** Writes beats and reads them: PINGs and PONGs, so many together, cut somewhere or not. */
    private static final class Loop {
        private final ByteBufAllocator allocator;
        private final int beats;
        private final int cut;
        private final Sink sink = new Sink();
        private final EmbeddedChannel channel = new EmbeddedChannel();

        Loop(ByteBufAllocator allocator, int beats, int cut) {
            this.allocator = allocator;
            this.beats = beats;
            this.cut = cut;
            channel.config().setAllocator(allocator);
            channel.pipeline().addLast(new FrameDecoder(Hello.builder().build()), sink);
            channel.pipeline().fireChannelRead(Hello.builder().build().write(allocator));
        }

        void run() {
            for (int i = 0; i < BEATS / beats; i++) {
                ByteBuf in = allocator.directBuffer(512, 512);
                for (int beat = 0; beat < beats; beat++) {
                    ByteBuf frame = beat % 2 == 0 ? Frames.ping(allocator, 1, 20) : Frames.pong(allocator, 21);
                    in.writeBytes(frame);
                    frame.release();
                }
                if (cut > 0) {
                    ByteBuf head = allocator.directBuffer(512, 512).writeBytes(in, cut);
                    channel.pipeline().fireChannelRead(head).fireChannelReadComplete();
                }
                channel.pipeline().fireChannelRead(in).fireChannelReadComplete();
            }
        }
    }

    /** Reads what a heartbeat reads of each beat. */
    private static final class Sink extends ChannelInboundHandlerAdapter {
        private long sum;

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf frame = (ByteBuf) message;
            switch (Frames.type(frame)) {
                case PING -> sum += Frames.sequence(frame) + Frames.timeToLiveMillis(frame);
                case PONG -> sum += Frames.sequence(frame);
                case HELLO, DATA, DRAIN, CLOSE -> {}
            }
            frame.release();
        }
    }
}
