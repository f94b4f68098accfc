package dev.holdfast.heartbeat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import java.util.Arrays;

/** Beats that are one fixed frame, and answers that are another. */
final class FixedFrames implements HeartbeatProtocol {
    private final byte[] ping;
    private final byte[] pong;

    FixedFrames(byte[] ping, byte[] pong) {
        if (ping.length == 0 || pong.length == 0 || Arrays.equals(ping, pong)) {
            throw new IllegalArgumentException("frame: " + ByteBufUtil.hexDump(ping) + ", " + ByteBufUtil.hexDump(pong)
                    + " (expected: two different frames of at least one byte)");
        }
        this.ping = ping.clone();
        this.pong = pong.clone();
    }

    @Override
    public Answering answering() {
        return Answering.ANSWERED;
    }

    @Override
    public Kind classify(Object message) {
        if (message instanceof ByteBuf frame) {
            return is(frame, ping) ? Kind.PING : is(frame, pong) ? Kind.PONG : Kind.OTHER;
        }
        return Kind.OTHER;
    }

    private static boolean is(ByteBuf frame, byte[] beat) {
        if (frame.readableBytes() != beat.length) {
            return false;
        }
        for (int i = 0; i < beat.length; i++) {
            if (frame.getByte(frame.readerIndex() + i) != beat[i]) {
                return false;
            }
        }
        return true;
    }

    @Override
    public Object ping(long sequence, ByteBufAllocator allocator) {
        return allocator.directBuffer(ping.length).writeBytes(ping);
    }

    @Override
    public Object pong(Object answered, ByteBufAllocator allocator) {
        return allocator.directBuffer(pong.length).writeBytes(pong);
    }

    @Override
    public String toString() {
        return "frame(" + ByteBufUtil.hexDump(ping) + ", " + ByteBufUtil.hexDump(pong) + ")";
    }
}
