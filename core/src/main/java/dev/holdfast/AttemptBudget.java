package dev.holdfast;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A limit of attempts to connect per second, common to all clients that hold it.
 *
 * <p>It paces evenly: slots are {@code 1 s / attempts} apart, and who comes too early waits for the next slot that is free. No
 * attempt begins within that time of the one before, whoever is late: what follows a late one moves back. A slot missed by
 * more than 100 ms is lost, and a new one is taken. Time without attempts earns nothing, so there is no burst after it: a
 * slot that passed unused is lost, as is the slot of a client that is closed while it waits. With 100 a second, 2,000 clients that
 * lose their server together are back after 20 s at the earliest. The backoff comes first, the slot after it.
 *
 * <p>Thread-safe and without locks. All clients of one budget must take their time from the same clock, which they do unless a
 * test gives their event loops another one; such a test needs a budget of its own.
 */
public final class AttemptBudget {
    private static final int MAX_PER_SECOND = 100_000;
    private static final long NANOS_PER_SECOND = 1_000_000_000L;
    private static final AttemptBudget SHARED = perSecond(100);
    private static final AttemptBudget UNLIMITED = new AttemptBudget("unlimited", 0);

    private final String text;
    private final long spacingNanos;

    /** The first slot that nobody has; null before the first attempt. Written by whoever takes a slot. */
    private final AtomicReference<@Nullable Slot> free = new AtomicReference<>();

    /** When the newest attempt began; null before the first. Written by whoever begins one. */
    private final AtomicReference<@Nullable Slot> newest = new AtomicReference<>();

    private AttemptBudget(String text, long spacingNanos) {
        this.text = text;
        this.spacingNanos = spacingNanos;
    }

    /**
     * A budget of its own.
     *
     * @param attempts at most so many a second: 1 to 100000
     * @throws IllegalArgumentException if it is out of range
     */
    public static AttemptBudget perSecond(int attempts) {
        if (attempts < 1 || attempts > MAX_PER_SECOND) {
            throw new IllegalArgumentException(
                    "attempts per second: " + attempts + " (expected: 1 to " + MAX_PER_SECOND + ")");
        }
        // rounded up: rather one attempt too few than one too many
        return new AttemptBudget(attempts + " per second", (NANOS_PER_SECOND + attempts - 1) / attempts);
    }

    /**
     * The budget of the process, which every client has that is not given another: 100 attempts a second, which a server that
     * has just started survives, TLS handshakes included, and a single client never notices.
     */
    public static AttemptBudget shared() {
        return SHARED;
    }

    /** No limit: for tests, and where something else paces the attempts. */
    public static AttemptBudget unlimited() {
        return UNLIMITED;
    }

    /**
     * Takes the next free slot.
     *
     * @param nowNanos the time, of the clock that all callers share; it may be negative and may wrap
     * @return how long the caller has to wait for its slot; 0: it may go now
     */
    long reserveNanos(long nowNanos) {
        if (spacingNanos == 0) {
            return 0;
        }
        while (true) {
            Slot next = free.get();
            long slot = next == null || nowNanos - next.nanos() >= 0 ? nowNanos : next.nanos();
            if (free.compareAndSet(next, new Slot(slot + spacingNanos))) {
                return slot - nowNanos;
            }
        }
    }

    /**
     * Begins an attempt, whose slot has come, if the one before is far enough back: many that are late do not begin together.
     *
     * @param nowNanos as for {@link #reserveNanos}
     * @return how long the caller has to wait before it asks again; 0: it has begun
     */
    long beginNanos(long nowNanos) {
        if (spacingNanos == 0) {
            return 0;
        }
        while (true) {
            Slot before = newest.get();
            long left = before == null ? 0 : before.nanos() + spacingNanos - nowNanos;
            if (left > 0) {
                return left;
            }
            if (newest.compareAndSet(before, new Slot(nowNanos))) {
                return 0;
            }
        }
    }

    /** As {@code AttemptBudget[100 per second]}. */
    @Override
    public String toString() {
        return "AttemptBudget[" + text + "]";
    }

    private record Slot(long nanos) {}
}
