package dev.holdfast.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.time.Duration;

/** Where everything stands in a HELLO, and what its numbers may be. The layout is the same in every version, for ever. */
final class HelloLayout {
    private static final int MAGIC = 0x484F_4C44;
    private static final int MAGIC_OFFSET = 8;
    private static final int LOWEST_VERSION_OFFSET = 12;
    private static final int HIGHEST_VERSION_OFFSET = 13;
    private static final int CAPABILITIES_OFFSET = 16;
    private static final int MINIMUM_SEND_OFFSET = 24;
    private static final int WISHED_RECEIVE_OFFSET = 28;
    private static final int DETECTION_TIME_OFFSET = 32;
    private static final int MAX_PAYLOAD_OFFSET = 36;

    private HelloLayout() {}

    /**
     * Checks the payload of a HELLO without making anything of it; the buffer's readable bytes begin with the frame.
     *
     * @throws ProtocolException naming the number that is out of range
     */
    static void check(ByteBuf frame) {
        int start = frame.readerIndex();
        if (frame.getInt(start + MAGIC_OFFSET) != MAGIC) {
            throw error("magic of HELLO: %s (expected: it to begin with %08x, \"HOLD\")"
                    .formatted(HeaderText.of(frame.getLong(start + MAGIC_OFFSET)), MAGIC));
        }
        int lowest = frame.getUnsignedByte(start + LOWEST_VERSION_OFFSET);
        int highest = frame.getUnsignedByte(start + HIGHEST_VERSION_OFFSET);
        if (lowest < 1 || lowest > highest) {
            throw error("versions of HELLO: %d to %d (expected: from 1 to 255, the lowest first)"
                    .formatted(lowest, highest));
        }
        long maxPayload = frame.getUnsignedInt(start + MAX_PAYLOAD_OFFSET);
        if (maxPayload < Hello.MIN_MAX_PAYLOAD || maxPayload > Hello.MAX_PAYLOAD) {
            throw error("maximum payload of HELLO: %d bytes (expected: %d to %d)"
                    .formatted(maxPayload, Hello.MIN_MAX_PAYLOAD, Hello.MAX_PAYLOAD));
        }
    }

    static Hello read(ByteBuf frame) {
        check(frame);
        int start = frame.readerIndex();
        return Hello.builder()
                .versions(
                        frame.getUnsignedByte(start + LOWEST_VERSION_OFFSET),
                        frame.getUnsignedByte(start + HIGHEST_VERSION_OFFSET))
                .capabilities(frame.getLong(start + CAPABILITIES_OFFSET))
                .minimumSendInterval(millis(frame, start + MINIMUM_SEND_OFFSET))
                .wishedReceiveInterval(millis(frame, start + WISHED_RECEIVE_OFFSET))
                .detectionTime(millis(frame, start + DETECTION_TIME_OFFSET))
                .maxPayload((int) frame.getUnsignedInt(start + MAX_PAYLOAD_OFFSET))
                .build();
    }

    static ByteBuf write(Hello hello, ByteBufAllocator allocator) {
        return Frames.frame(allocator, FrameType.HELLO.header())
                .writeInt(MAGIC)
                .writeByte(hello.lowestVersion())
                .writeByte(hello.highestVersion())
                .writeZero(2)
                .writeLong(hello.capabilities())
                .writeInt((int) hello.minimumSendInterval().toMillis())
                .writeInt((int) hello.wishedReceiveInterval().toMillis())
                .writeInt((int) hello.detectionTime().toMillis())
                .writeInt(hello.maxPayload())
                .writeZero(8);
    }

    private static Duration millis(ByteBuf frame, int index) {
        return Duration.ofMillis(frame.getUnsignedInt(index));
    }

    private static ProtocolException error(String message) {
        return new ProtocolException(CloseReason.PROTOCOL_ERROR, message);
    }
}
