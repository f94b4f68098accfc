package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.AttemptBudget;
import dev.holdfast.Backoff;
import dev.holdfast.Endpoint;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** How the tests of the server set up their ends, and how they wait. */
final class ServerScene {
    static final Duration PATIENCE = Duration.ofSeconds(20);
    static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);

    private ServerScene() {}

    static HeartbeatOptions.Builder beats() {
        return HeartbeatOptions.builder()
                .interval(Duration.ofMillis(200))
                .timeout(Duration.ofSeconds(3))
                .attempts(3);
    }

    static LivenessPolicy liveness(HeartbeatOptions.Builder beats) {
        return LivenessPolicy.of(
                SocketOptions.builder().connectTimeout(Duration.ofSeconds(5)).build(), beats.build());
    }

    /** On a free port of every address; says back what it is told. */
    static ResilientServer.Builder server(Transport transport) {
        return set(ResilientServer.builder(0), transport);
    }

    /** The same where somebody else has chosen the port. */
    static ResilientServer.Builder set(ResilientServer.Builder server, Transport transport) {
        return server.transport(transport)
                .liveness(liveness(beats()))
                .closeLimit(CLOSE_LIMIT)
                .onMessage((connection, message) -> connection.send(message.retain()));
    }

    static ResilientClient.Builder client(Transport transport, String host, int port) {
        return ResilientClient.builder(List.of(new Endpoint(host, port)))
                .transport(transport)
                .liveness(liveness(beats()))
                .reconnect(ReconnectOptions.builder()
                        .budget(AttemptBudget.unlimited())
                        .backoff(Backoff.fixed(Duration.ofMillis(20)))
                        .build())
                .closeLimit(CLOSE_LIMIT)
                .onMessage((connection, message) -> {});
    }

    static InetSocketAddress at(String host, ResilientServer server) {
        return new InetSocketAddress(host, server.localAddress().getPort());
    }

    static <T> T await(CompletionStage<T> stage) throws Exception {
        return stage.toCompletableFuture().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    static <T> T take(BlockingQueue<T> queue, String what) throws InterruptedException {
        T taken = queue.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        assertThat(taken).as(what + " within " + PATIENCE).isNotNull();
        return taken;
    }

    /** The next of this type; others are dropped. */
    static <T> T take(BlockingQueue<?> queue, Class<T> type) throws InterruptedException {
        Object taken = take(queue, type.getSimpleName());
        while (!type.isInstance(taken)) {
            taken = take(queue, type.getSimpleName());
        }
        return type.cast(taken);
    }

    static void awaitThat(String what, BooleanSupplier happened) {
        long start = System.nanoTime();
        while (!happened.getAsBoolean()) {
            assertThat(System.nanoTime() - start)
                    .as(() -> what + " within " + PATIENCE)
                    .isLessThan(PATIENCE.toNanos());
            LockSupport.parkNanos(1_000_000);
        }
    }
}
