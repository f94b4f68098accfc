package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatProtocol;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.Supplier;

/** {@code --protocol}: what a beat looks like on the wire. */
final class BeatProtocol {
    static final String CHOICES = "bytes:01/41, line:PING/PONG or none";

    private static final BeatProtocol NONE = new BeatProtocol(new Nothing(), false, Optional.empty());

    private final HeartbeatProtocol beats;
    private final boolean ofLines;
    private final Optional<Supplier<BeatCutter>> cutters;

    private BeatProtocol(HeartbeatProtocol beats, boolean ofLines, Optional<Supplier<BeatCutter>> cutters) {
        this.beats = beats;
        this.ofLines = ofLines;
        this.cutters = cutters;
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
            return new BeatProtocol(HeartbeatProtocol.line(pair[0], pair[1]), true, Optional.empty());
        }
        return switch (text) {
            case "none" -> NONE;
            case "framed" -> throw expected(text, CHOICES + "; framed is not spoken by this version's command line");
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
                HeartbeatProtocol.frame(ping, pong), false, Optional.of(() -> new BeatCutter(ping, pong)));
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

    boolean isNone() {
        return this == NONE;
    }

    /** Whether beats are lines, so that nothing of ours may stand on one with them. */
    boolean isOfLines() {
        return ofLines;
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
