package dev.holdfast.heartbeat;

import io.netty.buffer.ByteBufAllocator;

/**
 * What a heartbeat looks like in somebody's protocol: which messages are beats, and how to make them.
 *
 * <p>The messages are what arrives at the {@link HeartbeatHandler}'s place in the pipeline: behind the decoder that makes
 * them, before the handlers that must not see beats. Beats and their answers end there, and are released; everything else
 * passes on untouched. What {@link #ping} and {@link #pong} return is written from that place, so it passes the encoders in
 * front of the handler, and it belongs to the pipeline from then on.
 *
 * <p>One protocol object serves all connections of an options object, on several event loops at once: it must be
 * thread-safe, which an object without fields is. Nothing of it may block.
 */
public interface HeartbeatProtocol {
    /** Whether a beat draws an answer. */
    enum Answering {
        /** Each ping is answered by a pong: silence is counted from our own ping. */
        ANSWERED,
        /** Each side just sends, as STOMP and AMQP do: silence is counted from the peer's last byte. */
        ONE_WAY
    }

    /** What an inbound message is. */
    enum Kind {
        /** A beat of the peer's; answered, if this protocol answers. */
        PING,
        /** The answer to a beat of ours. */
        PONG,
        /** Anything else. */
        OTHER
    }

    /** What is returned by {@link #sequence} for a message that carries none. */
    long NO_SEQUENCE = -1;

    /**
     * PING and PONG of Holdfast's own framed protocol. The handler stands behind {@link dev.holdfast.wire.FrameDecoder}; the
     * other frames pass on. Pings carry a sequence and, where the peer relies on our beats ({@link
     * dev.holdfast.wire.HelloHandler}), a time to live of {@code interval + timeout}. Where both sides have announced {@link
     * dev.holdfast.wire.Hello#CAPABILITY_CONFIRM}, confirmations pass on as well: somebody behind answers them.
     */
    static HeartbeatProtocol framed() {
        return FramedBeats.INSTANCE;
    }

    /**
     * Fixed byte frames, such as the one byte 01 answered by 41 of many older systems. The handler stands behind the
     * decoder that makes a buffer of each frame; a frame that is exactly {@code ping} or exactly {@code pong} is a beat.
     *
     * @throws IllegalArgumentException if one of them is empty, or both are the same
     */
    static HeartbeatProtocol frame(byte[] ping, byte[] pong) {
        return new FixedFrames(ping, pong);
    }

    /**
     * {@link #frame(byte[], byte[])} of one byte each.
     *
     * @throws IllegalArgumentException if both are the same
     */
    static HeartbeatProtocol frame(int ping, int pong) {
        return frame(new byte[] {(byte) ping}, new byte[] {(byte) pong});
    }

    /**
     * Lines of text. The handler stands behind {@code StringDecoder} and {@code StringEncoder}, or whatever makes strings of
     * lines and lines of strings; a string that is exactly {@code ping} or exactly {@code pong} is a beat. No line end is
     * added.
     *
     * @throws IllegalArgumentException if one of them is empty, or both are the same
     */
    static HeartbeatProtocol line(String ping, String pong) {
        return new FixedLines(ping, pong);
    }

    /** Whether a beat draws an answer. The same for the life of the object. */
    Answering answering();

    /**
     * What an inbound message is. Called for every message, so it should be cheap, and it must neither change the message
     * (a buffer's indices among it) nor release it.
     */
    Kind classify(Object message);

    /**
     * Makes a beat.
     *
     * @param sequence counts the connection's beats from 1; a protocol without room for it ignores it
     * @param allocator the channel's
     */
    Object ping(long sequence, ByteBufAllocator allocator);

    /**
     * Makes the answer to a beat of the peer's. Not called for {@link Answering#ONE_WAY}.
     *
     * @param ping the beat; the caller releases it
     */
    Object pong(Object ping, ByteBufAllocator allocator);

    /**
     * The sequence that a {@link Kind#PING} or {@link Kind#PONG} carries, or {@link #NO_SEQUENCE}, the default. With it an
     * answer is matched to its probe; without it only the answer to a lone probe gives a round-trip time.
     */
    default long sequence(Object message) {
        return NO_SEQUENCE;
    }
}
