package dev.holdfast.examples;

import dev.holdfast.Connection;
import dev.holdfast.ConnectionEvent;
import dev.holdfast.Delivery;
import dev.holdfast.Ending;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** {@code listen} with limits: a {@link ResilientServer} that tells what happens to each of its clients. Thread-safe. */
final class Serving {
    private static final long LAST_WORDS_SECONDS = 5;

    private final Spoken spoken;
    private final ServerArguments limits;
    private final boolean echo;
    private final EventLog log;
    /** Clients by epoch whose end is not printed yet. */
    private final Map<Long, CompletableFuture<?>> open = new ConcurrentHashMap<>();

    private final ConnectionEvents events = new ConnectionEvents();

    Serving(Spoken spoken, ServerArguments limits, boolean echo, EventLog log) {
        this.spoken = spoken;
        this.limits = limits;
        this.echo = echo;
        this.log = log;
    }

    /**
     * Serves until the end.
     *
     * @param limit after which it ends; empty: at a signal
     * @throws java.io.UncheckedIOException if it cannot listen
     */
    void serve(InetSocketAddress local, Transport transport, Optional<Duration> limit)
            throws InterruptedException, ExecutionException {
        ResilientServer.Builder builder =
                ResilientServer.builder(local).transport(transport).onEvent(this::print);
        limits.applyTo(builder);
        ResilientServer server = spoken.by(builder, this::received).start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(server), "signal"));
        log.print(
                "listening",
                server.localAddress().toString(),
                Details.fields(
                        "local", server.localAddress().toString(),
                        "port", server.localAddress().getPort()));
        CompletableFuture<Ending> closed = server.closed().toCompletableFuture();
        if (limit.isEmpty()) {
            closed.get();
            return;
        }
        try {
            closed.get(limit.get().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException over) {
            end(server);
        }
    }

    /** Drains, or closes, and says so. Whoever comes second finds it done. */
    private synchronized void end(ResilientServer server) {
        CompletableFuture<Ending> closed = server.closed().toCompletableFuture();
        if (closed.isDone()) {
            return;
        }
        int connections = server.connections().size();
        Optional<Duration> span = limits.drain();
        span.ifPresent(within -> log.print(
                "draining",
                connections + " clients, within " + Times.text(within),
                Details.fields("connections", connections, "spanMillis", within.toMillis())));
        span.map(server::drain)
                .orElseGet(server::closeAsync)
                .toCompletableFuture()
                .join();
        CompletableFuture.allOf(open.values().toArray(CompletableFuture[]::new))
                .completeOnTimeout(null, LAST_WORDS_SECONDS, TimeUnit.SECONDS)
                .join();
        log.print(
                span.isPresent() ? "drained" : "closed",
                "no client is left; " + ConnectionEvents.text(server.counters()),
                ConnectionEvents.of(server.counters()));
    }

    private void received(Connection connection, String line) {
        String client = name(connection);
        print(client, "received", EventLog.printable(line), Details.fields("data", line));
        if (echo) {
            Delivery delivery = connection.send(line);
            delivery.confirmed().whenComplete((confirmed, notConfirmed) -> {
                if (notConfirmed != null) {
                    Happening fate = ConnectionEvents.of(delivery, line);
                    print(client, fate.name(), fate.text(), fate.fields());
                }
            });
        }
    }

    private static String name(Connection connection) {
        InetSocketAddress remote = connection.remoteAddress();
        return new Endpoint(remote.getAddress().getHostAddress(), remote.getPort()).toString();
    }

    private void print(ConnectionEvent event) {
        if (event instanceof ConnectionEvent.Writability change) {
            // While a client does not take what is sent back to it, no more is read from it.
            if (change.writable()) {
                change.connection().resume();
            } else {
                change.connection().pause();
            }
        }
        if (event instanceof ConnectionEvent.Up) {
            open.put(event.moment().epoch(), new CompletableFuture<>());
        }
        Happening happening = events.of(event);
        print(event.moment().name(), happening.name(), happening.text(), happening.fields());
        CompletableFuture<?> told = event instanceof ConnectionEvent.Down
                ? open.remove(event.moment().epoch())
                : null;
        if (told != null) {
            told.complete(null);
        }
    }

    private void print(String client, String event, String text, Map<String, ?> details) {
        Map<String, @Nullable Object> fields = Details.fields("client", client);
        fields.putAll(details);
        log.print(event, "[" + client + "] " + text, fields);
    }
}
