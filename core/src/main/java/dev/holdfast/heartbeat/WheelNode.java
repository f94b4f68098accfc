package dev.holdfast.heartbeat;

import io.netty.channel.ChannelDuplexHandler;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link HeartbeatWheel} wakes up: its links stand in the object itself. It is a Netty handler only because one that
 * is built on it must be, so that a connection costs one object (docs/adr/0006-one-object-per-connection.md).
 */
abstract class WheelNode extends ChannelDuplexHandler {
    /** What {@link #onWakeUp} returns to leave the wheel. */
    static final long LEAVE = Long.MAX_VALUE;

    // of the wheel alone; null outside it
    @Nullable WheelNode wheelNext;

    @Nullable WheelNode wheelPrevious;

    /** The tick that the node needs. */
    abstract long tickNanos();

    /**
     * Does what is due.
     *
     * @param stallNanos how long our own event loop has just stalled, or 0
     * @return when to be woken up again on the monotonic clock, or {@link #LEAVE}
     */
    abstract long onWakeUp(long now, long unstalled, long stallNanos);
}
