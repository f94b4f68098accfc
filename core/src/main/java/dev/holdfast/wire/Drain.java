package dev.holdfast.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.time.Duration;

/**
 * A DRAIN: the request to finish what is under way and to move to another connection within a span. Immutable.
 *
 * @param code the reason's number, 0 to 65535, also one that {@link DrainReason} does not know
 * @param span how long the peer has: whole milliseconds up to 4294967295, zero for at once
 */
public record Drain(int code, Duration span) {
    /** @throws IllegalArgumentException if the code or the span is out of range, or no whole number of milliseconds */
    public Drain {
        Codes.check("code of DRAIN", code);
        WireMillis.check("span", span, WireMillis.MAX);
    }

    /** A DRAIN for one of the reasons of this version. */
    public static Drain of(DrainReason reason, Duration span) {
        return new Drain(reason.code(), span);
    }

    /** The reason, {@link DrainReason#UNKNOWN} where the code has none. */
    public DrainReason reason() {
        return DrainReason.of(code);
    }

    /**
     * Reads a DRAIN, and leaves the buffer as it is.
     *
     * @param frame as {@link FrameDecoder} passes it on
     * @throws IllegalArgumentException if the frame is of another type
     */
    public static Drain read(ByteBuf frame) {
        Frames.expect(FrameType.DRAIN, frame);
        return new Drain(Codes.code(frame), Duration.ofMillis(Codes.millis(frame)));
    }

    /** Writes it into a new buffer, which belongs to the caller. */
    public ByteBuf write(ByteBufAllocator allocator) {
        return Codes.write(allocator, FrameType.DRAIN, code, span.toMillis());
    }
}
