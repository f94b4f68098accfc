package dev.holdfast.wire;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Reads a whole stream straight from the specification, with nothing of the decoder's code: slow and simple. */
final class Oracle {
    private static final int[] SIZES = {-1, 40, 12, 8, -1, 8, 8};

    private final ByteBuffer stream;
    private final int maxPayload;
    private final List<String> seen = new ArrayList<>();

    private Oracle(byte[] stream, int maxPayload) {
        this.stream = ByteBuffer.wrap(stream);
        this.maxPayload = maxPayload;
    }

    /** What a receiver sees of a stream. */
    static List<String> read(byte[] stream, int maxPayload) {
        var oracle = new Oracle(stream, maxPayload);
        String end = oracle.frames();
        if (!end.isEmpty()) {
            oracle.seen.add(end);
        }
        return oracle.seen;
    }

    /** Reads all frames, and returns how it ends: an error, {@code incomplete} or nothing. */
    private String frames() {
        boolean first = true;
        while (stream.hasRemaining()) {
            if (stream.remaining() < 8) {
                return "incomplete";
            }
            long length = stream.getInt() & 0xFFFF_FFFFL;
            int type = stream.get() & 0xFF;
            int flags = stream.get() & 0xFF;
            int reserved = stream.getShort();
            String error = headerError(first, length, type, flags, reserved);
            if (!error.isEmpty()) {
                return error;
            }
            if (stream.remaining() < length) {
                return "incomplete";
            }
            byte[] payload = new byte[(int) length];
            stream.get(payload);
            if (first && !helloIsFine(ByteBuffer.wrap(payload))) {
                return "error PROTOCOL_ERROR";
            }
            if (type >= 1 && type <= 6) {
                seen.add(text(type, payload));
            }
            if (type == 6) {
                return "";
            }
            first = false;
        }
        return "";
    }

    private String headerError(boolean first, long length, int type, int flags, int reserved) {
        boolean known = type >= 1 && type <= 6;
        if (reserved != 0 || flags > 1 || known == (flags == 1) || first != (type == 1)) {
            return "error PROTOCOL_ERROR";
        }
        if (known && type != 4) {
            return length == SIZES[type] ? "" : "error PROTOCOL_ERROR";
        }
        return length <= maxPayload ? "" : "error FRAME_TOO_LARGE";
    }

    private static boolean helloIsFine(ByteBuffer hello) {
        int lowest = hello.get(4) & 0xFF;
        int highest = hello.get(5) & 0xFF;
        long max = hello.getInt(28) & 0xFFFF_FFFFL;
        return hello.getInt(0) == 0x484F4C44 && lowest >= 1 && lowest <= highest && max >= 1024 && max <= 1 << 30;
    }

    private static String text(int type, byte[] bytes) {
        ByteBuffer payload = ByteBuffer.wrap(bytes);
        return switch (type) {
            case 1 ->
                "HELLO versions=" + (payload.get(4) & 0xFF) + "-" + (payload.get(5) & 0xFF)
                        + " capabilities=0x" + Long.toHexString(payload.getLong(8))
                        + " send=" + unsigned(payload, 16)
                        + " receive=" + unsigned(payload, 20)
                        + " detection=" + unsigned(payload, 24)
                        + " max-payload=" + unsigned(payload, 28);
            case 2 -> "PING " + Long.toUnsignedString(payload.getLong()) + " ttl=" + unsigned(payload, 8);
            case 3 -> "PONG " + Long.toUnsignedString(payload.getLong());
            case 4 -> ("DATA " + HexFormat.of().formatHex(bytes)).strip();
            case 5 -> "DRAIN code=" + (payload.getShort() & 0xFFFF) + " span=" + unsigned(payload, 4);
            default ->
                "CLOSE code=" + (payload.getShort() & 0xFFFF) + " reconnect="
                        + (payload.getInt(4) == -1 ? "never" : String.valueOf(unsigned(payload, 4)));
        };
    }

    private static long unsigned(ByteBuffer payload, int index) {
        return payload.getInt(index) & 0xFFFF_FFFFL;
    }
}
