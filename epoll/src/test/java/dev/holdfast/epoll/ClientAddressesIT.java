package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Backoff;
import dev.holdfast.ConnectionEvent.Connecting;
import dev.holdfast.ConnectionEvent.Down;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionEvent.Waiting;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Several addresses, some of which lead nowhere. */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
class ClientAddressesIT {
    private static final Duration CONNECT_TIMEOUT = Duration.ofMillis(300);

    /** A busy machine. */
    private static final Duration ROOM = Duration.ofSeconds(2);

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    private static LivenessPolicy liveness() {
        return LivenessPolicy.of(
                SocketOptions.builder().connectTimeout(CONNECT_TIMEOUT).build(),
                ClientScene.patient().heartbeat().orElseThrow());
    }

    private static int port(Channel listener) {
        return ((InetSocketAddress) listener.localAddress()).getPort();
    }

    private static Duration between(Connecting first, Connecting second) {
        return second.moment().at().minus(first.moment().at());
    }

    @ParameterizedTest
    @MethodSource("transports")
    void firstAddressDead_secondIsTaken_afterTheConnectTimeout(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (Loopback net = new Loopback(transport);
                ResilientServer living = ClientScene.server(transport, 0).start()) {
            Channel deaf = net.listenDeaf();
            ResilientClient.Builder builder = ClientScene.client(
                            transport, probe, port(deaf), living.localAddress().getPort())
                    .liveness(liveness());
            try (ResilientClient client = builder.start()) {
                Up up = probe.await(Up.class);
                assertThat(up.connection().remoteAddress()).isEqualTo(living.localAddress());
                Connecting second = probe.await(Connecting.class, 2);
                assertThat(second.before().orElseThrow().death().orElseThrow().cause())
                        .isEqualTo(DeathCause.CONNECT_TIMEOUT);
                assertThat(between(probe.await(Connecting.class), second)).isGreaterThanOrEqualTo(CONNECT_TIMEOUT);
                assertThat(client.counters().attempts()).isEqualTo(2);
                assertThat(probe.all(Waiting.class)).isEmpty();
            }
        }
        probe.assertLawfullyClosed();
    }

    /** The handshake limit begins with the connection: a slow connect is the connect timeout's to judge. */
    @ParameterizedTest
    @MethodSource("transports")
    void connectThatTakesLongerThanTheHandshakeLimit_isLeftAlone(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (Loopback net = new Loopback(transport)) {
            Channel deaf = net.listenDeaf();
            ResilientClient.Builder builder = ClientScene.client(transport, probe, port(deaf))
                    .liveness(LivenessPolicy.of(SocketOptions.builder()
                            .connectTimeout(Duration.ofSeconds(2))
                            .build()))
                    .reconnect(ClientScene.reconnect()
                            .handshakeLimit(Duration.ofMillis(200))
                            .build());
            try (ResilientClient client = builder.start()) {
                Waiting waiting = probe.await(Waiting.class);
                assertThat(waiting.why().orElseThrow().death().orElseThrow().cause())
                        .isEqualTo(DeathCause.CONNECT_TIMEOUT);
                assertThat(waiting.moment().at()).isGreaterThanOrEqualTo(Duration.ofSeconds(2));
                assertThat(client.counters().ups()).isZero();
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void addressThatFailedLast_goesLastInTheNextRound(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        RawServer.Script living = socket -> new RawFrames(socket).hello().answerToTheEnd();
        try (RawServer first = new RawServer(living);
                RawServer second = new RawServer(living);
                RawServer third = new RawServer(living)) {
            ResilientClient.Builder builder =
                    ClientScene.client(transport, probe, first.port(), second.port(), third.port());
            try (ResilientClient client = builder.start()) {
                assertUpAt(probe, 1, first.port());
                first.resetAll();
                assertUpAt(probe, 2, second.port());
                second.resetAll();
                assertUpAt(probe, 3, third.port());
                second.close();
                third.resetAll();
                assertUpAt(probe, 4, first.port());
                first.resetAll();
                assertUpAt(probe, 5, third.port()); // the second refuses, the first would come last
                assertThat(probe.await(Connecting.class, 5).address().getPort()).isEqualTo(second.port());
                assertThat(client.counters().attempts()).isEqualTo(6);
            }
        }
        probe.assertLawfullyClosed();
    }

    private static void assertUpAt(ClientProbe probe, int number, int port) throws InterruptedException {
        assertThat(probe.await(Up.class, number).connection().remoteAddress().getPort())
                .isEqualTo(port);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void roundLimit_leavesTheRestOfTheAddressesForTheNextRound(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Duration limit = CONNECT_TIMEOUT.multipliedBy(5).dividedBy(2);
        try (Loopback net = new Loopback(transport)) {
            int port = port(net.listenDeaf());
            ResilientClient.Builder builder = ClientScene.client(
                            transport,
                            probe,
                            port,
                            port(net.listenDeaf()),
                            port(net.listenDeaf()),
                            port(net.listenDeaf()))
                    .liveness(liveness())
                    .reconnect(ClientScene.reconnect()
                            .backoff(Backoff.fixed(Duration.ofSeconds(60)))
                            .resolveLimit(limit)
                            .handshakeLimit(limit)
                            .roundLimit(limit)
                            .build());
            try (ResilientClient client = builder.start()) {
                Waiting waiting = probe.await(Waiting.class);
                Ending why = waiting.why().orElseThrow();
                assertThat(why.kind()).isEqualTo(Ending.Kind.CONNECT_FAILED);
                assertThat(why.reason()).contains("round limit " + limit);
                assertThat(waiting.moment().at()).isBetween(limit, limit.plus(ROOM));
                assertThat(probe.count(Connecting.class)).isBetween(1, 3); // of four; the first may have begun late
                assertThat(client.counters().ups()).isZero();
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void sameAddressTwice_isTriedOnceInARound(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (RawServer closes = new RawServer(socket -> {})) {
            ResilientClient.Builder builder = ClientScene.client(transport, probe, closes.port(), closes.port());
            try (ResilientClient client = builder.start()) {
                probe.await(Waiting.class, 5);
                assertThat(client.state()).isNotNull();
            }
            assertThat(probe.all(Connecting.class))
                    .allSatisfy(each -> assertThat(each.before()).isEmpty());
            assertThat(probe.all(Down.class)).isEmpty();
        }
        probe.assertLawfullyClosed();
    }
}
