package dev.holdfast.heartbeat;

import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.time.Duration;

/**
 * PING and PONG of our own framed protocol, as its {@code FrameDecoder} passes them on.
 *
 * @param promise within what time of a PING the next sign of life comes; zero promises nothing
 * @param confirms whether both sides have agreed on confirmations, which are no beats
 */
record FramedBeats(Duration promise, boolean confirms) implements HeartbeatProtocol {
    /** Before anything is agreed nothing can be promised: under WHEN_QUIET it depends on what the peer sends. */
    static final FramedBeats INSTANCE = new FramedBeats(Duration.ZERO, false);

    // with the header; the decoder refuses any other length
    private static final int PING_LENGTH = Frames.HEADER_LENGTH + 12;
    private static final int PONG_LENGTH = Frames.HEADER_LENGTH + 8;

    @Override
    public Answering answering() {
        return Answering.ANSWERED;
    }

    @Override
    public Kind classify(Object message) {
        if (!(message instanceof ByteBuf frame)) {
            return Kind.OTHER;
        }
        int length = frame.readableBytes(); // another one, as a rule, and nothing else is looked at
        if (length == PING_LENGTH && Frames.type(frame) == FrameType.PING) {
            return beat(frame, Kind.PING);
        }
        return length == PONG_LENGTH && Frames.type(frame) == FrameType.PONG ? beat(frame, Kind.PONG) : Kind.OTHER;
    }

    private Kind beat(ByteBuf frame, Kind kind) {
        return confirms && Frames.isConfirmation(frame) ? Kind.OTHER : kind;
    }

    @Override
    public Object ping(long sequence, ByteBufAllocator allocator) {
        return Frames.ping(allocator, sequence, promise.toMillis());
    }

    @Override
    public Object pong(Object ping, ByteBufAllocator allocator) {
        return Frames.pong(allocator, Frames.sequence((ByteBuf) ping));
    }

    @Override
    public long sequence(Object message) {
        return Frames.sequence((ByteBuf) message);
    }

    @Override
    public String toString() {
        return "framed()";
    }
}
