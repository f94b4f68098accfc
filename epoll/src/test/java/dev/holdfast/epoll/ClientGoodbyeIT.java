package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent.Closed;
import dev.holdfast.ConnectionEvent.Connecting;
import dev.holdfast.ConnectionEvent.Down;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionEvent.Waiting;
import dev.holdfast.Delivery;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Hello;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a peer of the framed protocol can say about the end, and what the client makes of it. */
class ClientGoodbyeIT {
    static List<Transport> transports() {
        return ClientScene.transports();
    }

    /** Says HELLO and CLOSE, and reads until the client has said its own. */
    private static RawServer closing(Close close) throws Exception {
        return new RawServer(socket -> {
            RawFrames raw = new RawFrames(socket).hello();
            raw.read(FrameType.PING); // the client is up
            raw.close(close).answerToTheEnd();
        });
    }

    private static Closed refused(Transport transport, RawServer server) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (ResilientClient client =
                ClientScene.client(transport, probe, server.port()).start()) {
            Closed closed = probe.await(Closed.class);
            assertThat(closed.ending().kind()).isEqualTo(Ending.Kind.REFUSED);
            assertThat(client.counters().attempts()).isEqualTo(1);
        }
        probe.assertLawfullyClosed();
        return probe.await(Closed.class);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void notAgain_isObeyed(Transport transport) throws Exception {
        try (RawServer server = closing(Close.forGood(CloseReason.REFUSED))) {
            Closed closed = refused(transport, server);
            assertThat(closed.ending().close().orElseThrow().reason()).isEqualTo(CloseReason.REFUSED);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void reconnectAfter_isObeyed(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Duration after = Duration.ofMillis(600);
        try (RawServer server = closing(Close.of(CloseReason.OVERLOADED, after))) {
            try (ResilientClient client =
                    ClientScene.client(transport, probe, server.port()).start()) {
                Waiting waiting = probe.await(Waiting.class);
                assertThat(waiting.delay()).isBetween(after, after.plus(ClientScene.BACKOFF));
                assertThat(probe.await(Connecting.class, 2).moment().at())
                        .isGreaterThanOrEqualTo(waiting.moment().at().plus(after));
                assertThat(client.counters().deaths()).isZero();
                Ending ending = probe.await(Down.class).ending();
                assertThat(ending.kind()).isEqualTo(Ending.Kind.PEER_CLOSED);
                assertThat(ending.close()).contains(Close.of(CloseReason.OVERLOADED, after));
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void reconnectAfter_isCutShortByReconnectNow(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (RawServer server = closing(Close.of(CloseReason.OVERLOADED, Duration.ofMinutes(5)))) {
            try (ResilientClient client =
                    ClientScene.client(transport, probe, server.port()).start()) {
                probe.await(Waiting.class);
                client.reconnectNow();
                probe.await(Up.class, 2);
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void noVersionInCommon_isTheEnd(Transport transport) throws Exception {
        BlockingQueue<Short> told = new LinkedBlockingQueue<>();
        try (RawServer server = new RawServer(socket -> {
            RawFrames raw =
                    new RawFrames(socket).hello(Hello.builder().versions(2, 3).build());
            told.add(raw.read(FrameType.CLOSE).payload().getShort(0));
        })) {
            refused(transport, server);
            assertThat(told.poll(10, TimeUnit.SECONDS)).isEqualTo((short) CloseReason.VERSION.code());
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void peerThatSaysVersion_isTheEnd(Transport transport) throws Exception {
        try (RawServer server = closing(Close.of(CloseReason.VERSION, Duration.ZERO))) {
            assertThat(refused(transport, server).ending().reason()).contains("VERSION");
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void endOfTheStream_isAnOrderlyEnd_andUnconfirmedMessagesAreUnknown(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        CompletableFuture<Socket> accepted = new CompletableFuture<>();
        try (RawServer server = new RawServer(socket -> {
            RawFrames raw = new RawFrames(socket).hello();
            raw.read(FrameType.DATA); // and no PONG
            accepted.complete(socket);
        })) {
            try (ResilientClient client =
                    ClientScene.client(transport, probe, server.port()).start()) {
                client.awaitUp(Duration.ofSeconds(10));
                Delivery delivery = client.send("in flight");
                accepted.get(10, TimeUnit.SECONDS);
                probe.await(Down.class);
                assertThat(delivery.state()).isEqualTo(Delivery.State.UNKNOWN);
                assertThat(delivery.written().toCompletableFuture().get(10, TimeUnit.SECONDS))
                        .isSameAs(delivery);
                assertThat(delivery.confirmed().toCompletableFuture()).failsWithin(Duration.ofSeconds(10));
            }
            ClientProbe.assertSettled(probe.await(Closed.class).moment().counters());
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void garbage_isAFailedHandshake_andNoEnd(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (RawServer server = new RawServer(socket -> {
            socket.getOutputStream()
                    .write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            RawFrames.drop(socket);
        })) {
            try (ResilientClient client =
                    ClientScene.client(transport, probe, server.port()).start()) {
                Waiting waiting = probe.await(Waiting.class, 2);
                assertThat(waiting.why().orElseThrow().kind()).isEqualTo(Ending.Kind.HANDSHAKE_FAILED);
                assertThat(client.counters().ups()).isZero();
            }
        }
        probe.assertLawfullyClosed();
    }
}
