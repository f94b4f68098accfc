package dev.holdfast;

import dev.holdfast.heartbeat.HeartbeatProtocol;
import io.netty.buffer.ByteBufAllocator;

/** A protocol in which no message is a beat. */
final class NoBeats implements HeartbeatProtocol {
    static final NoBeats INSTANCE = new NoBeats();

    private NoBeats() {}

    @Override
    public Answering answering() {
        return Answering.ONE_WAY;
    }

    @Override
    public Kind classify(Object message) {
        return Kind.OTHER;
    }

    @Override
    public Object ping(long sequence, ByteBufAllocator allocator) {
        throw new IllegalStateException("a beat in a protocol without beats");
    }

    @Override
    public Object pong(Object ping, ByteBufAllocator allocator) {
        throw new IllegalStateException("an answer in a protocol without beats");
    }
}
