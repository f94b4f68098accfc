package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent.Connecting;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionEvent.Waiting;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.netty.resolver.dns.DnsNameResolver;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Names that netty-resolver-dns resolves, on the client's own event loop, against a name server on loopback. */
@SuppressWarnings("try") // a server that is closed early is what one of these tests is about
class ClientDnsIT {
    private static final String NAME = "service.test";
    private static final Duration LIMIT = Duration.ofMillis(300);
    /** How long netty-resolver-dns itself waits for an answer. */
    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(5);

    private static final int AN_HOUR = 3600;

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    private static ResilientServer serve(Transport transport, String address, int port) throws Exception {
        return ServerScene.set(ResilientServer.builder(new InetSocketAddress(address, port)), transport)
                .liveness(ClientScene.patient())
                .start();
    }

    private static int port(ResilientServer server) {
        return server.localAddress().getPort();
    }

    /** A client, and the name server that it asks. */
    private static final class Scene implements AutoCloseable {
        final ClientProbe probe = new ClientProbe();
        final Loopback net;
        final NameServer dns;
        private final DnsNameResolver names;

        Scene(Transport transport) throws Exception {
            net = new Loopback(transport);
            dns = new NameServer(NAME);
            names = NameServer.resolver(net, dns).build();
        }

        ResilientClient.Builder client(int port) {
            return ClientScene.set(ResilientClient.builder(NAME, port), net.transport, probe)
                    .eventLoopGroup(net.group, net.transport)
                    .resolver(names);
        }

        @Override
        public void close() {
            names.close();
            dns.close();
            net.close();
        }
    }

    /** Where it is up, and the name that TLS would check there. */
    private static String upAt(ClientProbe probe, int number) throws InterruptedException {
        InetSocketAddress remote = probe.await(Up.class, number).connection().remoteAddress();
        assertThat(remote.getHostString()).isEqualTo(NAME);
        return remote.getAddress().getHostAddress();
    }

    private static void confirmed(ResilientClient client) throws Exception {
        client.send("hello").confirmed().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    /** A lookup that failed, and nothing was connected to. */
    private static Ending unresolved(ClientProbe probe, int number) throws InterruptedException {
        Ending why = probe.await(Waiting.class, number).why().orElseThrow();
        assertThat(why.kind()).isEqualTo(Ending.Kind.RESOLVE_FAILED);
        assertThat(probe.all(Connecting.class)).isEmpty();
        return why;
    }

    @ParameterizedTest
    @MethodSource("transports")
    void name_isResolved_andTheClientIsUpAtItsAddress(Transport transport) throws Exception {
        try (Scene scene = new Scene(transport);
                ResilientServer server = serve(transport, "127.0.0.2", 0)) {
            scene.dns.answer(AN_HOUR, "127.0.0.2");
            try (ResilientClient client = scene.client(port(server)).start()) {
                assertThat(upAt(scene.probe, 1)).isEqualTo("127.0.0.2");
                confirmed(client);
                assertThat(client.counters().attempts()).isEqualTo(1);
                assertThat(scene.dns.asked()).isEqualTo(1);
            }
            scene.probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void recordThatChanges_isFollowedInTheNextRound(Transport transport) throws Exception {
        try (Scene scene = new Scene(transport);
                ResilientServer old = serve(transport, "127.0.0.2", 0);
                ResilientServer fresh = serve(transport, "127.0.0.3", port(old))) {
            scene.dns.answer(0, "127.0.0.2");
            try (ResilientClient client = scene.client(port(old)).start()) {
                assertThat(upAt(scene.probe, 1)).isEqualTo("127.0.0.2");
                scene.dns.answer(0, "127.0.0.3");
                old.close();
                assertThat(upAt(scene.probe, 2)).isEqualTo("127.0.0.3");
                confirmed(client);
                assertThat(client.counters().attempts()).isEqualTo(2);
                assertThat(scene.dns.asked()).isEqualTo(2);
                assertThat(fresh.counters().ups()).isEqualTo(1);
            }
            scene.probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void firstOfTwoRecordsDead_secondIsTakenInTheSameRound(Transport transport) throws Exception {
        Duration connectTimeout = Duration.ofMillis(300);
        try (Scene scene = new Scene(transport)) {
            InetSocketAddress deaf = (InetSocketAddress) scene.net.listenDeaf().localAddress();
            scene.dns.answer(0, deaf.getAddress().getHostAddress(), "127.0.0.2");
            ResilientClient.Builder builder = scene.client(deaf.getPort())
                    .liveness(LivenessPolicy.of(
                            SocketOptions.builder()
                                    .connectTimeout(connectTimeout)
                                    .build(),
                            ClientScene.patient().heartbeat().orElseThrow()));
            try (ResilientServer living = serve(transport, "127.0.0.2", deaf.getPort());
                    ResilientClient client = builder.start()) {
                assertThat(upAt(scene.probe, 1)).isEqualTo("127.0.0.2");
                confirmed(client);
                Connecting second = scene.probe.await(Connecting.class, 2);
                assertThat(second.before().orElseThrow().death().orElseThrow().cause())
                        .isEqualTo(DeathCause.CONNECT_TIMEOUT);
                assertThat(client.counters().attempts()).isEqualTo(2);
                assertThat(scene.probe.all(Waiting.class)).isEmpty();
                assertThat(scene.dns.asked()).isEqualTo(1);
                assertThat(living.counters().ups()).isEqualTo(1);
            }
            scene.probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void nameServerThatIsSilent_failsTheRoundAtTheLimit_andIsAskedAgainUntilItAnswers(Transport transport)
            throws Exception {
        try (Scene scene = new Scene(transport);
                ResilientServer server = serve(transport, "127.0.0.2", 0)) {
            scene.dns.beSilent();
            ResilientClient.Builder builder = scene.client(port(server))
                    .reconnect(ClientScene.reconnect().resolveLimit(LIMIT).build());
            try (ResilientClient client = builder.start()) {
                for (int i = 1; i <= 2; i++) {
                    assertThat(unresolved(scene.probe, i).reason()).contains("resolve limit " + LIMIT);
                    assertThat(scene.probe.await(Waiting.class, i).moment().at())
                            .isBetween(LIMIT.multipliedBy(i), QUERY_TIMEOUT.multipliedBy(i));
                }
                scene.dns.answer(0, "127.0.0.2");
                assertThat(upAt(scene.probe, 1)).isEqualTo("127.0.0.2");
                confirmed(client);
                assertThat(client.counters().attempts()).isEqualTo(1);
            }
            scene.probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void nameThatDoesNotExist_isSaidSo_andIsTakenWhenItDoes(Transport transport) throws Exception {
        try (Scene scene = new Scene(transport);
                ResilientServer server = serve(transport, "127.0.0.2", 0)) {
            scene.dns.refuse(DnsResponseCode.NXDOMAIN);
            try (ResilientClient client = scene.client(port(server)).start()) {
                assertThat(unresolved(scene.probe, 1).reason()).contains(NAME).contains("NXDOMAIN");
                scene.dns.answer(0, "127.0.0.2");
                assertThat(upAt(scene.probe, 1)).isEqualTo("127.0.0.2");
                confirmed(client);
                assertThat(client.counters().attempts()).isEqualTo(1);
            }
            scene.probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void nameServerThatFails_isToldWithItsOwnWord(Transport transport) throws Exception {
        try (Scene scene = new Scene(transport)) {
            scene.dns.refuse(DnsResponseCode.SERVFAIL);
            try (ResilientClient client = scene.client(7).start()) {
                assertThat(unresolved(scene.probe, 1).reason()).contains(NAME).contains("SERVFAIL");
                assertThat(client.counters().attempts()).isZero();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void silentFirstNameServer_costsItsQueryTimeout_andTheSecondIsAsked(Transport transport) throws Exception {
        try (Scene scene = new Scene(transport);
                NameServer silent = new NameServer(NAME);
                DnsNameResolver both = NameServer.resolver(scene.net, silent, scene.dns)
                        .queryTimeoutMillis(LIMIT.toMillis())
                        .build();
                ResilientServer server = serve(transport, "127.0.0.2", 0)) {
            silent.beSilent();
            scene.dns.answer(0, "127.0.0.2");
            try (ResilientClient client =
                    scene.client(port(server)).resolver(both).start()) {
                assertThat(upAt(scene.probe, 1)).isEqualTo("127.0.0.2");
                assertThat(scene.probe.await(Up.class).moment().at()).isGreaterThanOrEqualTo(LIMIT);
                confirmed(client);
                assertThat(scene.probe.all(Waiting.class)).isEmpty();
            }
            scene.probe.assertLawfullyClosed();
        }
    }
}
