package dev.holdfast;

import dev.holdfast.socket.internal.Durations;
import io.netty.channel.ChannelHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.resolver.NameResolver;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A connection that looks after itself: it connects, notices every dead peer within the bound of its {@link
 * dev.holdfast.policy.LivenessPolicy}, comes back, and says of each message what is known of it.
 *
 * <pre>{@code
 * try (ResilientClient client = ResilientClient.builder("hsm.internal", 7000)
 *         .liveness(LivenessPolicy.detectWithin(Duration.ofSeconds(10)))
 *         .onMessage((connection, message) -> System.out.println(message.toString(UTF_8)))
 *         .onEvent(System.out::println)
 *         .start()) {
 *     client.awaitUp(Duration.ofSeconds(5));
 *     client.send("hello").confirmed().toCompletableFuture().join(); // read by the peer's program
 * }
 * }</pre>
 *
 * <p>Thread-safe; all methods may be called from any thread and from callbacks, and only {@link #awaitUp} and {@link #close} wait. Stages
 * complete on the callback executor.
 */
public final class ResilientClient implements AutoCloseable {
    /** What a wait for the end allows beyond the close limit: the end of the event loops. */
    private static final long CLOSE_EXTRA_MILLIS = 2000;

    private final ClientLife life;

    private ResilientClient(Builder builder) {
        this.life = new ClientLife(builder);
    }

    /** A builder for one endpoint. */
    public static Builder builder(String host, int port) {
        return builder(List.of(new Endpoint(host, port)));
    }

    /**
     * A builder for several endpoints, tried in turn.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Builder builder(List<Endpoint> endpoints) {
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("endpoints: none (expected: one at least)");
        }
        List<Endpoint> fixed = List.copyOf(endpoints);
        return new Builder(
                fixed.get(0) + (fixed.size() == 1 ? "" : " and " + (fixed.size() - 1) + " more"),
                new FixedEndpoints(fixed));
    }

    /**
     * A builder for endpoints that may change.
     *
     * @param name for events and the log
     */
    public static Builder builder(String name, EndpointSource source) {
        return new Builder(Objects.requireNonNull(name, "name"), Objects.requireNonNull(source, "source"));
    }

    /**
     * Sends a message, on the connection that is up, or as {@link ReconnectOptions#bufferBytes()} says. Never waits. The order of the
     * messages of one thread is kept.
     *
     * @param message see {@link Connection#send}
     * @throws IllegalArgumentException if the framed protocol cannot send such a message
     */
    public Delivery send(Object message) {
        return life.send(message);
    }

    /** The connection that is up, or that drains; empty while there is none. */
    public Optional<Connection> connection() {
        return life.connection();
    }

    /** Where it stands. */
    public ConnectionState state() {
        return life.state();
    }

    /** The numbers so far. */
    public Counters counters() {
        return life.counting().now();
    }

    /** Whether {@link #send} has room for more: less than half of {@code outboundLimit} is used, or less than a quarter again. */
    public boolean isWritable() {
        return life.outbound.isWritable();
    }

    /** Bytes of messages that were sent and are not confirmed yet, or not written yet where nothing confirms. */
    public long backlog() {
        return life.outbound.backlog();
    }

    /** Completes with the connection as soon as it is up, at once if it is; fails with {@link IllegalStateException} at the end. */
    public CompletionStage<Connection> up() {
        return life.up().stage();
    }

    /**
     * Waits until the connection is up.
     *
     * @throws TimeoutException if it is not within the limit, naming the state and why the last attempt failed
     * @throws IllegalStateException if it has ended, or from a callback or an event loop, which must not wait
     */
    public Connection awaitUp(Duration limit) throws InterruptedException, TimeoutException {
        life.refuseToWaitHere("awaitUp");
        long millis = Durations.wholeMillis("awaitUp limit", limit, 1, PeerBuilder.MAX_MILLIS);
        try {
            return life.up().future().get(millis, TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            TimeoutException named =
                    new TimeoutException(life.name + ": " + state() + " after " + limit + life.lastFailure());
            named.initCause(late);
            throw named;
        } catch (ExecutionException ended) {
            throw new IllegalStateException(life.name + ": " + state() + life.lastFailure(), ended);
        }
    }

    /**
     * Asks the peer now and gives the round-trip time; fails with {@link IllegalStateException} if there is no connection, otherwise as
     * {@link Connection#probe}.
     */
    public CompletionStage<Duration> probe() {
        return connection()
                .map(Connection::probe)
                .orElseGet(() -> CompletableFuture.failedStage(
                        new IllegalStateException(life.name + ": " + state() + " (expected: UP, to be probed)")));
    }

    /**
     * Cuts a wait short; a connection that is up is drained within the close limit, and another follows. Nothing happens while an attempt
     * is under way, while draining and after the end. The budget of attempts is kept.
     */
    public void reconnectNow() {
        life.reconnectNow();
    }

    /**
     * Finishes what was sent, closes and ends: no connection follows. Without a connection that is up it ends at once, and what waits for
     * one is NOT_SENT.
     *
     * @param span how long it may take: 1 ms to 1 day
     * @return completes at the end with how it ended
     */
    public CompletionStage<Ending> drain(Duration span) {
        Durations.wholeMillis("drain span", span, 1, PeerBuilder.MAX_MILLIS);
        return life.end(span, "drained");
    }

    /** {@link #drain} within the close limit. */
    public CompletionStage<Ending> closeAsync() {
        return life.end(life.settings.closeLimit, "closed");
    }

    /** Completes at the end, whoever brings it about. */
    public CompletionStage<Ending> closed() {
        return life.closed.minimalCompletionStage();
    }

    /**
     * {@link #closeAsync}, and waits for the end: not longer than the close limit and two seconds. From a callback or an event loop it
     * does not wait. An interrupt ends the wait, not the close.
     */
    @Override
    public void close() {
        closeAsync();
        if (!life.mustNotWaitHere()) {
            Waiting.atMost(life.closed, life.settings.closeLimit.toMillis() + CLOSE_EXTRA_MILLIS);
        }
    }

    /** Name and state, for people. */
    @Override
    public String toString() {
        return "ResilientClient[" + life.name + ", " + state() + "]";
    }

    /** Configures a client. Not thread-safe; may be used for several clients. */
    public static final class Builder extends PeerBuilder<Builder> {
        final String name;
        final EndpointSource source;
        ReconnectOptions reconnect = ReconnectOptions.defaults();

        @Nullable SslContext tls;

        boolean checksHost = true;

        @Nullable NameResolver<InetAddress> resolver;

        @Nullable Supplier<? extends ChannelHandler> proxy;

        private Builder(String name, EndpointSource source) {
            this.name = name;
            this.source = source;
        }

        @Override
        Builder self() {
            return this;
        }

        /** When and how often to connect again, and what happens to messages meanwhile. */
        public Builder reconnect(ReconnectOptions options) {
            this.reconnect = Objects.requireNonNull(options, "reconnect");
            return this;
        }

        /** TLS in front of everything; the certificate must be for the endpoint's host. */
        public Builder tls(SslContext context) {
            return tls(context, true);
        }

        /**
         * TLS in front of everything.
         *
         * @param checksHost whether the certificate must be for the endpoint's host; without that anybody who has a certificate
         *     of the same authority can pass for the peer
         * @throws IllegalArgumentException if the context is a server's
         */
        public Builder tls(SslContext context, boolean checksHost) {
            if (context.isServer()) {
                throw new IllegalArgumentException("tls: a server's context (expected: a client's)");
            }
            this.tls = context;
            this.checksHost = checksHost;
            return this;
        }

        /**
         * What resolves names, in every round; asked on the event loop, so it must not block, as Netty's {@code DefaultNameResolver}
         * does. By default the JDK's, on threads of the library's own; it keeps what it finds for as long as the security property
         * {@code networkaddress.cache.ttl} says, 30 s by default. netty-resolver-dns fits, too, with a query timeout well below
         * {@link ReconnectOptions.Builder#resolveLimit}. It is not closed with the client.
         */
        public Builder resolver(NameResolver<InetAddress> resolver) {
            this.resolver = Objects.requireNonNull(resolver, "resolver");
            return this;
        }

        /**
         * A proxy's handler, such as those of netty-handler-proxy, to stand in front of everything; a new one for each attempt. Names then
         * are not resolved here: the proxy is told them. Asked on the event loop: it must not block. With a pipeline of one's own and
         * without TLS the handler must fire {@code ProxyConnectionEvent}, as those do, when the way is open.
         */
        public Builder proxy(Supplier<? extends ChannelHandler> handler) {
            this.proxy = Objects.requireNonNull(handler, "proxy");
            return this;
        }

        /**
         * Starts the client; the first attempt is under way when this returns.
         *
         * @throws IllegalStateException if {@code onMessage} was not set, or the transport is not available
         * @throws IllegalArgumentException if {@code bufferBytes} is more than {@code outboundLimit}
         */
        public ResilientClient start() {
            if (reconnect.bufferBytes() > outboundLimit) {
                throw new IllegalArgumentException("bufferBytes: " + reconnect.bufferBytes()
                        + " (expected: at most the outboundLimit, " + outboundLimit + ", which counts them, too)");
            }
            ResilientClient client = new ResilientClient(this);
            client.life.start();
            return client;
        }
    }
}
