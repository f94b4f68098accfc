package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.ConnectionEvent;
import dev.holdfast.ConnectionEvent.Closed;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionListener;
import dev.holdfast.Delivery;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Callbacks that throw and call back in, and executors that refuse or run everything at once. */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
class ClientCallbacksIT {
    private static final int MESSAGES = 200;

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void callbacksThatThrow_changeNothing(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        List<Integer> heard = new CopyOnWriteArrayList<>();
        try (ResilientServer server = ClientScene.server(transport, 0).start()) {
            ResilientClient.Builder builder = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .onEvent(event -> {
                        probe.onEvent(event);
                        throw new AssertionError("an Error of the event listener's");
                    })
                    .onMessage((connection, message) -> {
                        heard.add(message.readInt());
                        if (heard.size() % 2 == 0) {
                            throw new IllegalStateException("an exception of the message listener's");
                        }
                        throw new LinkageError("an Error of the message listener's");
                    });
            try (ResilientClient client = builder.start()) {
                client.awaitUp(Duration.ofSeconds(10));
                for (int i = 0; i < MESSAGES; i++) {
                    client.send(new byte[] {0, 0, 0, (byte) (i & 0x7f)});
                }
                ClientProbe.awaitThat("all echoes", () -> heard.size() == MESSAGES);
                assertThat(client.counters().received()).isEqualTo(MESSAGES);
                assertThat(client.counters().ups()).isEqualTo(1);
            }
        }
        probe.assertLawfullyClosed();
    }

    /** Runs something at the first Up, and keeps what it threw. */
    private static final class AtUp implements ConnectionListener {
        private final ClientProbe probe;
        private final java.util.function.Consumer<ResilientClient> task;
        private final AtomicBoolean done = new AtomicBoolean();
        final CompletableFuture<ResilientClient> client = new CompletableFuture<>();
        final CompletableFuture<Duration> result = new CompletableFuture<>();

        AtUp(ClientProbe probe, java.util.function.Consumer<ResilientClient> task) {
            this.probe = probe;
            this.task = task;
        }

        @Override
        public void onEvent(ConnectionEvent event) {
            probe.onEvent(event);
            if (event instanceof Up && done.compareAndSet(false, true)) {
                long start = System.nanoTime();
                try {
                    task.accept(client.join());
                    result.complete(Duration.ofNanos(System.nanoTime() - start));
                } catch (RuntimeException | Error thrown) {
                    result.completeExceptionally(thrown);
                }
            }
        }
    }

    /** How long the callback took. */
    private static Duration inCallback(
            Transport transport, ClientProbe probe, java.util.function.Consumer<ResilientClient> task, boolean ends)
            throws Exception {
        AtUp listener = new AtUp(probe, task);
        try (ResilientServer server = ClientScene.server(transport, 0).start()) {
            ResilientClient client = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .onEvent(listener)
                    .start();
            listener.client.complete(client);
            try (client) {
                Duration took = listener.result.get(20, TimeUnit.SECONDS);
                if (ends) {
                    probe.await(Closed.class);
                }
                return took;
            } finally {
                client.close();
                probe.assertLawfullyClosed();
                ClientProbe.assertSettled(client);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void callsFromCallbacks_never_wait(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        AtomicReference<Delivery> delivery = new AtomicReference<>();
        Duration took = inCallback(
                transport,
                probe,
                client -> {
                    delivery.set(client.send("from the callback"));
                    assertThatThrownBy(() -> client.awaitUp(Duration.ofSeconds(60)))
                            .isInstanceOf(IllegalStateException.class);
                    assertThat(client.connection()).isPresent();
                    client.close();
                },
                true);
        assertThat(took).isLessThan(Duration.ofSeconds(1)); // far below the close limit
        assertThat(Objects.requireNonNull(delivery.get()).state()).isEqualTo(Delivery.State.CONFIRMED);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drainFromACallback_ends(Transport transport) throws Exception {
        inCallback(transport, new ClientProbe(), client -> client.drain(Duration.ofSeconds(1)), true);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void reconnectNowFromACallback_moves(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        AtUp listener = new AtUp(probe, ResilientClient::reconnectNow);
        try (ResilientServer server = ClientScene.server(transport, 0).start()) {
            try (ResilientClient client = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .onEvent(listener)
                    .start()) {
                listener.client.complete(client);
                probe.await(Up.class, 2);
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void directExecutor_works(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        List<Integer> heard = new CopyOnWriteArrayList<>();
        CompletableFuture<String> refused = new CompletableFuture<>();
        // On the event loop: what depends on the stage is there before it completes, and no other thread is left with
        // it.
        AtUp listener = new AtUp(probe, client -> {
            for (int i = 0; i < 100; i++) {
                client.send(new byte[] {(byte) i});
            }
            client.send(new byte[] {100}).confirmed().whenComplete((delivery, error) -> {
                try {
                    client.awaitUp(Duration.ofSeconds(60));
                    refused.complete("awaitUp waited");
                } catch (IllegalStateException here) {
                    refused.complete("refused");
                } catch (Exception other) {
                    refused.completeExceptionally(other);
                }
                client.close(); // on the event loop: does not wait
            });
        });
        try (ResilientServer server =
                ClientScene.server(transport, 0).executor(Runnable::run).start()) {
            ResilientClient.Builder builder = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .executor(Runnable::run)
                    .onEvent(listener)
                    .onMessage((connection, message) -> heard.add((int) message.readByte()));
            try (ResilientClient client = builder.start()) {
                listener.client.complete(client);
                listener.result.get(20, TimeUnit.SECONDS);
                assertThat(refused.get(20, TimeUnit.SECONDS)).isEqualTo("refused");
                probe.await(Closed.class);
            }
        }
        assertThat(heard).startsWith(0, 1, 2, 3).isSorted();
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void executorThatRefuses_endsTheClient_leaksNothing_andConfirmsNothing(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        AtomicBoolean refuses = new AtomicBoolean();
        CompletableFuture<Long> answer = new CompletableFuture<>();
        Executor executor = task -> {
            if (refuses.get()) {
                throw new RejectedExecutionException("no more");
            }
            new Thread(task, "given").start();
        };
        try (RawServer server = new RawServer(socket -> {
            RawFrames raw = new RawFrames(socket).hello();
            ClientProbe.awaitThat("the refusals", refuses::get);
            try {
                for (int i = 0; i < MESSAGES; i++) {
                    raw.data("x".repeat(2000));
                }
                raw.send(Frames.ping(UnpooledByteBufAllocator.DEFAULT, Frames.CONFIRMATION_BIT | 7, 0));
                answer.complete(raw.read(FrameType.PONG).payload().getLong(0));
            } catch (IOException ended) {
                answer.complete(0L);
            }
        })) {
            try (ResilientClient client = ClientScene.client(transport, probe, server.port())
                    .executor(executor)
                    .start()) {
                probe.await(Up.class);
                refuses.set(true);
                Ending ending = client.closed().toCompletableFuture().get(20, TimeUnit.SECONDS);
                assertThat(ending.kind()).isEqualTo(Ending.Kind.REFUSED);
                assertThat(ending.reason()).contains("executor refuses");
                assertThat(answer.get(20, TimeUnit.SECONDS))
                        .as("a proof for what was dropped")
                        .isZero();
                probe.assertLawful();
                ClientProbe.assertSettled(client);
            }
        }
    }
}
