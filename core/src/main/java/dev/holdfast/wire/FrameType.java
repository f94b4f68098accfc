package dev.holdfast.wire;

import org.jspecify.annotations.Nullable;

/** The kinds of frame that version 1 of the protocol knows. */
public enum FrameType {
    /** The first frame of each side: versions, capabilities, beat intervals, maximum payload. */
    HELLO(1, 40),
    /** A beat: a sequence and the time until the sender's next sign of life. */
    PING(2, 12),
    /** The answer to a PING: its sequence. */
    PONG(3, 8),
    /** A message of the application. */
    DATA(4, FrameType.ANY_LENGTH),
    /** The request to move away within a span. */
    DRAIN(5, 8),
    /** The last frame of a side: why it closes, and when to come back. */
    CLOSE(6, 8);

    private static final int ANY_LENGTH = -1;
    private static final FrameType[] BY_CODE = {null, HELLO, PING, PONG, DATA, DRAIN, CLOSE};

    private final int code;
    private final int payloadLength;

    FrameType(int code, int payloadLength) {
        this.code = code;
        this.payloadLength = payloadLength;
    }

    /** The type's number, as it stands in the header. */
    public int code() {
        return code;
    }

    /** The type of a number from 0 to 255, or null where version 1 assigns none. */
    static @Nullable FrameType find(int code) {
        return code < BY_CODE.length ? BY_CODE[code] : null;
    }

    /** Whether the payload has one length only; DATA has not. */
    boolean isFixedSize() {
        return payloadLength != ANY_LENGTH;
    }

    /** The length of the payload, in bytes, of a type with a fixed size. */
    int payloadLength() {
        return payloadLength;
    }

    /** The header of a frame of this type: the eight bytes as one number. */
    long header(int length) {
        return ((long) length << 32) | ((long) code << 24);
    }

    /** The header of a frame of this type, which has a fixed size. */
    long header() {
        return header(payloadLength);
    }
}
