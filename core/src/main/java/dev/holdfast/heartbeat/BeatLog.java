package dev.holdfast.heartbeat;

import dev.holdfast.verdict.LastBeat;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The last beats of one connection in a plain array, four bytes a beat and sixteen more: a server keeps one for every idle
 * connection, and looks at it when somebody dies. Pure functions on the array.
 *
 * <p>Of the newest beat it holds when exactly it left, when it was due, and what our own stalls came to by then; of each
 * beat the gap between its due time and the one before it, its lateness and its round-trip time. Those are packed as floating-point
 * numbers with an exponent of five bits, in units of 100 us (gap) and 1 us, rounded down. A beat's place is its sequence
 * number modulo their number.
 */
final class BeatLog {
    private static final int SENT = 0;
    private static final int LATE_MICROS = 2;
    private static final int STALLED_MILLIS = 3;
    private static final int HEAD = 4;

    private static final int NANOS_PER_MICRO = 1_000;
    private static final int NANOS_PER_MILLI = 1_000_000;
    private static final int NANOS_PER_GAP_UNIT = 100_000;

    // an entry is gap, lateness, round-trip time, from the top; their widths, five bits of each being the exponent
    private static final int EXPONENT_BITS = 5;
    private static final int MAX_EXPONENT = (1 << EXPONENT_BITS) - 1;
    private static final int GAP_BITS = 12;
    private static final int LATE_BITS = 10;
    private static final int TRIP_BITS = 10;
    private static final int GAP_SHIFT = LATE_BITS + TRIP_BITS;
    private static final int MAX_LATE = (1 << LATE_BITS) - 1;
    private static final int UNANSWERED = (1 << TRIP_BITS) - 1;

    private BeatLog() {}

    /** A log for so many beats; with none it still knows the newest. */
    static int[] create(int beats) {
        return new int[HEAD + beats];
    }

    /** A beat has left. Times on the monotonic clock. */
    static void onSent(int[] log, int sequence, long now, long latenessNanos, long stalledNanos) {
        long gap = sequence == 1 ? 0 : now - latenessNanos - (sentNanos(log) - lateNanos(log));
        log[SENT] = (int) (now >> 32);
        log[SENT + 1] = (int) now;
        log[LATE_MICROS] = (int) Math.min(Integer.MAX_VALUE, latenessNanos / NANOS_PER_MICRO);
        log[STALLED_MILLIS] = (int) (stalledNanos / NANOS_PER_MILLI);
        int beats = log.length - HEAD;
        if (beats > 0) {
            log[place(sequence, beats)] = (pack(Math.max(0, gap) / NANOS_PER_GAP_UNIT, GAP_BITS) << GAP_SHIFT)
                    | (pack(log[LATE_MICROS], LATE_BITS) << TRIP_BITS)
                    | UNANSWERED;
        }
    }

    /** The newest beat was answered. */
    static void onAnswer(int[] log, int sequence, long roundTripNanos) {
        int beats = log.length - HEAD;
        if (beats > 0) {
            int answer = Math.min(UNANSWERED - 1, pack(roundTripNanos / NANOS_PER_MICRO, TRIP_BITS));
            int place = place(sequence, beats);
            log[place] = (log[place] & ~UNANSWERED) | answer;
        }
    }

    /** When the newest left, on the monotonic clock. */
    static long sentNanos(int[] log) {
        return ((long) log[SENT] << 32) | (log[SENT + 1] & 0xFFFF_FFFFL);
    }

    /** How long after its due time the newest left, to the microsecond. */
    static long lateNanos(int[] log) {
        return (long) log[LATE_MICROS] * NANOS_PER_MICRO;
    }

    /** The time since the newest left, without our own stalls since then. */
    static long roundTripNanos(int[] log, long now, long stalledNanos) {
        int stalled = (int) (stalledNanos / NANOS_PER_MILLI) - log[STALLED_MILLIS];
        return Math.max(0, now - sentNanos(log) - (long) stalled * NANOS_PER_MILLI);
    }

    /** What a verdict at this time has behind it, the newest first. */
    static List<LastBeat> beats(int[] log, int sequence, long now) {
        int beats = log.length - HEAD;
        List<LastBeat> last = new ArrayList<>();
        long due = now - sentNanos(log) + lateNanos(log);
        long kept = Math.min(beats, Integer.toUnsignedLong(sequence));
        for (int before = 0; before < kept; before++) {
            int entry = log[place(sequence - before, beats)];
            int trip = entry & UNANSWERED;
            last.add(new LastBeat(
                    Duration.ofNanos(due),
                    micros(unpack((entry >>> TRIP_BITS) & MAX_LATE, LATE_BITS)),
                    trip == UNANSWERED ? Optional.empty() : Optional.of(micros(unpack(trip, TRIP_BITS)))));
            due += unpack(entry >>> GAP_SHIFT, GAP_BITS) * NANOS_PER_GAP_UNIT;
        }
        return last;
    }

    private static Duration micros(long micros) {
        return Duration.ofNanos(micros * NANOS_PER_MICRO);
    }

    private static int place(int sequence, int beats) {
        return HEAD + Integer.remainderUnsigned(sequence, beats);
    }

    /**
     * Exponent above, mantissa below; the mantissa's leading one is left out, as IEEE 754 does, and so are small numbers told
     * exactly. What is too large becomes the largest.
     */
    static int pack(long value, int bits) {
        int mantissaBits = bits - EXPONENT_BITS;
        int exponent = 64 - Long.numberOfLeadingZeros(value) - mantissaBits;
        if (exponent <= 0) {
            return (int) value;
        }
        int leadingOne = 1 << mantissaBits;
        int mantissa = (int) (value >>> (exponent - 1)) - leadingOne;
        return exponent > MAX_EXPONENT ? (1 << bits) - 1 : (exponent << mantissaBits) | mantissa;
    }

    static long unpack(int packed, int bits) {
        int mantissaBits = bits - EXPONENT_BITS;
        int leadingOne = 1 << mantissaBits;
        int exponent = packed >>> mantissaBits;
        long mantissa = packed & (leadingOne - 1);
        return exponent == 0 ? mantissa : (mantissa + leadingOne) << (exponent - 1);
    }
}
