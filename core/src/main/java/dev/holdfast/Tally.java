package dev.holdfast;

import io.netty.util.concurrent.GlobalEventExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;

/** An {@link EndpointLog} that tells by itself, in time, what it has only counted. Thread-safe. */
@SuppressWarnings("FutureReturnValueIgnored") // what was counted is told, and never called off
final class Tally {
    private final EndpointLog log;

    /** Whether what was only counted will be told; set by who counts, cleared by who tells. */
    private final AtomicBoolean planned = new AtomicBoolean();

    Tally(Logger log) {
        this.log = new EndpointLog(log);
    }

    void ended(String endpoint, String cause, String text) {
        log.ended(endpoint, cause, text, now());
        plan();
    }

    private void plan() {
        if (log.hasCounts() && planned.compareAndSet(false, true)) {
            GlobalEventExecutor.INSTANCE.schedule(this::flush, EndpointLog.WINDOW_NANOS, TimeUnit.NANOSECONDS);
        }
    }

    private void flush() {
        planned.set(false);
        log.flush(now());
        plan(); // for what is too young yet
    }

    private static long now() {
        return GlobalEventExecutor.INSTANCE.ticker().nanoTime();
    }
}
