package dev.holdfast;

import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.internal.Durations;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Collection;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The other end: accepts connections within limits, judges each of them by itself, and lets them go one by one.
 *
 * <pre>{@code
 * ResilientServer server = ResilientServer.builder(7000)
 *         .maxConnections(10_000)
 *         .onMessage((connection, message) -> connection.send(answer(message)))
 *         .start();
 * Runtime.getRuntime().addShutdownHook(new Thread(() -> server.drain(ofSeconds(30)).toCompletableFuture().join()));
 * }</pre>
 *
 * <p>Thread-safe; all methods may be called from any thread and from callbacks, and only {@link #close} and the builder's {@code start} wait. Stages complete on the
 * callback executor.
 */
public final class ResilientServer implements AutoCloseable {
    /** What a wait for the end allows beyond the close limit: the end of the event loops. */
    private static final long CLOSE_EXTRA_MILLIS = 2000;

    private final ServerLife life;

    private ResilientServer(Builder builder) {
        this.life = new ServerLife(builder);
    }

    /** A builder for a port of every address of this host; 0 takes a free one. */
    public static Builder builder(int port) {
        return new Builder(new InetSocketAddress(port));
    }

    /** A builder for one address. */
    public static Builder builder(InetSocketAddress local) {
        return new Builder(Objects.requireNonNull(local, "local"));
    }

    /** Where it listens, or listened. */
    public InetSocketAddress localAddress() {
        return life.localAddress();
    }

    /** What was really applied to the listening socket; each connection has a report of its own. */
    public OptionReport options() {
        return life.options();
    }

    /** The connections that are up or drain, at this moment. */
    public Collection<Connection> connections() {
        return life.connections();
    }

    /** The numbers so far, of all connections. */
    public Counters counters() {
        return life.counting.now();
    }

    /**
     * Loads the TLS context anew, for connections to come. Does not wait.
     *
     * @return fails with what the {@link TlsSource} throws, and the last good context stays in use; with {@link IllegalStateException}
     *     if there is no TLS
     */
    public CompletionStage<Void> reloadTls() {
        return life.reloadTls();
    }

    /**
     * Accepts no more, asks the clients one by one, spread evenly, to move away, and closes what remains, so that all are gone
     * within the span. With the framed protocol a client is asked by a DRAIN that tells it what is left of the span; with a pipeline
     * of one's own there is no such word, and its connection is drained from here.
     *
     * @param span 1 ms to 1 day
     * @return completes when the last connection is gone and its listener has been told, or a close limit later where a listener blocks
     */
    public CompletionStage<Ending> drain(Duration span) {
        Durations.wholeMillis("drain span", span, 1, PeerBuilder.MAX_MILLIS);
        return life.drain(span, true);
    }

    /** Accepts no more and drains all connections at once, within the close limit. */
    public CompletionStage<Ending> closeAsync() {
        return life.drain(life.settings.closeLimit, false);
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

    /** The address and the number of connections, for people. */
    @Override
    public String toString() {
        return "ResilientServer[" + localAddress() + ", " + connections().size() + " connections]";
    }

    /** Configures a server. Not thread-safe; may be used for several servers. */
    public static final class Builder extends PeerBuilder<Builder> {
        private static final int MOST = 1 << 24;

        final InetSocketAddress local;
        int maxConnections = 10_000;
        int maxConnectionsPerAddress = 1_000;
        int maxHandshakes = 1_000;
        Duration handshakeLimit = Duration.ofSeconds(10);

        @Nullable TlsSource tls;

        @Nullable Duration tlsReload;

        private Builder(InetSocketAddress local) {
            this.local = local;
        }

        @Override
        Builder self() {
            return this;
        }

        /**
         * How many connections there may be: 1 to 2^24, by default 10,000. One more is told OVERLOADED, in the framed protocol, and
         * closed.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder maxConnections(int most) {
            this.maxConnections = count("maxConnections", most);
            return this;
        }

        /**
         * How many of them from one address: 1 to 2^24, by default 1,000, which leaves room for the many clients behind one NAT. The
         * addresses of an IPv6 network (/64) count as one.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder maxConnectionsPerAddress(int most) {
            this.maxConnectionsPerAddress = count("maxConnectionsPerAddress", most);
            return this;
        }

        /**
         * How many may be between accept and the end of their handshake: 1 to 2^24, by default 1,000. One more is closed without a
         * word.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder maxHandshakes(int most) {
            this.maxHandshakes = count("maxHandshakes", most);
            return this;
        }

        /**
         * How long TLS, HELLO and the handshake hook may take together, from the accept on: 1 ms to 1 day, by default 10 s, which a
         * segment lost three times still meets.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder handshakeLimit(Duration limit) {
            Durations.wholeMillis("handshakeLimit", limit, 1, MAX_MILLIS);
            this.handshakeLimit = limit;
            return this;
        }

        /** TLS in front of everything. */
        public Builder tls(TlsSource source) {
            this.tls = Objects.requireNonNull(source, "tls");
            return this;
        }

        /**
         * How often the TLS context is loaded anew by itself: 1 s to 1 day; never by default. What fails is logged, and the last good
         * context stays in use.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder tlsReload(Duration every) {
            Durations.wholeMillis("tlsReload", every, 1000, MAX_MILLIS);
            this.tlsReload = every;
            return this;
        }

        /**
         * Binds and starts the server; it accepts when this returns.
         *
         * @throws UncheckedIOException if it cannot bind, or an option under {@link dev.holdfast.socket.OptionPolicy#FAIL} is not in
         *     force
         * @throws IllegalStateException if {@code onMessage} was not set, the transport is not available, the TLS context cannot be
         *     loaded, or on an event loop of the shared group, which must not wait
         */
        public ResilientServer start() {
            ResilientServer server = new ResilientServer(this);
            server.life.start();
            return server;
        }

        private static int count(String option, int most) {
            if (most < 1 || most > MOST) {
                throw new IllegalArgumentException(option + ": " + most + " (expected: 1 to " + MOST + ")");
            }
            return most;
        }
    }
}
