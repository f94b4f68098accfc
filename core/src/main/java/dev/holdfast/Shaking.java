package dev.holdfast;

import dev.holdfast.verdict.DeathCause;
import dev.holdfast.wire.CloseReason;
import io.netty.channel.ChannelHandlerContext;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The time from the connection's first moment to the end of its handshakes, and its limit. Confined to the event loop. */
final class Shaking {
    /** A timer that is later than this has been held up by ourselves: then the peer's bytes may lie unread. */
    private static final long STALL_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Link link;
    private final PeerSettings settings;
    private final Queue<Object> early = new ArrayDeque<>();
    private @Nullable HandshakeExchange exchange;
    private final LoopTimer timer = new LoopTimer();
    private boolean lookedAgain;

    /** Whether the hook's turn has come; written by the callback executor. */
    private volatile boolean called;

    Shaking(Link link, PeerSettings settings) {
        this.link = link;
        this.settings = settings;
    }

    /** The connection is there: its time runs. */
    void onActive(ChannelHandlerContext mine) {
        await(mine, settings.handshakeLimit.toNanos());
    }

    private void await(ChannelHandlerContext mine, long nanos) {
        long dueNanos = Link.now(mine) + nanos;
        timer.schedule(mine.executor(), nanos, () -> onLimit(mine, dueNanos));
    }

    private void onLimit(ChannelHandlerContext mine, long dueNanos) {
        if (Link.now(mine) - dueNanos > STALL_NANOS && !lookedAgain) {
            lookedAgain = true;
            await(mine, LOOK_AGAIN_NANOS);
            return;
        }
        if (exchange != null && !called) {
            link.endWith(Ending.of(
                    Ending.Kind.HANDSHAKE_FAILED,
                    "our own handshake hook was not called within the handshake limit " + settings.handshakeLimit
                            + ": callbacks before it still run"));
        }
        String why = "the handshake was not complete within the handshake limit " + settings.handshakeLimit;
        link.onDeath(link.death(DeathCause.HANDSHAKE_DEADLINE, why, Optional.empty()));
        link.turnAway(mine, CloseReason.HANDSHAKE_TIMEOUT, "the handshake took too long");
    }

    /** Transport, TLS and HELLO are complete: the application's own handshake begins. */
    void begin(ChannelHandlerContext mine) {
        HandshakeHook hook = settings.handshake;
        if (hook == null) {
            link.onShaken(mine);
            return;
        }
        HandshakeExchange fresh = new HandshakeExchange(link);
        exchange = fresh;
        for (Object message = early.poll(); message != null; message = early.poll()) {
            onMessage(message); // it came in the same read as the HELLO
        }
        link.callbacks.add(Outbound.OVERHEAD, () -> perform(mine, hook, fresh));
    }

    private void perform(ChannelHandlerContext mine, HandshakeHook hook, HandshakeExchange fresh) {
        called = true;
        CompletionStage<?> result;
        try {
            result = Objects.requireNonNull(hook.perform(fresh), "the handshake hook returned null");
        } catch (RuntimeException | Error thrown) {
            link.execute(() -> onFailed(mine, thrown));
            return;
        }
        result.whenComplete((done, error) -> link.execute(() -> {
            if (error == null) {
                link.onShaken(mine);
            } else {
                onFailed(mine, error);
            }
        }));
    }

    private void onFailed(ChannelHandlerContext mine, Throwable error) {
        Throwable cause = error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
        if (link.state() == ConnectionState.HANDSHAKING) {
            link.onHandshakeRefused(cause);
            link.turnAway(mine, CloseReason.REFUSED, "the handshake was refused");
        }
    }

    /** The credential that the hook has named, where its handshake is under way; null otherwise. */
    @Nullable Object credential() {
        HandshakeExchange running = exchange;
        return running == null ? null : running.credential();
    }

    /** A message has come before its time. */
    void onMessage(Object message) {
        HandshakeExchange running = exchange;
        if (running == null) {
            early.add(message);
        } else {
            running.offer(message);
        }
    }

    /** Whether the peer is ahead of the handshake by as much as is kept. */
    boolean isFull() {
        HandshakeExchange running = exchange;
        return running != null && running.isFull();
    }

    /** It is complete: what nobody has asked for are ordinary messages. */
    void end(Consumer<Object> messages) {
        stopTimer();
        HandshakeExchange over = exchange;
        exchange = null;
        if (over != null) {
            over.unasked().forEach(messages);
        }
        for (Object message = early.poll(); message != null; message = early.poll()) {
            messages.accept(message);
        }
    }

    /** The connection is gone. */
    void abort(Ending how) {
        HandshakeExchange running = exchange;
        if (running != null) {
            running.end(how);
        }
        end(ReferenceCountUtil::release);
    }

    void stopTimer() {
        timer.stop();
    }
}
