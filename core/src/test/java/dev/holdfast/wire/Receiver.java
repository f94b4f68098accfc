package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * One end of a connection that only reads: a decoder, and what came out of it. Every byte of memory is counted, so that a
 * buffer that nobody released shows.
 */
final class Receiver implements AutoCloseable {
    /** What happens to a frame that was read. */
    enum Keeping {
        /** It is looked at and released at once, as a heartbeat does. */
        RELEASE,
        /** It is looked at and released at the end, as a queue does: later bytes must not change it. */
        HOLD
    }

    static final int LIMIT = 1024;

    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false, true);
    private final FrameDecoder decoder;
    private final EmbeddedChannel channel;
    private final List<Object> output = new ArrayList<>();
    private boolean unexpected;

    Receiver(int maxPayload) {
        this(maxPayload, Keeping.RELEASE);
    }

    Receiver(int maxPayload, Keeping keeping) {
        this.decoder = new FrameDecoder(Hello.builder().maxPayload(maxPayload).build());
        this.channel = new EmbeddedChannel();
        channel.config().setAllocator(allocator);
        channel.pipeline().addLast(decoder, new Recorder(keeping));
    }

    /** A receiver that accepts {@link #LIMIT} bytes, releases each frame at once, and has got a HELLO. */
    static Receiver opened() {
        return new Receiver(LIMIT).read(Bytes.HELLO);
    }

    /** Adds a handler right behind the decoder. */
    void addBehind(ChannelHandler handler) {
        channel.pipeline().addAfter(channel.pipeline().context(decoder).name(), null, handler);
    }

    /** Adds a handler right before the decoder. */
    void addBefore(ChannelHandler handler) {
        channel.pipeline().addBefore(channel.pipeline().context(decoder).name(), null, handler);
    }

    /** One read of these bytes. */
    Receiver read(byte[] bytes) {
        return read(bytes, 0, bytes.length);
    }

    Receiver read(byte[] bytes, int from, int to) {
        int length = to - from;
        ByteBuf in = allocator.heapBuffer(length).writeBytes(bytes, from, length);
        channel.pipeline().fireChannelRead(in).fireChannelReadComplete();
        return this;
    }

    /** Each byte as a read of its own. */
    Receiver readByteByByte(byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            read(bytes, i, i + 1);
        }
        return this;
    }

    EmbeddedChannel channel() {
        return channel;
    }

    FrameDecoder decoder() {
        return decoder;
    }

    /** The heap that the buffers of this receiver take now, in bytes. */
    long usedMemory() {
        return allocator.metric().usedHeapMemory();
    }

    /** Frames, errors, and {@code incomplete} if the last frame isn't there yet, in order. */
    List<String> seen() {
        List<String> seen = new ArrayList<>();
        for (Object object : output) {
            seen.add(text(object));
        }
        if (decoder.isInsideFrame()) {
            seen.add("incomplete");
        }
        return seen;
    }

    /** The error that came, as the only one. */
    ProtocolException error() {
        List<ProtocolException> errors = output.stream()
                .filter(ProtocolException.class::isInstance)
                .map(ProtocolException.class::cast)
                .toList();
        assertThat(errors).hasSize(1);
        return errors.get(0);
    }

    /** Ends the connection; nothing may be left of it. */
    @Override
    public void close() {
        channel.close().syncUninterruptibly();
        channel.checkException();
        for (Object object : output) {
            if (object instanceof ByteBuf held) {
                held.release();
            }
        }
        assertThat(unexpected)
                .as("an exception but a ProtocolException, in %s", output)
                .isFalse();
        assertThat(usedMemory()).as("memory that is still used").isZero();
    }

    private static String text(Object object) {
        if (object instanceof ByteBuf frame) {
            return FrameText.of(frame);
        }
        return object instanceof ProtocolException error ? FrameText.of(error) : object.toString();
    }

    /** The handler behind the decoder. */
    private final class Recorder extends ChannelInboundHandlerAdapter {
        private final Keeping keeping;

        Recorder(Keeping keeping) {
            this.keeping = keeping;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf frame = (ByteBuf) message;
            if (keeping == Keeping.HOLD) {
                output.add(frame);
            } else {
                output.add(FrameText.of(frame));
                frame.release();
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            output.add(cause);
            unexpected |= !(cause instanceof ProtocolException);
        }
    }
}
