package dev.holdfast.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.time.Duration;
import java.util.Optional;

/**
 * A CLOSE: the last frame of a side, which sends nothing after it. Immutable.
 *
 * @param code the reason's number, 0 to 65535, also one that {@link CloseReason} does not know
 * @param reconnectAfter how long the peer should wait before it connects again: zero for at once, empty for not again;
 *     whole milliseconds up to 4294967294
 */
public record Close(int code, Optional<Duration> reconnectAfter) {
    private static final long NOT_AGAIN = 0xFFFF_FFFFL;

    /** @throws IllegalArgumentException if the code or the time is out of range, or no whole number of milliseconds */
    public Close {
        Codes.check("code of CLOSE", code);
        reconnectAfter.ifPresent(after -> WireMillis.check("reconnect after", after, NOT_AGAIN - 1));
    }

    /** A CLOSE after which the peer may connect again when the time has passed. */
    public static Close of(CloseReason reason, Duration reconnectAfter) {
        return new Close(reason.code(), Optional.of(reconnectAfter));
    }

    /** A CLOSE after which the peer should not connect again. */
    public static Close forGood(CloseReason reason) {
        return new Close(reason.code(), Optional.empty());
    }

    /** The reason, {@link CloseReason#UNKNOWN} where the code has none. */
    public CloseReason reason() {
        return CloseReason.of(code);
    }

    /**
     * Reads a CLOSE, and leaves the buffer as it is.
     *
     * @param frame as {@link FrameDecoder} passes it on
     * @throws IllegalArgumentException if the frame is of another type
     */
    public static Close read(ByteBuf frame) {
        Frames.expect(FrameType.CLOSE, frame);
        long millis = Codes.millis(frame);
        return new Close(
                Codes.code(frame), millis == NOT_AGAIN ? Optional.empty() : Optional.of(Duration.ofMillis(millis)));
    }

    /** Writes it into a new buffer, which belongs to the caller. */
    public ByteBuf write(ByteBufAllocator allocator) {
        long millis = reconnectAfter.map(Duration::toMillis).orElse(NOT_AGAIN);
        return Codes.write(allocator, FrameType.CLOSE, code, millis);
    }
}
