package dev.holdfast.heartbeat;

import java.time.Duration;

/**
 * How often a heartbeat on epoll looks after the kernel's user timeout, and what that leaves to chance. The kernel counts
 * its user timeout on a closed window too and would end a connection whose peer lives, so the heartbeat lifts it as soon as
 * it sees the window closed (docs/adr/0007-user-timeout-guard.md).
 *
 * @param interval the longest time between two looks, a third of the user timeout, not counting the tick
 * @param tick how late a look may come: a thirtieth of the user timeout, between 1 ms and 100 ms
 * @param toleratedStall how long our own event loop may stall at the least: if it stalls longer just when the window closes,
 *     the kernel may end the connection before the heartbeat can lift the user timeout
 */
public record UserTimeoutSampling(Duration interval, Duration tick, Duration toleratedStall) {
    private static final long LOOKS = 3;
    private static final long TICKS = 30;
    private static final long SHORTEST_TICK_NANOS = 1_000_000;
    private static final long LONGEST_TICK_NANOS = 100_000_000;

    /**
     * What follows from a user timeout U. The window closes just after a look at the worst; the next comes U/3 and a tick
     * later, and the kernel ends the connection U after its first window probe: a stall of 2U/3 less a tick is survived.
     *
     * @param userTimeout at least 1 ms
     * @throws IllegalArgumentException if it is less
     */
    public static UserTimeoutSampling of(Duration userTimeout) {
        if (userTimeout.toMillis() < 1) {
            throw new IllegalArgumentException("userTimeout: " + userTimeout + " (expected: 1 ms or more)");
        }
        long nanos = userTimeout.toNanos();
        long interval = nanos / LOOKS;
        long tick = Math.min(LONGEST_TICK_NANOS, Math.max(SHORTEST_TICK_NANOS, nanos / TICKS));
        return new UserTimeoutSampling(
                Duration.ofNanos(interval),
                Duration.ofNanos(tick),
                Duration.ofNanos(Math.max(0, nanos - interval - tick)));
    }
}
