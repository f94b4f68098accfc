package dev.holdfast.examples;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Cuts what comes in into lines, without their ends. A line over {@value #LONGEST} bytes comes in pieces, the last one at the close. */
class LineDecoder extends ByteToMessageDecoder {
    private static final int LONGEST = 8192;

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        int length = in.bytesBefore((byte) '\n');
        if (length >= 0 && length <= LONGEST) {
            String line = in.readString(length, StandardCharsets.UTF_8);
            in.skipBytes(1);
            out.add(line.endsWith("\r") ? line.substring(0, line.length() - 1) : line);
        } else if (in.readableBytes() >= LONGEST) {
            out.add(in.readString(LONGEST, StandardCharsets.UTF_8));
        }
    }

    @Override
    protected void decodeLast(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        decode(context, in, out);
        if (out.isEmpty() && in.isReadable()) {
            out.add(in.readString(in.readableBytes(), StandardCharsets.UTF_8));
        }
    }
}
