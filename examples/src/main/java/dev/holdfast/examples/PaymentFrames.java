package dev.holdfast.examples;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.MessageToByteEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The wire of {@link PaymentGateway}: a message has its length before it, in two bytes, and at most 255 bytes of text, so that its first
 * byte is 0. What begins with another byte is a beat, and that byte is all of it.
 */
final class PaymentFrames extends ByteToMessageDecoder {
    static final int PING = 0x01;
    static final int PONG = 0x41;

    private static final int LENGTH_BYTES = 2;

    static void addTo(ChannelPipeline pipeline) {
        pipeline.addLast(new PaymentFrames(), new Encoder());
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        if (in.getByte(in.readerIndex()) != 0) {
            out.add(in.readRetainedSlice(1)); // for the heartbeat; what it does not know is an error of the listener's
            return;
        }
        if (in.readableBytes() >= LENGTH_BYTES) {
            int length = in.getUnsignedShort(in.readerIndex());
            if (in.readableBytes() >= LENGTH_BYTES + length) {
                in.skipBytes(LENGTH_BYTES);
                out.add(in.readString(length, StandardCharsets.US_ASCII));
            }
        }
    }

    /** Beats, which are bytes already, pass it by. */
    private static final class Encoder extends MessageToByteEncoder<String> {
        Encoder() {
            super(String.class);
        }

        @Override
        protected void encode(ChannelHandlerContext context, String message, ByteBuf out) {
            if (message.length() > 255) {
                throw new IllegalArgumentException(
                        "message: " + message.length() + " characters (expected: 255 at most)");
            }
            out.writeShort(message.length());
            out.writeCharSequence(message, StandardCharsets.US_ASCII);
        }
    }
}
