package dev.holdfast.epoll;

import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Measures for how long an event loop did not run, whatever kept it from it: a blocked handler, too much to read, a busy
 * machine. A witness of our own stalls that is not the heartbeat's own; what is promised is the bound plus these.
 */
final class LoopWatch {
    /** It looks so often, and a stall is measured from when it would have looked next. */
    static final Duration STEP = Duration.ofMillis(10);

    private static final long STEP_NANOS = STEP.toNanos();

    private final AtomicLong stalledNanos = new AtomicLong();

    @SuppressWarnings("UnusedVariable") // it ends with the loop
    private final Future<?> watching;

    private long lastNanos = System.nanoTime();

    LoopWatch(EventLoop loop) {
        watching = loop.scheduleWithFixedDelay(this::look, STEP_NANOS, STEP_NANOS, TimeUnit.NANOSECONDS);
    }

    private void look() {
        long now = System.nanoTime();
        long late = now - lastNanos - STEP_NANOS;
        if (late > STEP_NANOS / 2) {
            stalledNanos.addAndGet(late);
        }
        lastNanos = now;
    }

    /** All stalls since the beginning, each once it is over. */
    Duration stalled() {
        return Duration.ofNanos(stalledNanos.get());
    }
}
