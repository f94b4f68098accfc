package dev.holdfast.heartbeat;

import org.jspecify.annotations.Nullable;

/** A machine that a {@link HeartbeatWheel} wakes up: its links stand in the object itself. */
abstract class HeartbeatNode extends HeartbeatMachine {
    /** What {@link #onWakeUp} returns to leave the wheel. */
    static final long LEAVE = Long.MAX_VALUE;

    // of the wheel alone; null outside it
    @Nullable HeartbeatNode wheelNext;

    @Nullable HeartbeatNode wheelPrevious;

    /**
     * Does what is due.
     *
     * @param stallNanos how long our own event loop has just stalled, or 0
     * @return when to be woken up again on the monotonic clock, or {@link #LEAVE}
     */
    abstract long onWakeUp(long now, long unstalled, long stallNanos);
}
