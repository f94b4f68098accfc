package dev.holdfast;

import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs callbacks one after another, in the order in which they were added, on an executor.
 *
 * <p>All methods may be called from any thread, callbacks included, and never block: there is no lock, so nothing pins a virtual
 * thread. Whatever a callback throws is logged and contained.
 *
 * <p>Nothing is refused, so that no event of a connection's life is lost. What bounds the queue is its owner, who stops reading from
 * the peer on {@code onFull} and resumes on {@code onRoom}: the first is called when the cost of all that waits or runs has reached the
 * limit, the second when it has fallen to half of it. They take turns strictly, never run at once, and are called on whichever
 * thread notices.
 *
 * <p>An executor that refuses the queue ends it: what is queued then and all that is added later is dropped and counted ({@link
 * #dropped()}), with one line in the log. To go on after a gap would give the user a stream with a hole in it.
 */
final class CallbackQueue {
    /** After so many callbacks the thread is given back, so that one connection can't keep a thread of a shared pool. */
    static final int CALLBACKS_PER_TURN = 64;

    /** The innermost turn that this thread is in. */
    private static final ThreadLocal<@Nullable Turn> CURRENT = new ThreadLocal<>();

    private final Executor executor;
    private final long limitBytes;
    private final Runnable onFull;
    private final Runnable onRoom;
    private final Logger log;

    private final Queue<Entry> entries = new ConcurrentLinkedQueue<>();

    /** How many callbacks wait or run. Who raises it from 0 starts a turn; the turn's thread alone lowers it. */
    private final AtomicInteger pending = new AtomicInteger();

    /** The cost of those. Written with them, read by {@link #signal}. */
    private final AtomicLong queuedBytes = new AtomicLong();

    /** Who raises it from 0 tells full and room, for the others too. */
    private final AtomicInteger signals = new AtomicInteger();

    /** Whether full was told last. Written by who holds {@link #signals}, read by all. */
    private volatile boolean full;

    /** Whether the executor has refused us. Written and read by who holds the turn. */
    private boolean refused;

    private final AtomicLong dropped = new AtomicLong();

    CallbackQueue(Executor executor, long limitBytes, Runnable onFull, Runnable onRoom) {
        this(executor, limitBytes, onFull, onRoom, LoggerFactory.getLogger(CallbackQueue.class));
    }

    CallbackQueue(Executor executor, long limitBytes, Runnable onFull, Runnable onRoom, Logger log) {
        if (limitBytes < 1) {
            throw new IllegalArgumentException("callback queue limit: " + limitBytes + " (expected: 1 or more)");
        }
        this.executor = Objects.requireNonNull(executor, "executor");
        this.limitBytes = limitBytes;
        this.onFull = onFull;
        this.onRoom = onRoom;
        this.log = log;
    }

    /** Whether the current thread is running a callback, of any queue. */
    static boolean isCallbackThread() {
        return CURRENT.get() != null;
    }

    /** Runs what is a user's outside of any queue, such as what depends on a stage, so that {@link #isCallbackThread} knows it. */
    static void runAsCallback(Runnable task) {
        Turn outer = CURRENT.get();
        CURRENT.set(new Turn());
        try {
            task.run();
        } finally {
            if (outer == null) {
                CURRENT.remove();
            } else {
                CURRENT.set(outer);
            }
        }
    }

    /**
     * Adds a callback to the end.
     *
     * @param cost the bytes that it keeps; 0 for an event
     * @throws IllegalArgumentException if the cost is negative
     */
    void add(long cost, Runnable callback) {
        add(cost, callback, () -> {});
    }

    /** @param dropped is run instead of the callback if the executor refuses: it releases what the callback would have */
    void add(long cost, Runnable callback, Runnable dropped) {
        if (cost < 0) {
            throw new IllegalArgumentException("cost: " + cost + " (expected: 0 or more)");
        }
        Entry entry = new Entry(cost, Objects.requireNonNull(callback, "callback"), dropped);
        entries.add(entry);
        signal(queuedBytes.addAndGet(cost));
        if (pending.getAndIncrement() == 0) {
            startTurn();
        }
    }

    /** Whether nothing waits or runs. */
    boolean isIdle() {
        return pending.get() == 0;
    }

    /** The cost of all that waits or runs. */
    long queuedBytes() {
        return queuedBytes.get();
    }

    /** Whether it has been full, and has not fallen to half of the limit since. */
    boolean isFull() {
        return full;
    }

    /** How many callbacks wait or run. */
    int size() {
        return pending.get();
    }

    /** How many were never run because the executor refused. */
    long dropped() {
        return dropped.get();
    }

    private void startTurn() {
        if (refused) {
            drop();
            return;
        }
        try {
            executor.execute(this::takeTurn);
        } catch (RuntimeException | Error e) {
            refused = true;
            logFailure("the executor refused the callbacks of a connection: they are dropped, and all later ones", e);
            drop();
        }
    }

    private void takeTurn() {
        Turn outer = CURRENT.get();
        if (outer != null && outer.handingBack == this) {
            outer.handingBack = null; // the executor runs what it is given at once: no deeper, the turn below goes on
            return;
        }
        Turn turn = new Turn();
        CURRENT.set(turn);
        try {
            while (runSome() && handedBackInline(turn)) {
                // the executor insists on this thread
            }
        } finally {
            if (outer == null) {
                CURRENT.remove();
            } else {
                CURRENT.set(outer);
            }
        }
    }

    /** Returns whether more is queued. */
    private boolean runSome() {
        for (int i = 0; i < CALLBACKS_PER_TURN; i++) {
            Entry entry = next();
            try {
                entry.callback.run();
            } catch (Throwable thrown) {
                logFailure("a callback failed", thrown);
            }
            signal(queuedBytes.addAndGet(-entry.cost));
            if (pending.decrementAndGet() == 0) {
                return false;
            }
        }
        return true;
    }

    /** Passes the turn on. Returns whether it came straight back, instead of going to a task of its own. */
    private boolean handedBackInline(Turn turn) {
        turn.handingBack = this;
        startTurn();
        boolean inline = turn.handingBack == null;
        turn.handingBack = null;
        return inline;
    }

    private void drop() {
        do {
            Entry entry = next();
            dropped.incrementAndGet();
            entry.dropped.run();
            signal(queuedBytes.addAndGet(-entry.cost));
        } while (pending.decrementAndGet() != 0);
    }

    private Entry next() {
        return Objects.requireNonNull(entries.poll(), "an entry is added before it is counted");
    }

    // A change of the sum is made before `full` is read here, and `full` is changed before the sum is read again in
    // tell(): of two
    // threads at least one sees what the other did, so no crossing is missed, though most changes cost no more than a
    // look.
    private void signal(long bytes) {
        if (!isCrossing(bytes) || signals.getAndIncrement() != 0) {
            return;
        }
        int seen = 1;
        while (seen != 0) {
            while (isCrossing(queuedBytes.get())) {
                tell(!full);
            }
            seen = signals.addAndGet(-seen);
        }
    }

    private boolean isCrossing(long bytes) {
        return full ? bytes <= limitBytes / 2 : bytes >= limitBytes;
    }

    private void tell(boolean nowFull) {
        full = nowFull;
        try {
            (nowFull ? onFull : onRoom).run();
        } catch (Throwable thrown) {
            logFailure("telling that a callback queue is full, or has room, failed", thrown);
        }
    }

    private void logFailure(String what, Throwable thrown) {
        try {
            log.atError().addKeyValue("queued", pending.get()).setCause(thrown).log(what);
        } catch (RuntimeException | Error e) {
            // The log is out of order or memory is. The queue must go on, and there is nobody else to tell.
        }
    }

    private record Entry(long cost, Runnable callback, Runnable dropped) {}

    /** What a thread knows while it runs callbacks; of no use to other threads. */
    private static final class Turn {
        /** The queue that is just being given to its executor again. */
        private @Nullable CallbackQueue handingBack;
    }
}
