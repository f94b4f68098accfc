package dev.holdfast.epoll;

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
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** How the tests of the client set up their two ends: in haste, but patient with a busy machine. */
final class ClientScene {
    static final Duration BACKOFF = Duration.ofMillis(20);
    static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);

    private ClientScene() {}

    static List<Transport> transports() {
        return Transport.all();
    }

    static SocketOptions socket() {
        return SocketOptions.builder()
                .connectTimeout(Duration.ofSeconds(3))
                .noDelay(true)
                .build();
    }

    /** Nobody is found dead by it in less than some seconds. */
    static LivenessPolicy patient() {
        return LivenessPolicy.of(
                socket(),
                HeartbeatOptions.builder()
                        .interval(Duration.ofMillis(200))
                        .timeout(Duration.ofSeconds(2))
                        .attempts(3)
                        .permittedPeerInterval(Duration.ofMillis(20))
                        .build());
    }

    static ReconnectOptions.Builder reconnect() {
        return ReconnectOptions.builder()
                .budget(AttemptBudget.unlimited())
                .backoff(Backoff.fixed(BACKOFF))
                .resolveLimit(Duration.ofSeconds(5))
                .roundLimit(Duration.ofSeconds(20))
                .handshakeLimit(Duration.ofSeconds(5));
    }

    static ResilientClient.Builder client(Transport transport, ClientProbe probe, int... ports) {
        return set(
                ResilientClient.builder(Arrays.stream(ports)
                        .mapToObj(port -> new Endpoint("127.0.0.1", port))
                        .toList()),
                transport,
                probe);
    }

    static ResilientClient.Builder set(ResilientClient.Builder client, Transport transport, ClientProbe probe) {
        return client.transport(transport)
                .liveness(patient())
                .reconnect(reconnect().build())
                .closeLimit(CLOSE_LIMIT)
                .onMessage((connection, message) -> {})
                .onEvent(probe);
    }

    /** A server that says back what it is told. */
    static ResilientServer.Builder server(Transport transport, int port) {
        return ResilientServer.builder(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                .transport(transport)
                .liveness(patient())
                .closeLimit(CLOSE_LIMIT)
                .onMessage((connection, message) -> connection.send(message.retain()));
    }
}
