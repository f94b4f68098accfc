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

    private static ResilientClient.Builder client(Loopback net, ClientProbe probe, DnsNameResolver names, int port) {
        return ClientScene.set(ResilientClient.builder(NAME, port), net.transport, probe)
                .eventLoopGroup(net.group, net.transport)
                .resolver(names);
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
        ClientProbe probe = new ClientProbe();
        try (Loopback net = new Loopback(transport);
                NameServer dns = new NameServer(NAME);
                DnsNameResolver names = NameServer.resolver(net, dns).build();
                ResilientServer server = serve(transport, "127.0.0.2", 0)) {
            dns.answer(AN_HOUR, "127.0.0.2");
            try (ResilientClient client =
                    client(net, probe, names, port(server)).start()) {
                assertThat(upAt(probe, 1)).isEqualTo("127.0.0.2");
                confirmed(client);
                assertThat(client.counters().attempts()).isEqualTo(1);
                assertThat(dns.asked()).isEqualTo(1);
            }
            probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void recordThatChanges_isFollowedInTheNextRound(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (Loopback net = new Loopback(transport);
                NameServer dns = new NameServer(NAME);
                DnsNameResolver names = NameServer.resolver(net, dns).build();
                ResilientServer old = serve(transport, "127.0.0.2", 0);
                ResilientServer fresh = serve(transport, "127.0.0.3", port(old))) {
            dns.answer(0, "127.0.0.2");
            try (ResilientClient client = client(net, probe, names, port(old)).start()) {
                assertThat(upAt(probe, 1)).isEqualTo("127.0.0.2");
                dns.answer(0, "127.0.0.3");
                old.close();
                assertThat(upAt(probe, 2)).isEqualTo("127.0.0.3");
                confirmed(client);
                assertThat(client.counters().attempts()).isEqualTo(2);
                assertThat(dns.asked()).isEqualTo(2);
                assertThat(fresh.counters().ups()).isEqualTo(1);
            }
            probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void firstOfTwoRecordsDead_secondIsTakenInTheSameRound(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Duration connectTimeout = Duration.ofMillis(300);
        try (Loopback net = new Loopback(transport);
                NameServer dns = new NameServer(NAME);
                DnsNameResolver names = NameServer.resolver(net, dns).build()) {
            InetSocketAddress deaf = (InetSocketAddress) net.listenDeaf().localAddress();
            dns.answer(0, deaf.getAddress().getHostAddress(), "127.0.0.2");
            ResilientClient.Builder builder = client(net, probe, names, deaf.getPort())
                    .liveness(LivenessPolicy.of(
                            SocketOptions.builder()
                                    .connectTimeout(connectTimeout)
                                    .build(),
                            ClientScene.patient().heartbeat().orElseThrow()));
            try (ResilientServer living = serve(transport, "127.0.0.2", deaf.getPort());
                    ResilientClient client = builder.start()) {
                assertThat(upAt(probe, 1)).isEqualTo("127.0.0.2");
                confirmed(client);
                Connecting second = probe.await(Connecting.class, 2);
                assertThat(second.before().orElseThrow().death().orElseThrow().cause())
                        .isEqualTo(DeathCause.CONNECT_TIMEOUT);
                assertThat(client.counters().attempts()).isEqualTo(2);
                assertThat(probe.all(Waiting.class)).isEmpty();
                assertThat(dns.asked()).isEqualTo(1);
                assertThat(living.counters().ups()).isEqualTo(1);
            }
            probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void nameServerThatIsSilent_failsTheRoundAtTheLimit_andIsAskedAgainUntilItAnswers(Transport transport)
            throws Exception {
        ClientProbe probe = new ClientProbe();
        try (Loopback net = new Loopback(transport);
                NameServer dns = new NameServer(NAME);
                DnsNameResolver names = NameServer.resolver(net, dns).build();
                ResilientServer server = serve(transport, "127.0.0.2", 0)) {
            dns.beSilent();
            ResilientClient.Builder builder = client(net, probe, names, port(server))
                    .reconnect(ClientScene.reconnect().resolveLimit(LIMIT).build());
            try (ResilientClient client = builder.start()) {
                for (int i = 1; i <= 2; i++) {
                    assertThat(unresolved(probe, i).reason()).contains("resolve limit " + LIMIT);
                    assertThat(probe.await(Waiting.class, i).moment().at())
                            .isBetween(LIMIT.multipliedBy(i), QUERY_TIMEOUT.multipliedBy(i));
                }
                dns.answer(0, "127.0.0.2");
                assertThat(upAt(probe, 1)).isEqualTo("127.0.0.2");
                confirmed(client);
                assertThat(client.counters().attempts()).isEqualTo(1);
            }
            probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void nameThatDoesNotExist_isSaidSo_andIsTakenWhenItDoes(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (Loopback net = new Loopback(transport);
                NameServer dns = new NameServer(NAME);
                DnsNameResolver names = NameServer.resolver(net, dns).build();
                ResilientServer server = serve(transport, "127.0.0.2", 0)) {
            dns.refuse(DnsResponseCode.NXDOMAIN);
            try (ResilientClient client =
                    client(net, probe, names, port(server)).start()) {
                assertThat(unresolved(probe, 1).reason()).contains(NAME).contains("NXDOMAIN");
                dns.answer(0, "127.0.0.2");
                assertThat(upAt(probe, 1)).isEqualTo("127.0.0.2");
                confirmed(client);
                assertThat(client.counters().attempts()).isEqualTo(1);
            }
            probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void nameServerThatFails_isToldWithItsOwnWord(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (Loopback net = new Loopback(transport);
                NameServer dns = new NameServer(NAME);
                DnsNameResolver names = NameServer.resolver(net, dns).build()) {
            dns.refuse(DnsResponseCode.SERVFAIL);
            try (ResilientClient client = client(net, probe, names, 7).start()) {
                assertThat(unresolved(probe, 1).reason()).contains(NAME).contains("SERVFAIL");
                assertThat(client.counters().attempts()).isZero();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void silentFirstNameServer_costsItsQueryTimeout_andTheSecondIsAsked(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (Loopback net = new Loopback(transport);
                NameServer silent = new NameServer(NAME);
                NameServer dns = new NameServer(NAME);
                DnsNameResolver names = NameServer.resolver(net, silent, dns)
                        .queryTimeoutMillis(LIMIT.toMillis())
                        .build();
                ResilientServer server = serve(transport, "127.0.0.2", 0)) {
            silent.beSilent();
            dns.answer(0, "127.0.0.2");
            try (ResilientClient client =
                    client(net, probe, names, port(server)).start()) {
                assertThat(upAt(probe, 1)).isEqualTo("127.0.0.2");
                assertThat(probe.await(Up.class).moment().at()).isGreaterThanOrEqualTo(LIMIT);
                confirmed(client);
                assertThat(probe.all(Waiting.class)).isEmpty();
            }
            probe.assertLawfullyClosed();
        }
    }
}
