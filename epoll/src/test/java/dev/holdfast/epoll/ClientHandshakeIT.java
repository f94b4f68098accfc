package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent.Closed;
import dev.holdfast.ConnectionEvent.Connecting;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionEvent.Waiting;
import dev.holdfast.Ending;
import dev.holdfast.Handshake;
import dev.holdfast.HandshakeHook;
import dev.holdfast.HandshakeRefusedException;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The handshake of the application: it succeeds, fails, hangs, and refuses for good or for a credential. */
class ClientHandshakeIT {
    private static final Duration LIMIT = Duration.ofMillis(400);

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    private static String text(Object message) {
        return ((ByteBuf) message).toString(StandardCharsets.UTF_8);
    }

    private static CompletionStage<?> greet(Handshake talk, String name, List<String> heard) {
        return talk.send("I am " + name)
                .thenCompose(sent -> talk.receive())
                .thenCompose(first -> {
                    heard.add(text(first));
                    return talk.send("welcome").thenCompose(sent -> talk.receive());
                })
                .thenAccept(second -> heard.add(text(second)));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void bothHooks_talkToEachOther_andMessagesFlowBehindThem(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        List<String> clientHeard = new CopyOnWriteArrayList<>();
        List<String> serverHeard = new CopyOnWriteArrayList<>();
        List<Long> epochs = new CopyOnWriteArrayList<>();
        try (ResilientServer server = ClientScene.server(transport, 0)
                .handshake(talk -> greet(talk, "the server", serverHeard))
                .start()) {
            ResilientClient.Builder builder = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .handshake(talk -> {
                        epochs.add(talk.epoch());
                        return greet(talk, "the client", clientHeard);
                    });
            try (ResilientClient client = builder.start()) {
                client.awaitUp(Duration.ofSeconds(20));
                client.send("message").confirmed().toCompletableFuture().get(10, TimeUnit.SECONDS);
                assertThat(clientHeard).containsExactly("I am the server", "welcome");
                assertThat(serverHeard).containsExactly("I am the client", "welcome");
                assertThat(epochs).containsExactly(1L);
                ClientProbe.awaitThat("the echo", () -> client.counters().received() == 1);
                assertThat(client.counters().sent()).isEqualTo(1); // the handshake's own do not count
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void messagesDuringTheHandshake_comeAfterUp_inOrder(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        List<String> heard = new CopyOnWriteArrayList<>();
        CompletableFuture<Void> done = new CompletableFuture<>();
        try (RawServer server = new RawServer(socket -> new RawFrames(socket)
                .helloWith("for the hook", "1") // in one read, very likely
                .data("2")
                .data("3")
                .answerToTheEnd())) {
            ResilientClient.Builder builder = ClientScene.client(transport, probe, server.port())
                    .handshake(talk -> talk.receive().thenCompose(first -> {
                        heard.add(text(first));
                        return done;
                    }))
                    .onMessage((connection, message) ->
                            heard.add(text(message) + (probe.count(Up.class) == 1 ? " up" : " early")));
            try (ResilientClient client = builder.start()) {
                ClientProbe.awaitThat("the first", () -> !heard.isEmpty());
                assertThat(client.counters().ups()).isZero();
                done.complete(null);
                ClientProbe.awaitThat("all", () -> heard.size() == 4);
            } finally {
                done.complete(null);
            }
        }
        assertThat(heard).containsExactly("for the hook", "1 up", "2 up", "3 up");
        probe.assertLawfullyClosed();
    }

    /** Fails with this hook again and again, and says why. */
    private static List<Waiting> fails(Transport transport, HandshakeHook hook, int times) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (ResilientServer server = ClientScene.server(transport, 0).start()) {
            ResilientClient.Builder builder = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .reconnect(ClientScene.reconnect().handshakeLimit(LIMIT).build())
                    .handshake(hook);
            try (ResilientClient client = builder.start()) {
                probe.await(Waiting.class, times);
                assertThat(client.counters().ups()).isZero();
            }
        }
        probe.assertLawfullyClosed();
        List<Waiting> waits = probe.all(Waiting.class);
        assertThat(waits)
                .allSatisfy(
                        each -> assertThat(each.why().orElseThrow().kind()).isEqualTo(Ending.Kind.HANDSHAKE_FAILED));
        return waits;
    }

    @ParameterizedTest
    @MethodSource("transports")
    void failedHook_isTriedAgain(Transport transport) throws Exception {
        List<Waiting> waits =
                fails(transport, talk -> CompletableFuture.failedStage(new IllegalStateException("no token")), 4);
        assertThat(waits)
                .allSatisfy(
                        each -> assertThat(each.why().orElseThrow().reason()).contains("no token"));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void throwingHook_isTriedAgain(Transport transport) throws Exception {
        List<Waiting> waits = fails(
                transport,
                talk -> {
                    throw new AssertionError("broken hook");
                },
                4);
        assertThat(waits)
                .allSatisfy(
                        each -> assertThat(each.why().orElseThrow().reason()).contains("broken hook"));
    }

    @ParameterizedTest
    @MethodSource("transports")
    @SuppressWarnings("NullAway") // what users do
    void hookThatReturnsNull_isTriedAgain(Transport transport) throws Exception {
        assertThat(fails(transport, talk -> null, 2)).isNotEmpty();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void hookThatNeverCompletes_endsAtTheLimit(Transport transport) throws Exception {
        List<CompletableFuture<Object>> asked = new CopyOnWriteArrayList<>();
        List<Waiting> waits = fails(
                transport,
                talk -> {
                    CompletableFuture<Object> never = talk.receive().toCompletableFuture();
                    asked.add(never);
                    return never;
                },
                2);
        assertThat(waits)
                .allSatisfy(each -> assertThat(
                                each.why().orElseThrow().death().orElseThrow().cause())
                        .isEqualTo(DeathCause.HANDSHAKE_DEADLINE));
        assertThat(waits.get(0).moment().at()).isBetween(LIMIT, LIMIT.plusMillis(700)); // room for a busy machine
        ClientProbe.awaitThat("no question is left", () -> asked.stream().allMatch(CompletableFuture::isDone));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void refusalForGood_isTheEnd(Transport transport) throws Exception {
        Closed closed = end(
                transport,
                1,
                talk -> CompletableFuture.failedStage(
                        new CompletionException(HandshakeRefusedException.forGood("account closed"))));
        assertThat(closed.ending().reason()).contains("account closed");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void sameCredentialRefusedTwice_isTheEnd(Transport transport) throws Exception {
        Closed closed = end(transport, 2, talk -> {
            throw HandshakeRefusedException.ofCredential("key 7", "wrong key 7");
        });
        assertThat(closed.ending().reason()).contains("wrong key 7");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void differentCredentials_areTriedOnAndOn_untilOneComesTwice(Transport transport) throws Exception {
        AtomicInteger attempt = new AtomicInteger();
        end(transport, 6, talk -> {
            int key = Math.min(5, attempt.incrementAndGet());
            throw HandshakeRefusedException.ofCredential(key, "wrong key " + key);
        });
    }

    @ParameterizedTest
    @MethodSource("transports")
    void sameCredentialRefusedTwiceByTheServer_isTheEnd(Transport transport) throws Exception {
        AtomicInteger attempt = new AtomicInteger();
        ClientProbe probe = new ClientProbe();
        HandshakeHook doorman = talk -> talk.receive()
                .thenCompose(key -> CompletableFuture.failedStage(new IllegalStateException("nobody knows that key")));
        try (ResilientServer server =
                        ClientScene.server(transport, 0).handshake(doorman).start();
                ResilientClient client = ClientScene.client(
                                transport, probe, server.localAddress().getPort())
                        .handshake(talk -> {
                            String key = "key " + Math.min(3, attempt.incrementAndGet());
                            talk.using(key);
                            return talk.send(key).thenCompose(sent -> talk.receive());
                        })
                        .start()) {
            Closed closed = probe.await(Closed.class);
            assertThat(closed.ending().kind()).isEqualTo(Ending.Kind.REFUSED);
            assertThat(closed.ending().reason()).contains("CLOSE REFUSED");
            assertThat(client.counters().attempts()).isEqualTo(4); // key 1, key 2, key 3, key 3
        }
    }

    /** Ends by itself after so many attempts. */
    private static Closed end(Transport transport, int attempts, HandshakeHook hook) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (ResilientServer server = ClientScene.server(transport, 0).start()) {
            ResilientClient.Builder builder = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .handshake(hook);
            try (ResilientClient client = builder.start()) {
                Closed closed = probe.await(Closed.class);
                assertThat(closed.ending().kind()).isEqualTo(Ending.Kind.REFUSED);
                assertThat(client.closed().toCompletableFuture().get(10, TimeUnit.SECONDS))
                        .isEqualTo(closed.ending());
                assertThat(client.up().toCompletableFuture()).isCompletedExceptionally();
            }
            assertThat(probe.count(Connecting.class)).isEqualTo(attempts);
        }
        probe.assertLawfullyClosed();
        return probe.await(Closed.class);
    }
}
