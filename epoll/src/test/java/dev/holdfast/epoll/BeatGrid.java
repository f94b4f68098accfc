package dev.holdfast.epoll;

import java.util.Comparator;
import java.util.List;

/**
 * The grid that beats tell of: each was due at {@code phase + k * interval}, with the phase within these bounds. They
 * contradict one another if the grid was not kept.
 */
record BeatGrid(long anchorNanos, long intervalNanos, long earliest, long latest) {
    static BeatGrid of(List<WireBeat> beats, long intervalNanos) {
        long anchor = beats.stream()
                .filter(beat -> !beat.stalled())
                .min(Comparator.comparingLong(WireBeat::roundTripNanos))
                .orElseThrow()
                .dueAtEarliest();
        long earliest = Long.MIN_VALUE;
        long latest = Long.MAX_VALUE;
        for (WireBeat beat : beats) {
            long steps = index(anchor, beat, intervalNanos) * intervalNanos;
            latest = Math.min(latest, beat.dueAtLatest() - steps);
            if (!beat.stalled()) {
                earliest = Math.max(earliest, beat.dueAtEarliest() - steps);
            }
        }
        return new BeatGrid(anchor, intervalNanos, earliest, latest);
    }

    /** Rounded down, for what is known of a due time errs to the late side, by less than an interval. */
    private static long index(long anchor, WireBeat beat, long interval) {
        return Math.floorDiv(beat.dueAtLatest() - anchor, interval);
    }

    boolean isKept() {
        return earliest - latest <= 0;
    }

    /** Which grid point the beat was due at. */
    long index(WireBeat beat) {
        return index(anchorNanos, beat, intervalNanos);
    }

    /** The first grid point that lies behind a time. */
    long indexAfter(long nanos) {
        return Math.floorDiv(nanos - latest, intervalNanos) + 1;
    }

    /** When a grid point is at the earliest. */
    long earliest(long index) {
        return earliest + index * intervalNanos;
    }

    /** When a grid point is at the latest. */
    long latest(long index) {
        return latest + index * intervalNanos;
    }
}
