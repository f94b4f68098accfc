package dev.holdfast;

import dev.holdfast.heartbeat.DeathAction;
import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatListener;
import dev.holdfast.heartbeat.HeartbeatMode;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.wire.Hello;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.DefaultMessageSizeEstimator;
import io.netty.channel.MessageSizeEstimator;
import io.netty.util.IllegalReferenceCountException;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What every connection of a client or a server is made with. Immutable. */
final class PeerSettings {
    private static final MessageSizeEstimator.Handle SIZES = new DefaultMessageSizeEstimator(0).newHandle();

    final LivenessPolicy liveness;
    /** What makes messages of bytes; null with the framed protocol. */
    final @Nullable Consumer<? super ChannelPipeline> pipeline;

    final MessageListener<Object> onMessage;
    final ConnectionListener onEvent;
    final Executor executor;
    final @Nullable HandshakeHook handshake;
    final Duration handshakeLimit;
    final long outboundLimit;
    final long inboundLimit;
    final Duration closeLimit;
    final int maxMessage;
    final int maxHandshakeMessage;

    /** Whether beats of ours are answered, so that an answer can confirm. */
    final boolean asks;

    private final HeartbeatProtocol protocol;
    private final HeartbeatOptions beats;
    private final HeartbeatListener heard = PeerSettings::onHeartbeat;

    PeerSettings(PeerBuilder<?> builder, Duration handshakeLimit) {
        this.liveness = builder.liveness;
        this.pipeline = builder.pipeline;
        this.onMessage = builder.messages();
        this.onEvent = builder.onEvent;
        this.executor = builder.executor();
        this.handshake = builder.handshake;
        this.handshakeLimit = handshakeLimit;
        this.outboundLimit = builder.outboundLimit;
        this.inboundLimit = builder.inboundLimit;
        this.closeLimit = builder.closeLimit;
        this.maxMessage = builder.maxMessage;
        this.maxHandshakeMessage = Math.min(builder.maxMessage, builder.maxHandshakeMessage);
        HeartbeatProtocol own = builder.protocol;
        this.protocol = pipeline == null ? HeartbeatProtocol.framed() : own == null ? NoBeats.INSTANCE : own;
        boolean beating = liveness.heartbeat().isPresent() && protocol != NoBeats.INSTANCE;
        // Without a heartbeat the handler still answers the peer's, and names what the kernel finds out.
        this.beats = liveness
                .heartbeat()
                .orElseGet(() -> HeartbeatOptions.builder().build())
                .toBuilder()
                .manualStart(!beating)
                .beatEvents(true)
                .build();
        this.asks = beating
                && beats.mode() != HeartbeatMode.WATCH_ONLY
                && protocol.answering() == HeartbeatProtocol.Answering.ANSWERED;
        if (beats.deathAction() != DeathAction.abort()) {
            throw new IllegalArgumentException(
                    "liveness: a heartbeat with a deathAction of its own (expected: the default; "
                            + "the connection ends its channel itself)");
        }
    }

    HeartbeatHandler newHeartbeat() {
        return HeartbeatHandler.create(protocol, beats, heard);
    }

    boolean isBeat(Object message) {
        return protocol.classify(message) != HeartbeatProtocol.Kind.OTHER;
    }

    /** What we say of ourselves in the framed protocol. */
    Hello hello() {
        Hello.Builder hello = liveness.heartbeat().isPresent() ? beats.hello() : Hello.builder();
        return hello.maxPayload(maxMessage)
                .capabilities(Hello.CAPABILITY_CONFIRM)
                .build();
    }

    Link newLink(LinkOwner owner, long epoch, Outbound outbound, CallbackQueue callbacks) {
        return pipeline == null
                ? new FramedLink(this, owner, epoch, outbound, callbacks)
                : new PipelineLink(this, owner, epoch, outbound, callbacks);
    }

    /** The message as it is kept and written: what belongs to the caller is copied. From any thread. */
    Object own(Object message) {
        if (pipeline != null) {
            return Objects.requireNonNull(message, "message");
        } else if (message instanceof ByteBuf buffer) {
            if (buffer.refCnt() == 0) {
                throw new IllegalReferenceCountException(
                        "message: released already (expected: a buffer to be given away)");
            }
            return buffer;
        } else if (message instanceof byte[] array) {
            return Unpooled.copiedBuffer(array);
        } else if (message instanceof CharSequence text) {
            return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
        }
        throw new IllegalArgumentException("message: a "
                + Objects.requireNonNull(message, "message").getClass().getName()
                + " (expected: ByteBuf, byte[] or CharSequence, or a pipeline of one's own)");
    }

    /** What the message counts for, beside the overhead: buffers and arrays their bytes, text two a character, other objects nothing. */
    int bytes(Object message) {
        if (message instanceof byte[] array) {
            return array.length;
        }
        return message instanceof CharSequence text
                ? (int) Math.min(Integer.MAX_VALUE, 2L * text.length())
                : SIZES.size(message);
    }

    /** Runs it on the callback executor, out of order. */
    void execute(Runnable completion) {
        execute(executor, completion);
    }

    /** Runs it there, or here where that is refused, for whatever reason: what waits for it must not wait for ever. */
    static void execute(Executor executor, Runnable completion) {
        try {
            executor.execute(() -> CallbackQueue.runAsCallback(completion));
        } catch (RuntimeException | Error refused) {
            completion.run();
        }
    }

    /** Completes a stage of the user's, where callbacks run. */
    <T> void complete(CompletableFuture<T> stage, @Nullable T value, @Nullable Throwable error) {
        execute(() -> {
            if (error == null) {
                stage.complete(value);
            } else {
                stage.completeExceptionally(error);
            }
        });
    }

    /** Tells of an end, if a listener that blocks, perhaps the executor's only thread, has kept that waiting for the close limit. */
    @SuppressWarnings("FutureReturnValueIgnored") // nothing depends on the timer's end
    void completeAtLast(CompletableFuture<Ending> closed, Runnable tell) {
        Future<?> timer = GlobalEventExecutor.INSTANCE.schedule(
                () -> execute(CallbackExecutor.shared(), tell), closeLimit.toMillis(), TimeUnit.MILLISECONDS);
        closed.whenComplete((done, error) -> timer.cancel(false));
    }

    private static void onHeartbeat(Channel channel, HeartbeatEvent event) {
        Link link = channel.attr(Link.KEY).get();
        if (link != null) {
            link.onHeartbeat(event);
        }
    }
}
