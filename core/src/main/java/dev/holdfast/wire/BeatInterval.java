package dev.holdfast.wire;

import java.time.Duration;

/**
 * How often one side beats to the other, and how often the other wished it. Immutable.
 *
 * @param interval between two beats in this direction; zero where there are none
 * @param wished what the receiver of the beats asked for; zero where it asked for none
 */
public record BeatInterval(Duration interval, Duration wished) {
    /**
     * What the two sides' numbers come to: the larger one, and no beats if either is zero.
     *
     * @param minimum the smallest interval at which the sender is willing to beat
     * @param wished the interval at which the receiver wishes to get beats
     */
    static BeatInterval between(Duration minimum, Duration wished) {
        if (minimum.isZero() || wished.isZero()) {
            return new BeatInterval(Duration.ZERO, wished);
        }
        return new BeatInterval(minimum.compareTo(wished) > 0 ? minimum : wished, wished);
    }

    /** Whether there are no beats in this direction. */
    public boolean isOff() {
        return interval.isZero();
    }

    /**
     * Whether the receiver gets fewer beats than it asked for, or none at all: its detection time, worked out from its
     * wish, no longer holds.
     */
    public boolean isLongerThanWished() {
        return interval.compareTo(wished) > 0 || (isOff() && !wished.isZero());
    }
}
