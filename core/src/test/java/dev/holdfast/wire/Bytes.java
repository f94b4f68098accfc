package dev.holdfast.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;

/** Bytes as the tests write them. */
final class Bytes {
    /** A HELLO: version 1, beats at 1 s or more, wishes them every 5 s, detects in 15 s, accepts 64 KiB. */
    static final byte[] HELLO = hex("00000028 01 00 0000 484f4c44 01 01 0000 0000000000000000"
            + "000003e8 00001388 00003a98 00010000 0000000000000000");

    static final byte[] PING = hex("0000000c 02 00 0000 0000000000000007 00004e20");
    static final byte[] PONG = hex("00000008 03 00 0000 0000000000000007");
    static final byte[] SHORT_DATA = hex("00000003 04 00 0000 616263");
    static final byte[] LONG_DATA = data(200);
    static final byte[] EMPTY_DATA = hex("00000000 04 00 0000");
    static final byte[] DRAIN = hex("00000008 05 00 0000 0001 0000 00007530");
    static final byte[] CLOSE = hex("00000008 06 00 0000 0001 0000 ffffffff");
    static final byte[] OPTIONAL = concat(header(300, 99, 1), new byte[300]);
    static final byte[] EMPTY_OPTIONAL = header(0, 99, 1);

    static final UnpooledByteBufAllocator HEAP = new UnpooledByteBufAllocator(false, true);

    private Bytes() {}

    /** Bytes in hexadecimal, blanks wherever they help. */
    static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    static ByteBuf buffer(String hex) {
        return Unpooled.wrappedBuffer(hex(hex));
    }

    /** A frame's bytes; releases it. */
    static String hexOf(ByteBuf frame) {
        String hex = ByteBufUtil.hexDump(frame);
        frame.release();
        return hex;
    }

    /** The header of a frame, and nothing of its payload. */
    static byte[] header(long length, int type, int flags) {
        return ByteBuffer.allocate(Frames.HEADER_LENGTH)
                .putInt((int) length)
                .put((byte) type)
                .put((byte) flags)
                .array();
    }

    static byte[] concat(byte[]... parts) {
        var all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    /** A DATA frame with so many x. */
    static byte[] data(int length) {
        byte[] payload = new byte[length];
        Arrays.fill(payload, (byte) 'x');
        return concat(header(length, 4, 0), payload);
    }
}
