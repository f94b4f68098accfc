package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The decoder among other handlers: who reads, removes, closes, fails around it. */
class FrameDecoderLifecycleTest {
    @Test
    void inactive_insideFrame_releasesItAndSaysSo() {
        for (int part : new int[] {1, 7, 8, 100}) {
            try (var receiver = Receiver.opened()) {
                receiver.read(Bytes.LONG_DATA, 0, part);
                assertThat(receiver.usedMemory()).isPositive();

                receiver.channel().close().syncUninterruptibly();

                assertThat(receiver.usedMemory()).isZero();
                assertThat(receiver.decoder().isInsideFrame()).isTrue();
            }
        }
    }

    @Test
    void inactive_betweenFrames_wasNotCutOff() {
        try (var receiver = Receiver.opened()) {
            receiver.read(Bytes.LONG_DATA).channel().close().syncUninterruptibly();

            assertThat(receiver.decoder().isInsideFrame()).isFalse();
        }
    }

    @Test
    void closedByAHandler_amongFrames_dropsTheRest() {
        try (var receiver = Receiver.opened()) {
            receiver.addBehind(new ChannelInboundHandlerAdapter() {
                @Override
                public void channelRead(ChannelHandlerContext context, Object message) {
                    context.fireChannelRead(message);
                    context.close().syncUninterruptibly();
                }
            });
            receiver.read(Bytes.concat(Bytes.PONG, Bytes.PONG, Bytes.PONG));

            assertThat(receiver.seen()).hasSize(3).endsWith("PONG 7", "incomplete");
            assertThat(receiver.usedMemory()).isZero();
        }
    }

    @Test
    void reentrantRead_fromAHandler_keepsTheOrder() {
        try (var receiver = Receiver.opened()) {
            var again = new ArrayList<>(List.of(Bytes.concat(Bytes.DRAIN, Bytes.EMPTY_DATA), Bytes.SHORT_DATA));
            receiver.addBehind(onFrame(context -> {
                if (!again.isEmpty()) {
                    receiver.read(again.remove(0));
                }
            }));
            receiver.read(Bytes.concat(Bytes.PING, Bytes.PONG));
            // The handler reads before it passes the frame on, so what it read waits for its turn.
            assertThat(receiver.seen())
                    .hasSize(6)
                    .endsWith("PING 7 ttl=20000", "PONG 7", "DRAIN code=1 span=30000", "DATA", "DATA 616263");
        }
    }

    @Test
    void removed_betweenReads_passesTheRestOn() {
        try (var receiver = Receiver.opened()) {
            receiver.channel().pipeline().removeLast();
            receiver.read(Bytes.PING, 0, 15);
            receiver.channel().pipeline().remove(receiver.decoder());

            ByteBuf rest = receiver.channel().readInbound();
            assertThat(rest.readableBytes()).isEqualTo(15);
            rest.release();
        }
    }

    @Test
    void removed_byAHandler_passesTheRestOnAfterTheFrame() {
        try (var receiver = Receiver.opened()) {
            receiver.channel().pipeline().removeLast();
            receiver.channel().pipeline().addLast(onFrame(context -> {
                if (context.pipeline().get(FrameDecoder.class) != null) {
                    context.pipeline().remove(FrameDecoder.class);
                }
            }));
            receiver.read(Bytes.concat(Bytes.PONG, Bytes.PING, Bytes.DRAIN));

            ByteBuf frame = receiver.channel().readInbound();
            ByteBuf rest = receiver.channel().readInbound();
            assertThat(frame.readableBytes()).isEqualTo(Bytes.PONG.length);
            assertThat(rest.readableBytes()).isEqualTo(Bytes.PING.length + Bytes.DRAIN.length);
            frame.release();
            rest.release();
        }
    }

    @Test
    void removed_byAHandlerOnClose_dropsTheRest() {
        try (var receiver = Receiver.opened()) {
            receiver.channel().pipeline().removeLast();
            receiver.channel()
                    .pipeline()
                    .addLast(onFrame(context -> context.pipeline().remove(FrameDecoder.class)));
            receiver.read(Bytes.concat(Bytes.CLOSE, Bytes.PING));

            ByteBuf frame = receiver.channel().readInbound();
            assertThat(frame.readableBytes()).isEqualTo(Bytes.CLOSE.length);
            assertThat(receiver.channel().<Object>readInbound()).isNull();
            frame.release();
        }
    }

    @Test
    void memory_lackingForAFrame_failsTheStream() {
        try (var receiver = Receiver.opened()) {
            var causes = new ArrayList<Throwable>();
            receiver.addBehind(new ChannelInboundHandlerAdapter() {
                @Override
                public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                    causes.add(cause);
                }
            });
            receiver.channel().config().setAllocator(new NoMemory());
            ByteBuf in = Unpooled.copiedBuffer(Bytes.PONG, Bytes.PING);

            receiver.channel().pipeline().fireChannelRead(in).fireChannelRead(Unpooled.copiedBuffer(Bytes.PING));

            assertThat(causes).singleElement().isInstanceOf(OutOfMemoryError.class);
            assertThat(in.refCnt()).isZero();
            assertThat(receiver.seen()).hasSize(1);
        }
    }

    @Test
    void memory_lackingToJoin_failsTheStream() {
        try (var receiver = Receiver.opened()) {
            var causes = new ArrayList<Throwable>();
            receiver.addBehind(new ChannelInboundHandlerAdapter() {
                @Override
                public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                    causes.add(cause);
                }
            });
            receiver.channel().config().setAllocator(new NoMemory());
            ByteBuf head = Unpooled.copiedBuffer(Bytes.PING, 0, 10).asReadOnly();

            // The two bytes in between are lost, so the PONG must not be read.
            receiver.channel()
                    .pipeline()
                    .fireChannelRead(head)
                    .fireChannelRead(Unpooled.copiedBuffer(Bytes.PING, 10, 2));
            receiver.channel().pipeline().fireChannelRead(Unpooled.copiedBuffer(Bytes.PONG));

            assertThat(causes).singleElement().isInstanceOf(OutOfMemoryError.class);
            assertThat(head.refCnt()).isZero();
            assertThat(receiver.seen()).hasSize(1);
        }
    }

    @Test
    void autoReadOff_noFrameComplete_readsOn() {
        try (var receiver = Receiver.opened()) {
            receiver.channel().config().setAutoRead(false);
            var reads = new int[1];
            receiver.channel().pipeline().addFirst(new ChannelOutboundHandlerAdapter() {
                @Override
                public void read(ChannelHandlerContext context) {
                    reads[0]++;
                }
            });

            receiver.read(Bytes.PING, 0, 10);
            assertThat(reads[0]).as("a part of a frame").isEqualTo(1);
            receiver.read(Bytes.concat(Arrays.copyOfRange(Bytes.PING, 10, 20), Bytes.PING, new byte[1]));
            assertThat(reads[0]).as("a frame").isEqualTo(1);
            receiver.channel().pipeline().fireChannelReadComplete();
            assertThat(reads[0]).as("no bytes").isEqualTo(1);
        }
    }

    @Test
    void autoReadOff_frameThenAPartInOnePass_doesNotReadOn() {
        try (var receiver = Receiver.opened()) {
            receiver.channel().config().setAutoRead(false);
            var reads = new int[1];
            receiver.channel().pipeline().addFirst(new ChannelOutboundHandlerAdapter() {
                @Override
                public void read(ChannelHandlerContext context) {
                    reads[0]++;
                }
            });

            receiver.channel().pipeline().fireChannelRead(Unpooled.copiedBuffer(Bytes.PING));
            receiver.channel().pipeline().fireChannelRead(Unpooled.copiedBuffer(Bytes.PING, 0, 3));
            receiver.channel().pipeline().fireChannelReadComplete();

            assertThat(reads[0]).isZero();
        }
    }

    @Test
    void autoReadOn_noFrameComplete_readsOnlyOnce() {
        try (var receiver = Receiver.opened()) {
            var reads = new int[1];
            receiver.addBefore(new ChannelOutboundHandlerAdapter() {
                @Override
                public void read(ChannelHandlerContext context) {
                    reads[0]++;
                }
            });
            receiver.read(Bytes.PING, 0, 10);

            assertThat(reads[0]).as("the channel's own").isEqualTo(1);
        }
    }

    /** An allocator with nothing left. */
    private static final class NoMemory extends AbstractByteBufAllocator {

        @Override
        protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
            throw new OutOfMemoryError("as the test wishes");
        }

        @Override
        protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
            return newHeapBuffer(initialCapacity, maxCapacity);
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }
    }

    /** Does something on every frame, and passes it on afterwards. */
    private static ChannelInboundHandlerAdapter onFrame(Consumer<ChannelHandlerContext> action) {
        return new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                action.accept(context);
                context.fireChannelRead(message);
            }
        };
    }
}
