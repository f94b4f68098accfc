package dev.holdfast.heartbeat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

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
            int length = frame.readableBytes(); // another one, as a rule, and nothing else is looked at
            if (length == ping.length && is(frame, ping)) {
                return Kind.PING;
            }
            if (length == pong.length && is(frame, pong)) {
                return Kind.PONG;
            }
        }
        return Kind.OTHER;
    }

    private static boolean is(ByteBuf frame, byte[] beat) {
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
    public boolean equals(@Nullable Object other) {
        return other instanceof FixedFrames that && Arrays.equals(ping, that.ping) && Arrays.equals(pong, that.pong);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(ping) + Arrays.hashCode(pong);
    }

    @Override
    public String toString() {
        return "frame(" + ByteBufUtil.hexDump(ping) + ", " + ByteBufUtil.hexDump(pong) + ")";
    }
}
