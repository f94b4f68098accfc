package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent;
import dev.holdfast.ConnectionEvent.Closed;
import dev.holdfast.ConnectionEvent.Down;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionState;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A client whose server goes and comes back. */
class ClientReturnIT {
    private static final int TIMES = 5;

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void serverThatRestarts_isComeBackTo_eachTime(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        ResilientServer server = ClientScene.server(transport, 0).start();
        int port = server.localAddress().getPort();
        ResilientClient client = ClientScene.client(transport, probe, port).start();
        try (client) {
            for (int i = 1; i <= TIMES; i++) {
                assertThat(probe.await(Up.class, i).connection().state())
                        .isIn(ConnectionState.UP, ConnectionState.CLOSED);
                client.awaitUp(Duration.ofSeconds(10))
                        .send("hello " + i)
                        .confirmed()
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS);
                server.close();
                assertThat(probe.await(Down.class, i).ending().kind()).isEqualTo(Ending.Kind.PEER_CLOSED);
                server = ClientScene.server(transport, port).start();
            }
            probe.await(Up.class, TIMES + 1);
        } finally {
            server.close();
        }
        probe.assertLawfullyClosed();
        assertThat(probe.await(Closed.class).ending().kind()).isEqualTo(Ending.Kind.CLOSED);
        assertThat(client.counters().ups()).isEqualTo(TIMES + 1);
        assertThat(client.counters().downs()).isEqualTo(TIMES + 1);
        assertThat(client.counters().deaths()).isZero();
        ClientProbe.assertSettled(client);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void resets_areDeathsWithTheirName_andTheClientComesBack(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (RawServer server =
                new RawServer(socket -> new RawFrames(socket).hello().answerToTheEnd())) {
            try (ResilientClient client =
                    ClientScene.client(transport, probe, server.port()).start()) {
                for (int i = 1; i <= TIMES; i++) {
                    probe.await(Up.class, i);
                    server.resetAll();
                    Ending ending = probe.await(Down.class, i).ending();
                    assertThat(ending.kind()).isEqualTo(Ending.Kind.PEER_DEAD);
                    assertThat(ending.death().orElseThrow().cause()).isEqualTo(DeathCause.RESET);
                }
                probe.await(Up.class, TIMES + 1);
                assertThat(client.counters().deaths()).isEqualTo(TIMES);
            }
            probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void afterClosed_nothingIsTold_andEverythingIsRefused(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (ResilientServer server = ClientScene.server(transport, 0).start()) {
            ResilientClient client = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .start();
            probe.await(Up.class);
            client.close();
            probe.assertLawfullyClosed();
            List<ConnectionEvent> told = probe.all();
            assertThat(client.send("late").reason().orElseThrow()).contains("CLOSED");
            client.reconnectNow();
            client.drain(Duration.ofSeconds(1)).toCompletableFuture().get(10, TimeUnit.SECONDS);
            client.close();
            assertThat(client.up().toCompletableFuture()).isCompletedExceptionally();
            assertThat(client.probe().toCompletableFuture()).isCompletedExceptionally();
            assertThat(client.state()).isEqualTo(ConnectionState.CLOSED);
            assertThat(client.connection()).isEmpty();
            assertThat(probe.all()).isEqualTo(told);
            ClientProbe.assertSettled(client);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void closeAgainstAPeerThatNeverParts_isBounded(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Duration limit = Duration.ofMillis(500);
        try (RawServer server = new RawServer(socket -> {
            new RawFrames(socket).hello().answerToTheEnd();
            Thread.sleep(60_000); // interrupted by the end of the test
        })) {
            ResilientClient client = ClientScene.client(transport, probe, server.port())
                    .closeLimit(limit)
                    .start();
            probe.await(Up.class);
            long start = System.nanoTime();
            client.close();
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(limit, limit.plusSeconds(2));
            probe.assertLawfullyClosed();
        }
    }
}
