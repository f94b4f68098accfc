package dev.holdfast.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * Reads and writes the frames of the hot path in place: no object stands for a PING, a PONG or a message, a frame is the
 * buffer that holds it.
 *
 * <p>A frame, here, is a {@link ByteBuf} whose readable bytes are one whole frame, header included, as {@link
 * FrameDecoder} passes it on. What reads a frame leaves its indices and its reference count alone, except {@link
 * #payload}. What makes a frame gives it to the caller, who writes it to the channel or releases it. No method here keeps
 * any state: use it from any thread.
 */
public final class Frames {
    /** The length of every frame's header, in bytes. */
    public static final int HEADER_LENGTH = 8;

    /** The bit of a sequence, the highest, that makes a confirmation of a PING or PONG. See {@link #isConfirmation}. */
    public static final long CONFIRMATION_BIT = 1L << 63;

    private static final int TYPE_OFFSET = 4;
    private static final int SEQUENCE_OFFSET = HEADER_LENGTH;
    private static final int TIME_TO_LIVE_OFFSET = HEADER_LENGTH + 8;
    private static final long PING_HEADER = FrameType.PING.header();
    private static final long PONG_HEADER = FrameType.PONG.header();

    private Frames() {}

    /**
     * What kind of frame it is.
     *
     * @throws IllegalArgumentException if the type is unknown, so that the frame can't come from a {@link FrameDecoder}
     */
    public static FrameType type(ByteBuf frame) {
        int code = frame.getUnsignedByte(frame.readerIndex() + TYPE_OFFSET);
        FrameType type = FrameType.find(code);
        if (type == null) {
            throw new IllegalArgumentException("frame type: " + code + " (expected: 1 to 6)");
        }
        return type;
    }

    /** The sequence of a PING or PONG: 64 bits, to be compared for equality only. */
    public static long sequence(ByteBuf frame) {
        return frame.getLong(frame.readerIndex() + SEQUENCE_OFFSET);
    }

    /**
     * Whether a PING or PONG is a confirmation, which its sequence tells by {@link #CONFIRMATION_BIT}: such a PING asks to be
     * answered only when all DATA frames before it have been processed, and is no beat. It has this meaning only on a
     * connection where both sides have announced {@link Hello#CAPABILITY_CONFIRM}; elsewhere it is an ordinary one.
     */
    public static boolean isConfirmation(ByteBuf frame) {
        return (sequence(frame) & CONFIRMATION_BIT) != 0;
    }

    /** When the sender's next sign of life is due at the latest, as a PING tells: milliseconds, 0 where it tells nothing. */
    public static long timeToLiveMillis(ByteBuf ping) {
        return ping.getUnsignedInt(ping.readerIndex() + TIME_TO_LIVE_OFFSET);
    }

    /**
     * The payload of a frame: the same buffer, read past its header, with the same reference count. The message of a
     * DATA frame may well be empty.
     */
    public static ByteBuf payload(ByteBuf frame) {
        return frame.skipBytes(HEADER_LENGTH);
    }

    /**
     * Makes a PING.
     *
     * @param sequence what the PONG will return
     * @param timeToLiveMillis until when, from now, the sender will have given its next sign of life: 0 to 4294967295 ms,
     *     0 promises nothing
     * @throws IllegalArgumentException if the time is out of range
     */
    public static ByteBuf ping(ByteBufAllocator allocator, long sequence, long timeToLiveMillis) {
        WireMillis.check("time to live", timeToLiveMillis);
        return frame(allocator, PING_HEADER).writeLong(sequence).writeInt((int) timeToLiveMillis);
    }

    /** Makes a PONG that returns a PING's sequence. */
    public static ByteBuf pong(ByteBufAllocator allocator, long sequence) {
        return frame(allocator, PONG_HEADER).writeLong(sequence);
    }

    /**
     * Makes a DATA frame out of a copy of the message's readable bytes, and releases the message, also when it fails. The
     * caller compares with the peer's {@link Hello#maxPayload()} first. For large messages see {@link #dataHeader}.
     *
     * @throws IllegalArgumentException if the message is longer than {@link Hello#MAX_PAYLOAD}
     */
    public static ByteBuf data(ByteBufAllocator allocator, ByteBuf message) {
        try {
            int length = message.readableBytes();
            return frame(allocator, dataHeaderOf(length)).writeBytes(message, message.readerIndex(), length);
        } finally {
            message.release();
        }
    }

    /**
     * Makes the header of a DATA frame alone: the caller writes it, and then the message itself, with nothing in between.
     * So a large message needs no copy.
     *
     * @param length of the message, in bytes
     * @throws IllegalArgumentException if the length is negative or above {@link Hello#MAX_PAYLOAD}
     */
    public static ByteBuf dataHeader(ByteBufAllocator allocator, int length) {
        return allocator.ioBuffer(HEADER_LENGTH, HEADER_LENGTH).writeLong(dataHeaderOf(length));
    }

    /** A buffer for a frame with its header written. */
    static ByteBuf frame(ByteBufAllocator allocator, long header) {
        int capacity = HEADER_LENGTH + (int) FrameRules.length(header);
        return allocator.ioBuffer(capacity, capacity).writeLong(header);
    }

    /** Refuses a frame of another type: the caller mixed them up. */
    static void expect(FrameType expected, ByteBuf frame) {
        FrameType type = type(frame);
        if (type != expected) {
            throw new IllegalArgumentException("frame type: " + type + " (expected: " + expected + ")");
        }
    }

    private static long dataHeaderOf(int length) {
        if (length < 0 || length > Hello.MAX_PAYLOAD) {
            throw new IllegalArgumentException(
                    "message: " + length + " bytes (expected: at most " + Hello.MAX_PAYLOAD + ")");
        }
        return FrameType.DATA.header(length);
    }
}
