package dev.holdfast;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A limit of attempts to connect per second, common to all clients that hold it.
 *
 * <p>It paces evenly: slots are {@code 1.1 s / attempts} apart, and who comes too early waits for the next slot that is free. A slot
 * may be used up to 100 ms late, which an event loop may be; so from any attempt to the one that many further is a second at
 * least. A slot missed by more, perhaps because a name took its time, is lost, and a new one is taken; who misses four in a row uses
 * the last all the same, as it must get on, and only then may a second have more. Time without attempts earns nothing, so there is
 * no burst after it: a slot that passed unused is lost, as is the slot of a client that is closed while it waits. With 100 a second,
 * 2,000 clients that lose their server together are back after 22 s at the earliest. The backoff comes first, the slot after it.
 *
 * <p>Thread-safe and without locks. All clients of one budget must take their time from the same clock, which they do unless a
 * test gives their event loops another one; such a test needs a budget of its own.
 */
public final class AttemptBudget {
    private static final int MAX_PER_SECOND = 100_000;

    /** How late a slot may be used. */
    static final long LATE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** From the first of as many attempts as a second may have to the one behind the last, each in its slot: late is only the first. */
    private static final long SECOND_OF_SLOTS_NANOS = TimeUnit.SECONDS.toNanos(1) + LATE_NANOS;

    private static final AttemptBudget SHARED = perSecond(100);
    private static final AttemptBudget UNLIMITED = new AttemptBudget("unlimited", 0);

    private final String text;
    private final long spacingNanos;

    /** The first slot that nobody has; null before the first attempt. Written by whoever takes a slot. */
    private final AtomicReference<@Nullable Slot> free = new AtomicReference<>();

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
        return new AttemptBudget(attempts + " per second", (SECOND_OF_SLOTS_NANOS + attempts - 1) / attempts);
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

    /** As {@code AttemptBudget[100 per second]}. */
    @Override
    public String toString() {
        return "AttemptBudget[" + text + "]";
    }

    private record Slot(long nanos) {}
}
