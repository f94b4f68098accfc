package dev.holdfast.heartbeat;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Who waits to be told that the peer's program has read what was written before: those whose ping has left, and those whose
 * ping is still to leave. Confined to the event loop.
 */
final class Confirmation {
    /** Whoever asked since the last ping that serves has left; null if nobody has. */
    private @Nullable Promise<Duration> toLeave;

    /** Whoever waits for the answer to a ping that has left; null if nobody does. */
    private @Nullable Promise<Duration> onItsWay;

    /** The number of that ping. */
    private int sequence;
    /** Answers to older pings that may come before its own. */
    private int older;

    private long leftNanos;

    /** What everybody is told who asks before the next ping leaves. */
    Promise<Duration> join(EventExecutor loop) {
        Promise<Duration> shared = toLeave;
        if (shared == null) {
            shared = loop.newPromise(); // nobody but us can cancel it
            toLeave = shared;
        }
        return shared;
    }

    /** Whether nothing but a ping is missing. */
    boolean needsPing() {
        return toLeave != null && onItsWay == null;
    }

    boolean isAwaited() {
        return toLeave != null || onItsWay != null;
    }

    /**
     * A ping leaves, asked for or not: it comes after all that was written before anybody asked.
     *
     * @param owed how many answers to those before it the peer may still give
     */
    void onPing(int number, int owed, long unstalled) {
        if (needsPing()) {
            onItsWay = toLeave;
            toLeave = null;
            sequence = number;
            older = owed;
            leftNanos = unstalled;
        }
    }

    /** An answer came in; {@code newest} is the number of the last ping that left. */
    void onAnswer(long answered, int newest, long unstalled) {
        Promise<Duration> waiting = onItsWay;
        if (waiting != null && isConfirmed(answered, newest)) {
            onItsWay = null;
            waiting.trySuccess(Duration.ofNanos(Math.max(0, unstalled - leftNanos)));
        }
    }

    /** Whether that was the answer to our ping, or to one that left later. */
    private boolean isConfirmed(long answered, int newest) {
        if (answered == HeartbeatProtocol.NO_SEQUENCE) {
            return older-- == 0;
        }
        // they wrap, so they are compared by their distance
        boolean ours = answered == Integer.toUnsignedLong((int) answered);
        return ours && (int) answered - sequence >= 0 && newest - (int) answered >= 0;
    }

    void refuse(Exception why) {
        Promise<Duration> one = onItsWay;
        Promise<Duration> other = toLeave;
        onItsWay = null;
        toLeave = null;
        if (one != null) {
            one.tryFailure(why);
        }
        if (other != null) {
            other.tryFailure(why);
        }
    }
}
