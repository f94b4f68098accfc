package dev.holdfast;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One task for later, unless it is stopped or another takes its place before. Confined to the event loop. */
final class LoopTimer {
    private @Nullable Future<?> running;

    /** Runs it on the loop after so long, instead of what was to run. */
    void schedule(EventExecutor loop, long nanos, Runnable task) {
        stop();
        running = loop.schedule(
                () -> {
                    running = null;
                    task.run();
                },
                nanos,
                TimeUnit.NANOSECONDS);
    }

    /** Whether something is still to run. */
    boolean isRunning() {
        return running != null;
    }

    void stop() {
        Future<?> stopped = running;
        if (stopped != null) {
            running = null;
            stopped.cancel(false);
        }
    }
}
