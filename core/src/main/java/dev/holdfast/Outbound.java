package dev.holdfast;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The bound on what was sent and is not known to have arrived, and the account of what became of each message. One for a client,
 * through all its lives; one for each connection of a server. Thread-safe.
 */
final class Outbound {
    /** What a message takes beside its bytes, so that empty ones are bounded, too: the objects that stand for it. */
    static final int OVERHEAD = 64;

    private final long limit;
    private final Counting counting;
    private final Executor executor;
    private final Runnable writabilityChanged;
    private final AtomicLong ids = new AtomicLong();
    private final AtomicLong used = new AtomicLong();
    private final AtomicBoolean writable = new AtomicBoolean(true);

    /** @param writabilityChanged called by whoever notices, on any thread */
    Outbound(long limit, Counting counting, Executor executor, Runnable writabilityChanged) {
        this.limit = limit;
        this.counting = counting;
        this.executor = executor;
        this.writabilityChanged = writabilityChanged;
    }

    /** A delivery with its room taken, or one that is NOT_SENT for want of it. */
    Delivery begin(int bytes) {
        counting.sent.incrementAndGet();
        Delivery delivery = new Delivery(ids.incrementAndGet(), bytes, executor);
        long cost = cost(delivery);
        long before = used.get();
        while (before + cost <= limit && !used.compareAndSet(before, before + cost)) {
            before = used.get();
        }
        if (before + cost > limit) {
            refuse(
                    delivery,
                    bytes + " bytes to be sent, " + before + " bytes sent and not known to have arrived"
                            + " (expected: outboundLimit " + limit + " bytes at most, each message counting "
                            + OVERHEAD + " more)");
        } else {
            adjustWritability();
        }
        return delivery;
    }

    /** Whether less than half of the limit is used, or, after it was more, less than a quarter. */
    boolean isWritable() {
        return writable.get();
    }

    /** Bytes of messages whose fate is open. */
    long backlog() {
        return used.get();
    }

    /** Whether so much is open that a confirmation should not wait. */
    boolean isPressing() {
        return used.get() > limit / 4;
    }

    // Numbers and room first, the state last: whoever is told of that finds them as they are to be.

    /** The kernel has it. Where nothing can confirm, that is the end of it. */
    void written(Delivery delivery, boolean confirmable) {
        boolean fresh = delivery.state() == Delivery.State.PENDING;
        if (fresh) {
            counting.written.incrementAndGet();
        }
        if (confirmable) {
            delivery.onWritten();
        } else if (fresh) {
            settled(delivery);
            delivery.onUnconfirmable();
            delivery.onWritten();
        }
    }

    void confirmed(Delivery delivery, Delivery.Confirmation who) {
        written(delivery, true);
        if (delivery.state() == Delivery.State.WRITTEN) {
            counting.confirmed.incrementAndGet();
            settled(delivery);
            delivery.onConfirmed(who);
        }
    }

    void notSent(Delivery delivery, String why) {
        if (delivery.state() == Delivery.State.PENDING) {
            counting.notSent.incrementAndGet();
            settled(delivery);
            delivery.onNotSent(why);
        }
    }

    /** The connection on which it was written is gone. */
    void ended(Delivery delivery, String why) {
        if (delivery.state() == Delivery.State.WRITTEN) {
            counting.unknown.incrementAndGet();
            settled(delivery);
            delivery.onConnectionEnded(why);
        }
    }

    private void refuse(Delivery delivery, String why) {
        counting.notSent.incrementAndGet();
        delivery.onNotSent(why);
    }

    private void settled(Delivery delivery) {
        used.addAndGet(-cost(delivery));
        adjustWritability();
    }

    /** Until it agrees with what is used: another thread may have changed that meanwhile. */
    private void adjustWritability() {
        boolean changed = true;
        while (changed) {
            long now = used.get();
            changed = now > limit / 2
                    ? writable.compareAndSet(true, false)
                    : now < limit / 4 && writable.compareAndSet(false, true);
            if (changed) {
                writabilityChanged.run();
            }
        }
    }

    private static long cost(Delivery delivery) {
        return (long) delivery.bytes() + OVERHEAD;
    }
}
