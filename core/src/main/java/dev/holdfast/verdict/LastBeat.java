package dev.holdfast.verdict;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * One of the last beats before a death. Kept packed while the connection lives: durations are rounded down, the due time by
 * up to a hundredth of the time to the next beat, the others by up to a thirtieth.
 *
 * @param due how long before the verdict it was due
 * @param lateness how long after its due time it left
 * @param roundTrip from then to its answer; empty if none came that could be matched to it
 */
public record LastBeat(Duration due, Duration lateness, Optional<Duration> roundTrip) {
    /** Checks that nothing is null. */
    public LastBeat {
        Objects.requireNonNull(due, "due");
        Objects.requireNonNull(lateness, "lateness");
        Objects.requireNonNull(roundTrip, "roundTrip");
    }
}
