package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatProtocol;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.Supplier;

/** {@code --protocol}: what a beat looks like on the wire. */
final class BeatProtocol {
    static final String CHOICES = "framed, bytes:01/41, line:PING/PONG or none";

    /** What the connection carries. */
    enum Form {
        /** Bytes, among which beats may stand anywhere. */
        BYTES,
        /** Lines, some of which are beats. */
        LINES,
        /** Frames of Holdfast's own protocol, a message for each line. */
        FRAMES
    }

    private static final BeatProtocol NONE = new BeatProtocol(new Nothing(), Form.BYTES, Optional.empty());
    private static final BeatProtocol FRAMED =
            new BeatProtocol(HeartbeatProtocol.framed(), Form.FRAMES, Optional.empty());

    private final HeartbeatProtocol beats;
    private final Form form;
    private final Optional<Supplier<BeatCutter>> cutters;

    private BeatProtocol(HeartbeatProtocol beats, Form form, Optional<Supplier<BeatCutter>> cutters) {
        this.beats = beats;
        this.form = form;
        this.cutters = cutters;
    }

    static BeatProtocol framed() {
        return FRAMED;
    }

    static BeatProtocol none() {
        return NONE;
    }

    /**
     * Reads what stands on the command line.
     *
     * @throws IllegalArgumentException naming value and rule
     */
    static BeatProtocol parse(String text) {
        if (text.startsWith("bytes:")) {
            return bytes(text, pair(text, "bytes:"));
        }
        if (text.startsWith("line:")) {
            String[] pair = pair(text, "line:");
            if (text.chars().anyMatch(Character::isISOControl)) {
                throw expected(EventLog.printable(text), "line:PING/PONG without control characters");
            }
            return new BeatProtocol(HeartbeatProtocol.line(pair[0], pair[1]), Form.LINES, Optional.empty());
        }
        return switch (text) {
            case "none" -> NONE;
            case "framed" -> FRAMED;
            default -> throw expected(EventLog.printable(text), CHOICES);
        };
    }

    private static BeatProtocol bytes(String text, String[] pair) {
        byte[] ping = hex(text, pair[0]);
        byte[] pong = hex(text, pair[1]);
        if (beginsWith(ping, pong) || beginsWith(pong, ping)) {
            throw expected(text, "neither of them the beginning of the other, or nobody could tell which has come");
        }
        return new BeatProtocol(
                HeartbeatProtocol.frame(ping, pong), Form.BYTES, Optional.of(() -> new BeatCutter(ping, pong)));
    }

    private static String[] pair(String text, String form) {
        String[] pair = text.substring(form.length()).split("/", -1);
        if (pair.length != 2 || pair[0].isEmpty() || pair[1].isEmpty() || pair[0].equals(pair[1])) {
            throw expected(
                    EventLog.printable(text),
                    "two different values with one slash between them, as bytes:01/41 or line:PING/PONG");
        }
        return pair;
    }

    private static byte[] hex(String text, String digits) {
        try {
            return HexFormat.of().parseHex(digits);
        } catch (IllegalArgumentException bad) {
            throw expected(EventLog.printable(text), "pairs of hex digits on each side, as bytes:01/41");
        }
    }

    private static boolean beginsWith(byte[] whole, byte[] beginning) {
        return whole.length >= beginning.length
                && HexFormat.of().formatHex(whole).startsWith(HexFormat.of().formatHex(beginning));
    }

    private static IllegalArgumentException expected(String text, String rule) {
        return new IllegalArgumentException("'" + text + "' (expected: " + rule + ")");
    }

    boolean isFramed() {
        return this == FRAMED;
    }

    boolean isNone() {
        return this == NONE;
    }

    Form form() {
        return form;
    }

    /** Whether only whole lines may be sent: a beat must not come to stand within one, or each is a message. */
    boolean takesWholeLines() {
        return form != Form.BYTES;
    }

    /** The beats themselves. */
    HeartbeatProtocol beats() {
        return beats;
    }

    /** What makes frames of the beats in a stream; a new one for each channel. */
    Optional<BeatCutter> cutter() {
        return cutters.map(Supplier::get);
    }

    /** No beats in either direction: whatever the peer sends is its sign of life. */
    private static final class Nothing implements HeartbeatProtocol {
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
            return Unpooled.EMPTY_BUFFER;
        }

        @Override
        public Object pong(Object ping, ByteBufAllocator allocator) {
            return Unpooled.EMPTY_BUFFER;
        }
    }
}
