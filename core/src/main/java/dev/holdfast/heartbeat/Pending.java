package dev.holdfast.heartbeat;

import io.netty.channel.Channel;
import io.netty.util.Attribute;
import io.netty.util.AttributeKey;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What is pending on a connection while not all is well with it, or somebody asks: kept beside the handler, so that an idle
 * connection does not pay for it. Confined to the event loop.
 */
final class Pending {
    private static final AttributeKey<Pending> KEY = AttributeKey.valueOf(Pending.class.getName());

    /** The present silence, from its first suspicion; null while nothing is wrong. */
    @Nullable Silence silence;

    /** What {@link HeartbeatHandler#probe} is to be told; null while nobody asks. */
    @Nullable Promise<Duration> asked;

    /** Who waits for {@link HeartbeatHandler#confirm}; null before anybody has. */
    private @Nullable Confirmation confirmation;

    /** Answers that may still come, less the one that the handler itself knows of by {@link HeartbeatJudge#owed}. */
    int moreOwed;

    /** Beats were started by hand, and go on by themselves after a move. */
    boolean started;

    /** We are closing the channel ourselves: what that cuts off is no death. */
    boolean closing;

    /** The peer lives and was given up: nobody is to hear it any more. */
    boolean givenUp;

    /** Netty's automatic close was off before we came. */
    boolean autoCloseWasOff;

    /** Bytes of ours that had not left when the peer's FIN came. */
    long outstanding;

    /** The newest answer that the channel was too full to take; null if all have gone out. */
    private @Nullable Object answer;

    private Pending() {}

    static Pending of(Channel channel) {
        Attribute<Pending> attribute = channel.attr(KEY);
        Pending pending = attribute.get();
        if (pending == null) {
            pending = new Pending();
            attribute.set(pending);
        }
        return pending;
    }

    /** What is pending, or null where nothing has been. */
    static @Nullable Pending find(Channel channel) {
        return channel.hasAttr(KEY) ? channel.attr(KEY).get() : null;
    }

    Silence silence(long stalledNanos, HeartbeatSettings settings) {
        Silence present = silence;
        if (present == null) {
            present = new Silence(stalledNanos, settings);
            silence = present;
        }
        return present;
    }

    /** What everybody is told who probes before the answer comes. */
    Promise<Duration> probe(EventExecutor loop) {
        Promise<Duration> shared = asked;
        if (shared == null) {
            shared = loop.newPromise(); // nobody but us can cancel it
            asked = shared;
        }
        return shared;
    }

    /** What everybody is told who has something confirmed before the next ping leaves. */
    Promise<Duration> confirm(EventExecutor loop) {
        return confirmation().join(loop);
    }

    Confirmation confirmation() {
        Confirmation present = confirmation;
        if (present == null) {
            present = new Confirmation();
            confirmation = present;
        }
        return present;
    }

    /** A ping leaves; see {@link Confirmation#onPing}. */
    void onPing(int number, int owed, long unstalled) {
        if (confirmation != null) {
            confirmation.onPing(number, owed, unstalled);
        }
    }

    /** Whether somebody waits for an answer. */
    boolean isAsked() {
        return asked != null || (confirmation != null && confirmation.isAwaited());
    }

    /** Whether somebody waits for a ping that is still to leave. */
    boolean needsPing() {
        return confirmation != null && confirmation.needsPing();
    }

    /** Whether somebody waits to have something confirmed. */
    boolean isConfirming() {
        return confirmation != null && confirmation.isAwaited();
    }

    void refuse(Exception why) {
        if (confirmation != null) {
            confirmation.refuse(why);
        }
        Promise<Duration> waiting = asked;
        if (waiting != null) {
            asked = null;
            waiting.tryFailure(why);
        }
    }

    /** Keeps an answer until the channel takes it. Only the newest need go out: it answers those before it. */
    void keepAnswer(@Nullable Object newest) {
        ReferenceCountUtil.release(answer);
        answer = newest;
    }

    @Nullable Object takeAnswer() {
        Object kept = answer;
        answer = null;
        return kept;
    }
}
