package dev.holdfast.examples.lab;

import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * How late an executor runs what is due, so that a stall of a busy machine is told from a bound that does not hold. All its
 * methods but {@link #watch} are called on that executor.
 */
final class Lateness {
    private static final long TICK_MILLIS = 25;
    private static final long WORTH_TELLING = TimeUnit.MILLISECONDS.toNanos(10);
    private static final int KEPT = 1000;

    private final ArrayDeque<List<Long>> stalls = new ArrayDeque<>();
    private long dueNanos;

    private Lateness() {}

    static Lateness watch(ScheduledExecutorService executor) {
        Lateness lateness = new Lateness();
        executor.execute(() -> lateness.next(executor));
        return lateness;
    }

    private void next(ScheduledExecutorService executor) {
        dueNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(TICK_MILLIS);
        Future<?> ignored = executor.schedule(
                () -> {
                    note();
                    next(executor);
                },
                TICK_MILLIS,
                TimeUnit.MILLISECONDS);
    }

    private void note() {
        long now = System.nanoTime();
        if (now - dueNanos > WORTH_TELLING) {
            if (stalls.size() == KEPT) {
                stalls.removeFirst();
            }
            stalls.addLast(List.of(dueNanos, now));
            dueNanos = now;
        }
    }

    /** From when to when nothing ran, one that lasts until now among them. */
    List<List<Long>> stalls() {
        note();
        return List.copyOf(stalls);
    }
}
