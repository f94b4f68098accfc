package dev.holdfast;

import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.Transport;
import dev.holdfast.socket.internal.Durations;
import dev.holdfast.wire.Hello;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a client and a server are configured with alike. Not thread-safe.
 *
 * @param <B> the builder itself
 */
public abstract sealed class PeerBuilder<B extends PeerBuilder<B>>
        permits ResilientClient.Builder, ResilientServer.Builder {
    static final int MAX_MILLIS = 86_400_000;

    private static final int MIN_LIMIT = 4096;

    LivenessPolicy liveness = LivenessPolicy.detectWithin(Duration.ofSeconds(30));

    @Nullable Consumer<? super ChannelPipeline> pipeline;

    @Nullable HeartbeatProtocol protocol;

    @Nullable HandshakeHook handshake;

    ConnectionListener onEvent = event -> {};
    long outboundLimit = 16 << 20;
    long inboundLimit = 1 << 20;
    Duration closeLimit = Duration.ofSeconds(5);
    int maxMessage = 1 << 20;
    int maxHandshakeMessage = 64 << 10;

    @Nullable EventLoopGroup group;

    @Nullable Transport transport;

    private @Nullable MessageListener<Object> onMessage;
    private @Nullable Executor executor;

    PeerBuilder() {}

    abstract B self();

    /**
     * How a lost peer is noticed; {@code LivenessPolicy.detectWithin(30 s)} by default: a death is noticed before most users have
     * given up, and every common balancer and NAT is kept from forgetting the connection.
     */
    public B liveness(LivenessPolicy policy) {
        this.liveness = Objects.requireNonNull(policy, "liveness");
        return self();
    }

    /**
     * A protocol of one's own instead of the framed one.
     *
     * @param codec adds the handlers that make messages of bytes and bytes of messages; called for each connection, on its
     *     event loop. What comes out of the last of them is given to {@link #onMessage(Class, MessageListener)}
     * @param beats what a heartbeat looks like among these messages
     */
    public B pipeline(Consumer<? super ChannelPipeline> codec, HeartbeatProtocol beats) {
        Objects.requireNonNull(beats, "beats");
        pipeline(codec);
        this.protocol = beats;
        return self();
    }

    /** A protocol of one's own that has no beats: what the kernel does not notice, nothing does. */
    public B pipeline(Consumer<? super ChannelPipeline> codec) {
        this.pipeline = Objects.requireNonNull(codec, "codec");
        this.protocol = null;
        return self();
    }

    /** Is given the messages of the framed protocol. */
    public B onMessage(MessageListener<ByteBuf> listener) {
        return onMessage(ByteBuf.class, listener);
    }

    /**
     * Is given the messages of one's own pipeline.
     *
     * @param type what the pipeline makes; anything else that comes out of it is an error in the log
     */
    public <M> B onMessage(Class<M> type, MessageListener<? super M> listener) {
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(listener, "listener");
        this.onMessage = (connection, message) -> listener.onMessage(connection, type.cast(message));
        return self();
    }

    /** Is told what happens; nobody by default, beside the log. */
    public B onEvent(ConnectionListener listener) {
        this.onEvent = Objects.requireNonNull(listener, "onEvent");
        return self();
    }

    /** What has to be settled with the peer before messages flow; nothing by default. */
    public B handshake(HandshakeHook hook) {
        this.handshake = Objects.requireNonNull(hook, "handshake");
        return self();
    }

    /**
     * What runs listeners, hooks and the completion of stages. By default threads of the library's own, which all clients and
     * servers of the process share: as many as there are callbacks running, ended when idle; a callback may block. An executor
     * given here is never shut down by the library, and must outlive it. One that makes a virtual thread for each task will do.
     * Callbacks that wait for a stage need one thread more than there are such callbacks at once. One that runs tasks on the caller's
     * thread runs them on event loops: then no callback may block.
     */
    public B executor(Executor executor) {
        this.executor = Objects.requireNonNull(executor, "executor");
        return self();
    }

    /**
     * How many bytes may be sent and not known to have arrived: 4096 to 2^40, by default 16 MiB, the flow of 1 Gbit/s over 100 ms and
     * some more. Each message counts 64 bytes beside its own; in a pipeline of one's own buffers and arrays count their bytes, text two a
     * character, other objects nothing more. When it is full {@code send} fails at once.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public B outboundLimit(long bytes) {
        this.outboundLimit = bytes("outboundLimit", bytes, 1L << 40);
        return self();
    }

    /**
     * How many bytes of messages may wait for their listener until reading pauses: 4096 to 2^40, by default 1 MiB, so that a short
     * delay of the listener does not reach the peer. What was read with the message that filled it still comes.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public B inboundLimit(long bytes) {
        this.inboundLimit = bytes("inboundLimit", bytes, 1L << 40);
        return self();
    }

    /**
     * The longest message that the peer may send, in the framed protocol: 1024 bytes to 1 GiB, by default 1 MiB.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public B maxMessage(int bytes) {
        this.maxMessage = message("maxMessage", bytes);
        return self();
    }

    /**
     * The same before the handshake is complete on this side: by default 64 KiB, or {@link #maxMessage} if that is less, so that a
     * stranger cannot make us keep much. Let the hook that accepts say so, and the other wait for it, before it sends more; and as that
     * word may arrive before this side is up, let this be the length of the first messages, too.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public B maxHandshakeMessage(int bytes) {
        this.maxHandshakeMessage = message("maxHandshakeMessage", bytes);
        return self();
    }

    /**
     * How long {@code close()} may take to finish what was sent: 1 ms to 1 day, by default 5 s.
     *
     * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
     */
    public B closeLimit(Duration limit) {
        Durations.wholeMillis("closeLimit", limit, 1, MAX_MILLIS);
        this.closeLimit = limit;
        return self();
    }

    /**
     * Event loops to share with others. They stay yours: the library never shuts them down, and they must outlive it. By default it
     * makes its own, and ends them with its own end.
     *
     * @param transport whose loops they are
     */
    public B eventLoopGroup(EventLoopGroup group, Transport transport) {
        this.group = Objects.requireNonNull(group, "group");
        this.transport = Objects.requireNonNull(transport, "transport");
        return self();
    }

    /** The transport for event loops of the library's own, which it then makes; {@link Transport#preferred()} by default. */
    public B transport(Transport transport) {
        this.transport = Objects.requireNonNull(transport, "transport");
        this.group = null;
        return self();
    }

    MessageListener<Object> messages() {
        MessageListener<Object> listener = onMessage;
        if (listener == null) {
            throw new IllegalStateException("onMessage: none (expected: a listener for what the peer sends)");
        }
        return listener;
    }

    Executor executor() {
        Executor given = executor;
        return given == null ? CallbackExecutor.shared() : given;
    }

    private static long bytes(String option, long bytes, long max) {
        if (bytes < MIN_LIMIT || bytes > max) {
            throw new IllegalArgumentException(
                    option + ": " + bytes + " bytes (expected: " + MIN_LIMIT + " to " + max + ")");
        }
        return bytes;
    }

    private static int message(String option, int bytes) {
        if (bytes < Hello.MIN_MAX_PAYLOAD || bytes > Hello.MAX_PAYLOAD) {
            throw new IllegalArgumentException(option + ": " + bytes + " bytes (expected: " + Hello.MIN_MAX_PAYLOAD
                    + " to " + Hello.MAX_PAYLOAD + ")");
        }
        return bytes;
    }
}
