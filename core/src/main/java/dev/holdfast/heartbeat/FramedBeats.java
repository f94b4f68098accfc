package dev.holdfast.heartbeat;

import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** PING and PONG of our own framed protocol, as its {@code FrameDecoder} passes them on. */
final class FramedBeats implements HeartbeatProtocol {
    static final FramedBeats INSTANCE = new FramedBeats();

    /** No promise of when the next comes: under WHEN_QUIET that depends on what the peer sends. */
    private static final long NO_PROMISE = 0;

    private FramedBeats() {}

    @Override
    public Answering answering() {
        return Answering.ANSWERED;
    }

    @Override
    public Kind classify(Object message) {
        if (!(message instanceof ByteBuf frame)) {
            return Kind.OTHER;
        }
        FrameType type = Frames.type(frame);
        return type == FrameType.PING ? Kind.PING : type == FrameType.PONG ? Kind.PONG : Kind.OTHER;
    }

    @Override
    public Object ping(long sequence, ByteBufAllocator allocator) {
        return Frames.ping(allocator, sequence, NO_PROMISE);
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
