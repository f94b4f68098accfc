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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Beats cost no garbage, neither where they are written nor where they are read. */
class FrameDecoderAllocationTest {
    private static final int BEATS = 48_000;
    private static final int ROUNDS = 8;

    private final ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();

    static List<ByteBufAllocator> allocators() {
        return List.of(new PooledByteBufAllocator(true), new AdaptiveByteBufAllocator(true));
    }

    @BeforeEach
    void leakDetectorOff() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    }

    @AfterEach
    void leakDetectorAsBefore() {
        ResourceLeakDetector.setLevel(level);
    }

    @ParameterizedTest
    @MethodSource("allocators")
    void beat_aloneInARead_allocatesNothing(ByteBufAllocator allocator) throws Exception {
        assertThat(leastAllocated(new Loop(allocator, 1, 0))).isZero();
    }

    @ParameterizedTest
    @MethodSource("allocators")
    void beats_manyInARead_allocateNothing(ByteBufAllocator allocator) throws Exception {
        assertThat(leastAllocated(new Loop(allocator, 16, 0))).isZero();
    }

    @ParameterizedTest
    @MethodSource("allocators")
    void beats_cutByReads_allocateNothing(ByteBufAllocator allocator) throws Exception {
        assertThat(leastAllocated(new Loop(allocator, 3, 7))).isZero();
    }

    /** Bytes allocated by the best of several rounds: what the first ones cost is warming up. */
    private static long leastAllocated(Loop loop) throws Exception {
        var task = new FutureTask<>(() -> {
            var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long least = Long.MAX_VALUE;
            for (int round = 0; round < ROUNDS; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                loop.run();
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(loop.sink.sum).isEqualTo((long) ROUNDS * BEATS * 21);
            loop.channel.close().syncUninterruptibly();
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
