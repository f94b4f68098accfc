package dev.holdfast.heartbeat;

import io.netty.buffer.ByteBufAllocator;

/** Beats that are one fixed line of text, and answers that are another. */
record FixedLines(String ping, String pong) implements HeartbeatProtocol {
    FixedLines {
        if (ping.isEmpty() || pong.isEmpty() || ping.equals(pong)) {
            throw new IllegalArgumentException(
                    "line: '" + ping + "', '" + pong + "' (expected: two different strings, neither of them empty)");
        }
    }

    @Override
    public Answering answering() {
        return Answering.ANSWERED;
    }

    @Override
    public Kind classify(Object message) {
        return ping.equals(message) ? Kind.PING : pong.equals(message) ? Kind.PONG : Kind.OTHER;
    }

    @Override
    public Object ping(long sequence, ByteBufAllocator allocator) {
        return ping;
    }

    @Override
    public Object pong(Object answered, ByteBufAllocator allocator) {
        return pong;
    }
}
