package dev.holdfast.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** The payload that DRAIN and CLOSE share: a code (u16), two reserved bytes, a time (u32, milliseconds). */
final class Codes {
    private static final int MAX_CODE = 0xFFFF;
    private static final int CODE_OFFSET = Frames.HEADER_LENGTH;
    private static final int MILLIS_OFFSET = Frames.HEADER_LENGTH + 4;

    private Codes() {}

    static void check(String name, int code) {
        if (code < 0 || code > MAX_CODE) {
            throw new IllegalArgumentException(name + ": " + code + " (expected: 0 to " + MAX_CODE + ")");
        }
    }

    static int code(ByteBuf frame) {
        return frame.getUnsignedShort(frame.readerIndex() + CODE_OFFSET);
    }

    static long millis(ByteBuf frame) {
        return frame.getUnsignedInt(frame.readerIndex() + MILLIS_OFFSET);
    }

    static ByteBuf write(ByteBufAllocator allocator, FrameType type, int code, long millis) {
        return Frames.frame(allocator, type.header())
                .writeShort(code)
                .writeShort(0)
                .writeInt((int) millis);
    }
}
