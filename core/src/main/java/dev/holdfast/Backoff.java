package dev.holdfast;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before the next attempt to connect.
 *
 * <p>Called on the event loop of the connection, once for each round that failed, and by several loops at once where clients
 * share it: it must be thread-safe and must not block. What it returns must be from 0 to one day; anything else, or an
 * exception, ends the client with an {@link IllegalStateException} as the reason.
 *
 * <p>{@link #exponential} is what {@link ReconnectOptions} begin with.
 */
@FunctionalInterface
public interface Backoff {
    /**
     * The wait before the next attempt.
     *
     * @param failures how many attempts failed, or connections ended before they were stable ({@link
     *     ReconnectOptions#stableAfter()}), in a row; from 1
     * @param random where chance comes from, so that a test can repeat it
     * @return from 0 to one day
     */
    Duration delay(int failures, RandomGenerator random);

    /**
     * Exponential backoff with full jitter: evenly spread from 0 to {@code min(max, first * 2^(failures - 1))}, the first retry
     * included. Clients that lost the same server at the same instant so come back at different ones, and the mean wait is half
     * of the limit. Formula: "full jitter" of "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
     *
     * @param first the longest first wait: whole milliseconds, 1 ms to one day
     * @param max the longest wait of all: whole milliseconds, {@code first} to one day
     * @throws IllegalArgumentException if one is out of range, or {@code first} is longer than {@code max}
     */
    static Backoff exponential(Duration first, Duration max) {
        return new ExponentialBackoff(first, max);
    }

    /**
     * Always the same wait. Clients that lost the same server at the same instant come back in lock-step, all at once, each
     * time: for tests and for single clients only.
     *
     * @param delay whole milliseconds, 1 ms to one day
     * @throws IllegalArgumentException if it is out of range
     */
    static Backoff fixed(Duration delay) {
        return new FixedBackoff(delay);
    }
}
