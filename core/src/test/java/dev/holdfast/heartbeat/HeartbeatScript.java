package dev.holdfast.heartbeat;

import dev.holdfast.heartbeat.HeartbeatProtocol.Answering;
import io.netty.buffer.ByteBufAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What happens to one machine, as text for people and as bytes for a fuzzer. Two lines of text begin it, one event a line
 * follows:
 *
 * <pre>
 * WHEN_QUIET ANSWERED interval 1000 timeout 200 attempts 2
 * clock 9223372036854775000
 * start interval
 * pass due-1ns
 * next
 * </pre>
 *
 * @param base the monotonic clock when it begins
 */
record HeartbeatScript(
        HeartbeatMode mode,
        Answering answering,
        int interval,
        int timeout,
        int attempts,
        long base,
        List<Event> events) {
    private static final List<HeartbeatMode> MODES = List.of(HeartbeatMode.values());
    private static final int[] MILLIS = {10, 11, 20, 200, 536, 537, 1000, 15_000, 3_600_000, Integer.MAX_VALUE};
    private static final int[] ATTEMPTS = {1, 2, 3, 100};
    private static final long[] CLOCKS = {
        0,
        -1,
        -1_500_000_000,
        Long.MAX_VALUE,
        Long.MAX_VALUE - 1_500_000_000,
        Long.MIN_VALUE,
        Integer.MAX_VALUE * 1_000_000L - 1,
        0x1234_5678_9abc_def0L
    };
    /** As often as they make something happen: time and questions, mostly, and the end only now and then. */
    private static final List<What> KINDS = Stream.of(
                    Collections.nCopies(24, What.NEXT),
                    Collections.nCopies(20, What.PASS),
                    Collections.nCopies(6, What.STALL),
                    Collections.nCopies(3, What.ANSWER),
                    Collections.nCopies(2, What.MESSAGE),
                    Collections.nCopies(2, What.EXCUSED),
                    List.of(What.FRESH, What.ASK, What.START, What.STOP, What.DEATH))
            .flatMap(List::stream)
            .toList();

    private static final List<Unit> UNITS =
            List.of(Unit.DUE, Unit.DUE, Unit.DUE, Unit.TICK, Unit.TIMEOUT, Unit.INTERVAL, Unit.MS, Unit.NS);
    private static final int HEADER_LENGTH = 6;
    private static final Pattern HEADER =
            Pattern.compile("(\\w+) (\\w+) interval (\\d+) timeout (\\d+) attempts (\\d+)\nclock (-?\\d+)");
    private static final Pattern EVENT =
            Pattern.compile("(\\w+)(?: (\\d*)(ns|ms|tick|timeout|interval|due)([+-]\\d+ns)?)?");

    /** What can happen. */
    enum What {
        /** Begins; the span is the first beat's phase. */
        START,
        STOP,
        /** Time goes on for a span, in which the loop runs. */
        PASS,
        /** Time goes on for a span, in which it doesn't. */
        STALL,
        /** The machine is asked, and what it says is done, until it says NONE; but judgements wait. */
        NEXT,
        /** The machine is asked, and nothing is done: its caller was interrupted. */
        ASK,
        /** An answer comes in. */
        ANSWER,
        /** Application bytes come in. */
        MESSAGE,
        EXCUSED,
        FRESH,
        DEATH;

        boolean hasSpan() {
            return this == START || this == PASS || this == STALL;
        }
    }

    /** What spans of time are counted in. DUE is what is left until the machine wants to be woken up. */
    enum Unit {
        NS,
        MS,
        TICK,
        TIMEOUT,
        INTERVAL,
        DUE
    }

    /** A number of units, and a few nanoseconds more or less. */
    record Span(int count, Unit unit, int more) {
        @Override
        public String toString() {
            String whole = (count == 1 ? "" : count) + unit.name().toLowerCase(Locale.ROOT);
            return more == 0 ? whole : String.format("%s%+dns", whole, more);
        }
    }

    /** One event; events without a span have one of nothing. */
    record Event(What kind, Span span) {
        private static final Span NOTHING = new Span(0, Unit.NS, 0);

        @Override
        public String toString() {
            String name = kind.name().toLowerCase(Locale.ROOT);
            return kind.hasSpan() ? name + " " + span : name;
        }
    }

    HeartbeatSettings settings() {
        HeartbeatOptions options = HeartbeatOptions.builder()
                .interval(Duration.ofMillis(interval))
                .timeout(Duration.ofMillis(timeout))
                .attempts(attempts)
                .mode(mode)
                .build();
        HeartbeatProtocol answered = HeartbeatProtocol.frame(0x01, 0x41);
        HeartbeatProtocol protocol = answering == Answering.ANSWERED ? answered : new OneWay(answered);
        return new HeartbeatSettings(protocol, options, (channel, event) -> {});
    }

    HeartbeatScript with(List<Event> others) {
        return new HeartbeatScript(mode, answering, interval, timeout, attempts, base, others);
    }

    /** Reads the text. Empty lines, and lines that begin with a #, say nothing. */
    static HeartbeatScript parse(String text) {
        List<String> lines = text.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .toList();
        Matcher header = match(HEADER, lines.get(0) + "\n" + lines.get(1));
        return new HeartbeatScript(
                HeartbeatMode.valueOf(header.group(1)),
                Answering.valueOf(header.group(2)),
                Integer.parseInt(header.group(3)),
                Integer.parseInt(header.group(4)),
                Integer.parseInt(header.group(5)),
                Long.parseLong(header.group(6)),
                lines.stream().skip(2).map(HeartbeatScript::event).toList());
    }

    private static Event event(String line) {
        Matcher parts = match(EVENT, line);
        What kind = What.valueOf(parts.group(1).toUpperCase(Locale.ROOT));
        if (kind.hasSpan() != (parts.group(3) != null)) {
            throw new IllegalArgumentException(line);
        }
        if (!kind.hasSpan()) {
            return new Event(kind, Event.NOTHING);
        }
        int count = parts.group(2).isEmpty() ? 1 : Integer.parseInt(parts.group(2));
        String more = parts.group(4) == null ? "0ns" : parts.group(4);
        Unit unit = Unit.valueOf(parts.group(3).toUpperCase(Locale.ROOT));
        return new Event(kind, new Span(count, unit, Integer.parseInt(more.substring(0, more.length() - 2))));
    }

    private static Matcher match(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(text);
        }
        return matcher;
    }

    /** Any bytes are a script: six of settings, then two for each event after the start. */
    static HeartbeatScript of(byte[] bytes) {
        byte[] input = bytes.length < HEADER_LENGTH ? Arrays.copyOf(bytes, HEADER_LENGTH) : bytes;
        List<Event> events = new ArrayList<>();
        events.add(new Event(What.START, new Span(1, Unit.INTERVAL, 0)));
        for (int i = HEADER_LENGTH; i + 1 < input.length; i += 2) {
            events.add(event(input[i] & 0xFF, input[i + 1] & 0xFF));
        }
        return new HeartbeatScript(
                MODES.get((input[0] & 0xFF) % MODES.size()),
                (input[1] & 1) == 0 ? Answering.ANSWERED : Answering.ONE_WAY,
                MILLIS[(input[2] & 0xFF) % MILLIS.length],
                MILLIS[(input[3] & 0xFF) % MILLIS.length],
                ATTEMPTS[(input[4] & 0xFF) % ATTEMPTS.length],
                CLOCKS[(input[5] & 0xFF) % CLOCKS.length],
                events);
    }

    private static Event event(int kind, int span) {
        What which = KINDS.get(kind % KINDS.size());
        Unit unit = UNITS.get(span % UNITS.size());
        int count = span / 8 % 4;
        return new Event(which, which.hasSpan() ? new Span(count, unit, span / 32 % 3 - 1) : Event.NOTHING);
    }

    /** The text that {@link #parse} reads. */
    @Override
    public String toString() {
        String head =
                mode + " " + answering + " interval " + interval + " timeout " + timeout + " attempts " + attempts;
        return Stream.concat(Stream.of(head, "clock " + base), events.stream().map(Event::toString))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    /** The same beats, but nobody answers. */
    private record OneWay(HeartbeatProtocol beats) implements HeartbeatProtocol {
        @Override
        public Answering answering() {
            return Answering.ONE_WAY;
        }

        @Override
        public Kind classify(Object message) {
            return beats.classify(message);
        }

        @Override
        public Object ping(long sequence, ByteBufAllocator allocator) {
            return beats.ping(sequence, allocator);
        }

        @Override
        public Object pong(Object ping, ByteBufAllocator allocator) {
            throw new AssertionError();
        }
    }
}
