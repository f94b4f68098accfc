package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionEvent.Waiting;
import dev.holdfast.Ending;
import dev.holdfast.Endpoint;
import dev.holdfast.EndpointSource;
import dev.holdfast.ResilientClient;
import dev.holdfast.socket.Transport;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Sources of endpoints that fail in every way, and are asked again. */
class ClientEndpointsIT {
    private static final RawServer.Script LIVING =
            socket -> new RawFrames(socket).hello().answerToTheEnd();

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    /** Fails once, then knows the right one. */
    private static void assertFailsOnce(Transport transport, EndpointSource broken, String reason) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (RawServer server = new RawServer(LIVING)) {
            AtomicInteger asked = new AtomicInteger();
            EndpointSource source = () -> asked.incrementAndGet() == 1 ? broken.endpoints() : right(server);
            try (ResilientClient client = ClientScene.set(ResilientClient.builder("service", source), transport, probe)
                    .start()) {
                Waiting waiting = probe.await(Waiting.class);
                assertThat(waiting.why().orElseThrow().kind()).isEqualTo(Ending.Kind.RESOLVE_FAILED);
                assertThat(waiting.why().orElseThrow().reason()).contains(reason);
                assertThat(waiting.moment().at()).isLessThan(Duration.ofSeconds(4)); // told, not timed out
                probe.await(Up.class);
                assertThat(client.counters().attempts()).isEqualTo(1);
            }
        }
        probe.assertLawfullyClosed();
    }

    private static CompletionStage<List<Endpoint>> right(RawServer server) {
        return CompletableFuture.completedFuture(List.of(new Endpoint("127.0.0.1", server.port())));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void failedStage_isARoundThatFailed(Transport transport) throws Exception {
        assertFailsOnce(
                transport, () -> CompletableFuture.failedStage(new IOException("directory away")), "directory away");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void exception_isARoundThatFailed(Transport transport) throws Exception {
        assertFailsOnce(
                transport,
                () -> {
                    throw new IllegalStateException("directory broken");
                },
                "directory broken");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void error_isARoundThatFailed(Transport transport) throws Exception {
        assertFailsOnce(
                transport,
                () -> {
                    throw new AssertionError("directory wrecked");
                },
                "directory wrecked");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void noEndpoints_areARoundThatFailed(Transport transport) throws Exception {
        assertFailsOnce(transport, () -> CompletableFuture.completedFuture(List.of()), "gave none");
    }

    @ParameterizedTest
    @MethodSource("transports")
    @SuppressWarnings("NullAway") // what users do
    void nullStage_isARoundThatFailed(Transport transport) throws Exception {
        assertFailsOnce(transport, () -> null, "source of endpoints");
    }

    @ParameterizedTest
    @MethodSource("transports")
    @SuppressWarnings("NullAway") // what users do
    void nullList_isARoundThatFailed(Transport transport) throws Exception {
        assertFailsOnce(transport, () -> CompletableFuture.completedFuture(null), "gave none");
    }

    @ParameterizedTest
    @MethodSource("transports")
    @SuppressWarnings("NullAway") // what users do
    void nullEndpoint_isARoundThatFailed(Transport transport) throws Exception {
        assertFailsOnce(
                transport,
                () -> CompletableFuture.completedFuture(Arrays.asList((Endpoint) null)),
                "source of endpoints");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void sourceThatBlocks_hasTheResolveLimit_andTheLoopGoesOn(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        ClientProbe others = new ClientProbe();
        Duration limit = Duration.ofMillis(300);
        CountDownLatch open = new CountDownLatch(1);
        try (Loopback net = new Loopback(transport);
                RawServer server = new RawServer(LIVING)) {
            AtomicInteger asked = new AtomicInteger();
            EndpointSource source = () -> {
                if (asked.incrementAndGet() == 1) {
                    await(open);
                }
                return right(server);
            };
            ResilientClient.Builder builder = ClientScene.set(
                            ResilientClient.builder("service", source), transport, probe)
                    .eventLoopGroup(net.group, transport)
                    .reconnect(ClientScene.reconnect().resolveLimit(limit).build());
            ResilientClient.Builder other =
                    ClientScene.client(transport, others, server.port()).eventLoopGroup(net.group, transport);
            try (ResilientClient client = builder.start();
                    ResilientClient busy = other.start()) {
                busy.awaitUp(Duration.ofSeconds(10))
                        .send("x")
                        .confirmed()
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS);
                assertThat(probe.await(Waiting.class).why().orElseThrow().reason())
                        .contains("resolve limit " + limit);
                probe.await(Up.class);
                open.countDown(); // the answer of the first round comes now
                client.send("y").confirmed().toCompletableFuture().get(10, TimeUnit.SECONDS);
                assertThat(client.counters().attempts()).isEqualTo(1);
            } finally {
                open.countDown();
            }
        }
        probe.assertLawfullyClosed();
        others.assertLawfullyClosed();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }
}
