package dev.holdfast.verdict;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * The probes that nothing answered.
 *
 * @param newest the number of the newest, among all beats of the connection, from 1
 * @param unanswered how many in a row
 * @param timeout how long each was given
 * @param lateness how long after its due time the newest left
 * @param acknowledgedAfter after what time the peer's kernel acknowledged the newest, to the millisecond; empty if it did
 *     not, or cannot be asked
 */
public record Probes(
        long newest, int unanswered, Duration timeout, Duration lateness, Optional<Duration> acknowledgedAfter) {
    /** A beat that leaves so little late is on time: the timer's longest step is 100 ms. */
    static final int ON_TIME_MILLIS = 100;

    /** Checks that nothing is null. */
    public Probes {
        Objects.requireNonNull(timeout, "timeout");
        Objects.requireNonNull(lateness, "lateness");
        Objects.requireNonNull(acknowledgedAfter, "acknowledgedAfter");
    }
}
