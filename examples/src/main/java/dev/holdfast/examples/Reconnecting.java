package dev.holdfast.examples;

import dev.holdfast.ConnectionEvent;
import dev.holdfast.Delivery;
import dev.holdfast.Ending;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.ResilientClient;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** {@code connect --reconnect}: a {@link ResilientClient} that tells what happens to it and to what it sends. Thread-safe. */
final class Reconnecting {
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);
    private static final long LAST_WORDS_SECONDS = 5;

    private final Endpoint endpoint;
    private final Spoken spoken;
    private final ReconnectOptions reconnect;
    private final EventLog log;
    private final ConnectionEvents events = new ConnectionEvents();

    /** Completed when the last event is printed. */
    private final CompletableFuture<Ending> closed = new CompletableFuture<>();

    /** Messages of which it is not told yet what is known of them. */
    private final Map<Long, CompletableFuture<?>> untold = new ConcurrentHashMap<>();

    Reconnecting(Endpoint endpoint, Spoken spoken, ReconnectOptions reconnect, EventLog log) {
        this.endpoint = endpoint;
        this.spoken = spoken;
        this.reconnect = reconnect;
        this.log = log;
    }

    /**
     * Holds the connection.
     *
     * @param limit after which it is closed; empty: never
     * @return how it ended
     */
    Ending hold(Transport transport, Optional<Duration> limit) throws InterruptedException, ExecutionException {
        ResilientClient.Builder builder = ResilientClient.builder(endpoint.host(), endpoint.port())
                .transport(transport)
                .reconnect(reconnect)
                .closeLimit(CLOSE_LIMIT)
                .onEvent(this::print);
        ResilientClient client = spoken.by(
                        builder,
                        (connection, line) ->
                                log.print("received", EventLog.printable(line), Details.fields("data", line)))
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> endAtSignal(client), "signal"));
        Thread input = new Thread(() -> sendInput(client), "standard-input");
        input.setDaemon(true);
        input.start();
        if (limit.isPresent()) {
            endAfter(client, limit.get());
        }
        Ending ending = closed.get();
        awaitLastWords();
        return ending;
    }

    /** Nothing happens if it has ended already. */
    private void endAtSignal(ResilientClient client) {
        client.close();
        try {
            closed.get(LAST_WORDS_SECONDS, TimeUnit.SECONDS);
            awaitLastWords();
        } catch (InterruptedException | ExecutionException | TimeoutException late) {
            log.warn("the end was not told within " + LAST_WORDS_SECONDS + " s");
        }
    }

    private void endAfter(ResilientClient client, Duration limit) throws InterruptedException, ExecutionException {
        try {
            closed.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException over) {
            client.closeAsync();
        }
    }

    private void print(ConnectionEvent event) {
        Happening happening = events.of(event);
        log.print(happening.name(), happening.text(), happening.fields());
        if (event instanceof ConnectionEvent.Closed last) {
            closed.complete(last.ending());
        }
    }

    /** What is typed before the first connection is up waits for it. */
    private void sendInput(ResilientClient client) {
        try {
            client.up().toCompletableFuture().join();
        } catch (CompletionException ended) {
            return; // it is told by its last event
        }
        InputLines.forEach(log, line -> {
            Delivery delivery = client.send(line);
            CompletableFuture<Void> told = new CompletableFuture<>();
            untold.put(delivery.id(), told);
            delivery.confirmed().whenComplete((confirmed, notConfirmed) -> {
                tell(delivery, line);
                untold.remove(delivery.id());
                told.complete(null);
            });
            if (!client.isWritable()) {
                told.join();
            }
        });
    }

    private void tell(Delivery delivery, String line) {
        if (delivery.state() != Delivery.State.CONFIRMED) {
            Happening fate = ConnectionEvents.of(delivery, line);
            log.print(fate.name(), fate.text(), fate.fields());
        }
    }

    /** The fates are told on threads of their own, which may be behind the end. */
    private void awaitLastWords() throws InterruptedException, ExecutionException {
        try {
            CompletableFuture.allOf(untold.values().toArray(CompletableFuture[]::new))
                    .get(LAST_WORDS_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException late) {
            log.warn(untold.size() + " messages without a known fate");
        }
    }
}
