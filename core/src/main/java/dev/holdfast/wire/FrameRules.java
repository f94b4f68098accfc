package dev.holdfast.wire;

import org.jspecify.annotations.Nullable;

/**
 * The rules for what one side may send, and in which order: a machine fed with the header of each frame, before anything
 * of its payload is waited for.
 *
 * <p>A header is eight bytes, taken as one number: length (u32), type (u8), flags (u8), two reserved bytes.
 */
final class FrameRules {
    /** The flag of a frame that a receiver who doesn't know its type may skip. */
    static final int OPTIONAL = 0x01;

    /** All flags but OPTIONAL, and the two reserved bytes. */
    private static final long RESERVED_BITS = 0x00FE_FFFFL;

    private static final long OPTIONAL_BIT = (long) OPTIONAL << 16;

    /** Where the peer's half of the connection stands. */
    enum State {
        /** Nothing has come yet; HELLO must. */
        AWAITING_HELLO,
        /** HELLO has come; everything but a second one may. */
        OPEN,
        /** The header of a CLOSE has come; whatever follows that frame is not looked at. Terminal. */
        CLOSED,
        /** A rule was broken; whatever follows is not looked at. Terminal. */
        FAILED
    }

    /** What becomes of a frame whose header is in order. */
    enum Action {
        /** The frame is passed on when it is complete. */
        DELIVER,
        /** The frame is counted down as it comes, and nobody sees it. */
        SKIP
    }

    /** What our HELLO announced. */
    private final int maxPayload;
    /** What is accepted at present. */
    private int limit;

    private State state = State.AWAITING_HELLO;

    FrameRules(int maxPayload) {
        this.maxPayload = maxPayload;
        this.limit = maxPayload;
    }

    void limitPayload(int bytes) {
        if (bytes < Hello.MIN_MAX_PAYLOAD || bytes > maxPayload) {
            throw new IllegalArgumentException("payload limit: " + bytes + " bytes (expected: " + Hello.MIN_MAX_PAYLOAD
                    + " to " + maxPayload + ", the maximum payload of our HELLO)");
        }
        limit = bytes;
    }

    /** The length of the payload that a header announces, in bytes. */
    static long length(long header) {
        return header >>> 32;
    }

    static int typeCode(long header) {
        return (int) (header >>> 24) & 0xFF;
    }

    State state() {
        return state;
    }

    /** Whether no further header is looked at. */
    boolean isOver() {
        return state == State.CLOSED || state == State.FAILED;
    }

    /**
     * The header of the next frame has come.
     *
     * @throws ProtocolException if it breaks a rule; {@link #onFailure} is the caller's next call
     */
    Action onHeader(long header) {
        return switch (state) {
            case AWAITING_HELLO -> onFirstHeader(header);
            case OPEN -> onLaterHeader(header);
            case CLOSED, FAILED -> throw new IllegalStateException("a header in state " + state);
        };
    }

    /** A rule was broken, in a header or in a payload. */
    void onFailure() {
        state = State.FAILED;
    }

    private Action onFirstHeader(long header) {
        if (header != FrameType.HELLO.header()) {
            throw error("first frame: %s (expected: HELLO, %s)"
                    .formatted(HeaderText.of(header), HeaderText.hex(FrameType.HELLO.header())));
        }
        state = State.OPEN;
        return Action.DELIVER;
    }

    private Action onLaterHeader(long header) {
        if ((header & RESERVED_BITS) != 0) {
            throw error("reserved bits of the header: %s (expected: 0)".formatted(HeaderText.of(header)));
        }
        FrameType type = FrameType.find(typeCode(header));
        boolean optional = (header & OPTIONAL_BIT) != 0;
        if (type == null) {
            return onUnknown(header, optional);
        }
        if (optional) {
            throw error(
                    "flag OPTIONAL on %s: %s (expected: on unknown types only)".formatted(type, HeaderText.of(header)));
        }
        return onKnown(type, length(header));
    }

    private Action onUnknown(long header, boolean optional) {
        if (!optional) {
            throw error("frame type: %d, not optional, in %s (expected: 1 to 6, or the flag OPTIONAL)"
                    .formatted(typeCode(header), HeaderText.of(header)));
        }
        checkLimit(null, length(header));
        return Action.SKIP;
    }

    private Action onKnown(FrameType type, long length) {
        if (type == FrameType.HELLO) {
            throw error("second HELLO (expected: one, as the first frame)");
        }
        if (!type.isFixedSize()) {
            checkLimit(type, length);
        } else if (length != type.payloadLength()) {
            throw error("length of %s: %d bytes (expected: %d, its size is fixed)"
                    .formatted(type, length, type.payloadLength()));
        }
        if (type == FrameType.CLOSE) {
            state = State.CLOSED;
        }
        return Action.DELIVER;
    }

    private void checkLimit(@Nullable FrameType type, long length) {
        if (length > limit) {
            throw new ProtocolException(
                    CloseReason.FRAME_TOO_LARGE,
                    "length of %s: %d bytes (expected: at most %d, %s)"
                            .formatted(
                                    type == null ? "an unknown frame" : type,
                                    length,
                                    limit,
                                    limit == maxPayload
                                            ? "the maximum payload of our HELLO"
                                            : "the limit for the time being"));
        }
    }

    private static ProtocolException error(String message) {
        return new ProtocolException(CloseReason.PROTOCOL_ERROR, message);
    }
}
