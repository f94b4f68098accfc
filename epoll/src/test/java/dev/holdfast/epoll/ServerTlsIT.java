package dev.holdfast.epoll;

import static dev.holdfast.epoll.ServerScene.await;
import static dev.holdfast.epoll.ServerScene.awaitThat;
import static dev.holdfast.epoll.ServerScene.take;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.Connection;
import dev.holdfast.ConnectionEvent;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.TlsSource;
import dev.holdfast.socket.Transport;
import dev.holdfast.testing.TestCertificates;
import dev.holdfast.testing.TestCertificates.Identity;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.wire.CloseReason;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** TLS in front of a server: names, dates, certificates of clients, and certificates that change while it runs. */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
class ServerTlsIT {
    private static final TestCertificates AUTHORITY = new TestCertificates("Holdfast test authority");

    @TempDir
    private Path directory;

    private final BlockingQueue<ConnectionEvent> clients = new LinkedBlockingQueue<>();
    private final BlockingQueue<ConnectionEvent> servers = new LinkedBlockingQueue<>();

    static List<Transport> transports() {
        return Transport.all();
    }

    private TlsSource source(Identity identity) throws Exception {
        identity.write(directory, "server");
        return TlsSource.files(directory.resolve("server.crt"), directory.resolve("server.key"));
    }

    private static SslContextBuilder trusting() {
        return SslContextBuilder.forClient().trustManager(AUTHORITY.certificate());
    }

    private ResilientServer.Builder server(Transport transport, TlsSource source) {
        return ServerScene.server(transport).tls(source).onEvent(servers::add);
    }

    private ResilientClient.Builder client(Transport transport, ResilientServer server, SslContext tls) {
        return ServerScene.client(transport, "127.0.0.1", server.localAddress().getPort())
                .tls(tls)
                .onEvent(clients::add);
    }

    /** How the first attempt failed: what the client says while it waits for the next one. */
    private Ending firstFailure() throws InterruptedException {
        return take(clients, ConnectionEvent.Waiting.class).why().orElseThrow();
    }

    private static void assertTlsFailure(Ending why, String... parts) {
        assertThat(why.kind()).as(why.toString()).isEqualTo(Ending.Kind.HANDSHAKE_FAILED);
        assertThat(why.death().map(death -> death.cause()))
                .as(why.toString())
                .isEqualTo(Optional.of(DeathCause.TLS_FAILURE));
        assertThat(why.reason()).contains(parts);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void certificate_forTheHost_isAccepted_andMessagesPass(Transport transport) throws Exception {
        try (ResilientServer server =
                        server(transport, source(AUTHORITY.server("127.0.0.1"))).start();
                ResilientClient client =
                        client(transport, server, trusting().build()).start()) {
            client.awaitUp(ServerScene.PATIENCE);
            await(client.send("hello").confirmed());
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void certificate_forAnotherHost_isRefusedByTheClient_whichNamesIt(Transport transport) throws Exception {
        try (ResilientServer server = server(transport, source(AUTHORITY.server("another.example", "127.0.0.2")))
                        .start();
                ResilientClient client =
                        client(transport, server, trusting().build()).start()) {
            assertTlsFailure(firstFailure(), "127.0.0.1");
            assertThat(client.counters().ups()).isZero();
            awaitThat("no connection left", () -> server.connections().isEmpty());
            assertThat(server.counters().ups()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void certificate_forAnotherHost_isAccepted_whereNamesAreNotChecked(Transport transport) throws Exception {
        try (ResilientServer server = server(transport, source(AUTHORITY.server("another.example")))
                        .start();
                ResilientClient client = client(transport, server, trusting().build())
                        .tls(trusting().build(), false)
                        .start()) {
            client.awaitUp(ServerScene.PATIENCE);
            await(client.send("hello").confirmed());
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void certificate_expired_isRefusedByTheClient_whichSaysSo(Transport transport) throws Exception {
        Identity expired = AUTHORITY.expired("127.0.0.1");
        TlsSource unchecked = () -> SslContextBuilder.forServer(expired.key(), expired.certificate())
                .build();
        try (ResilientServer server = server(transport, unchecked).start();
                ResilientClient client =
                        client(transport, server, trusting().build()).start()) {
            assertTlsFailure(firstFailure(), "validity check failed");
            assertThat(client.counters().ups()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void certificate_ofAnUnknownAuthority_isRefusedByTheClient(Transport transport) throws Exception {
        TestCertificates stranger = new TestCertificates("A stranger");
        try (ResilientServer server =
                        server(transport, source(stranger.server("127.0.0.1"))).start();
                ResilientClient client =
                        client(transport, server, trusting().build()).start()) {
            assertTlsFailure(firstFailure(), "certification path");
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void mutualTls_letsInWhoHasACertificate_andNobodyElse(Transport transport) throws Exception {
        AUTHORITY.server("127.0.0.1").write(directory, "server");
        Files.writeString(directory.resolve("trusted.pem"), AUTHORITY.pem());
        TlsSource mutual = TlsSource.files(
                directory.resolve("server.crt"), directory.resolve("server.key"), directory.resolve("trusted.pem"));
        Identity known = AUTHORITY.client("known");
        Identity stranger = new TestCertificates("A stranger").client("known");
        try (ResilientServer server = server(transport, mutual).start()) {
            try (ResilientClient client = client(
                            transport,
                            server,
                            trusting()
                                    .keyManager(known.key(), known.certificate())
                                    .build())
                    .start()) {
                client.awaitUp(ServerScene.PATIENCE);
                await(client.send("hello").confirmed());
            }
            for (SslContext refused : List.of(
                    trusting().build(),
                    trusting()
                            .keyManager(stranger.key(), stranger.certificate())
                            .build())) {
                clients.clear();
                try (ResilientClient client = client(transport, server, refused).start()) {
                    // With TLS 1.3 the client's side is complete before the server has looked at the certificate.
                    assertThat(firstFailure().kind()).isEqualTo(Ending.Kind.HANDSHAKE_FAILED);
                    assertThat(client.counters().ups()).isZero();
                }
            }
            assertThat(server.counters().ups()).isEqualTo(1);
            awaitThat("no connection left", () -> server.connections().isEmpty());
        }
    }

    /** Not connected yet; trusts the authority. */
    private static SSLSocket tlsSocket() throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("authority", AUTHORITY.certificate());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return (SSLSocket) context.getSocketFactory().createSocket();
    }

    /** Whom a stranger meets who connects now: the serial number of the server's certificate. */
    private static BigInteger serial(ResilientServer server) throws Exception {
        try (SSLSocket socket = tlsSocket()) {
            socket.connect(ServerScene.at("127.0.0.1", server), (int) ServerScene.PATIENCE.toMillis());
            socket.setSoTimeout((int) ServerScene.PATIENCE.toMillis());
            socket.startHandshake();
            return ((X509Certificate) socket.getSession().getPeerCertificates()[0]).getSerialNumber();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void certificate_renewedWhileRunning_isForNewConnections_andOldOnesLive(Transport transport) throws Exception {
        Identity first = AUTHORITY.server("127.0.0.1");
        Identity second = AUTHORITY.server("127.0.0.1");
        try (ResilientServer server = server(transport, source(first)).start();
                ResilientClient client =
                        client(transport, server, trusting().build()).start()) {
            Connection old = client.awaitUp(ServerScene.PATIENCE);
            assertThat(serial(server)).isEqualTo(first.certificate().getSerialNumber());
            second.write(directory, "server");
            assertThat(serial(server)).isEqualTo(first.certificate().getSerialNumber());
            await(server.reloadTls());
            assertThat(serial(server)).isEqualTo(second.certificate().getSerialNumber());
            await(client.send("still here").confirmed());
            assertThat(client.connection()).contains(old);
            assertThat(client.counters().downs()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void reloadTls_ofAPairThatDoesNotFit_fails_andKeepsTheLastGood(Transport transport) throws Exception {
        Identity good = AUTHORITY.server("127.0.0.1");
        try (ResilientServer server = server(transport, source(good)).start()) {
            Files.writeString(
                    directory.resolve("server.key"),
                    AUTHORITY.server("127.0.0.1").keyPem());
            assertThatThrownBy(() -> await(server.reloadTls()))
                    .isInstanceOf(ExecutionException.class)
                    .hasMessageContaining("server.key");
            assertThat(serial(server)).isEqualTo(good.certificate().getSerialNumber());
            Files.delete(directory.resolve("server.crt"));
            assertThatThrownBy(() -> await(server.reloadTls())).isInstanceOf(ExecutionException.class);
            assertThat(serial(server)).isEqualTo(good.certificate().getSerialNumber());
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void reloadTls_withoutTls_fails(Transport transport) {
        try (ResilientServer server = ServerScene.server(transport).start()) {
            assertThatThrownBy(() -> await(server.reloadTls())).hasCauseInstanceOf(IllegalStateException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void tlsReload_byTime_takesTheNewCertificate_andSurvivesABadOne(Transport transport) throws Exception {
        Identity second = AUTHORITY.server("127.0.0.1");
        TlsSource files = source(AUTHORITY.server("127.0.0.1"));
        AtomicInteger loads = new AtomicInteger();
        TlsSource counted = () -> {
            if (loads.getAndIncrement() == 1) {
                throw new IllegalStateException("this once");
            }
            return files.load();
        };
        long start = System.nanoTime();
        try (ResilientServer server =
                server(transport, counted).tlsReload(Duration.ofSeconds(1)).start()) {
            second.write(directory, "server");
            awaitThat("two reloads", () -> loads.get() >= 3);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofSeconds(2));
            BigInteger renewed = second.certificate().getSerialNumber();
            BigInteger met = serial(server);
            for (int i = 0; i < 1000 && !met.equals(renewed); i++) { // the third load may still be under way
                met = serial(server);
            }
            assertThat(met).isEqualTo(renewed);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void start_withABadPair_fails_andLeavesThePortFree(Transport transport) throws Exception {
        TlsSource bad = source(AUTHORITY.expired("127.0.0.1"));
        assertThatThrownBy(() -> server(transport, bad).start())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("tls");
    }

    @ParameterizedTest
    @CsvSource({"epoll, TLSv1.3", "epoll, TLSv1.2", "nio, TLSv1.3", "nio, TLSv1.2"})
    void close_overTls_losesNothing_inBothDirections(String transportName, String version) throws Exception {
        Transport transport = transports().stream()
                .filter(one -> one.name().equals(transportName))
                .findFirst()
                .orElseThrow();
        int count = 300;
        AtomicInteger clientHas = new AtomicInteger();
        AtomicInteger serverHas = new AtomicInteger();
        for (int round = 0; round < 4; round++) {
            boolean clientCloses = round % 2 == 0;
            clientHas.set(0);
            serverHas.set(0);
            try (ResilientServer server = server(transport, source(AUTHORITY.server("127.0.0.1")))
                            .closeLimit(ServerScene.PATIENCE) // to confirm all takes as long as it takes
                            .onMessage((connection, message) -> serverHas.incrementAndGet())
                            .start();
                    ResilientClient client = client(
                                    transport,
                                    server,
                                    trusting().protocols(version).build())
                            .closeLimit(ServerScene.PATIENCE)
                            .onMessage((connection, message) -> clientHas.incrementAndGet())
                            .start()) {
                client.awaitUp(ServerScene.PATIENCE);
                awaitThat("the server's side", () -> server.connections().size() == 1);
                Connection there = server.connections().iterator().next();
                byte[] message = new byte[3000];
                for (int i = 0; i < count; i++) {
                    (clientCloses ? client.send(message) : there.send(message)).id();
                }
                Ending how = clientCloses ? await(client.closeAsync()) : await(server.closeAsync());
                assertThat(how.kind()).isEqualTo(Ending.Kind.CLOSED);
                assertThat((clientCloses ? client : server).toString()).contains(clientCloses ? "CLOSED" : "0 conn");
                AtomicInteger has = clientCloses ? serverHas : clientHas;
                awaitThat("all " + count + " messages, but " + has, () -> has.get() == count);
                assertThat((clientCloses ? client.counters() : server.counters()).confirmed())
                        .isEqualTo(count);
                assertThat(how.reason()).doesNotContainIgnoringCase("reset");
                if (clientCloses) {
                    ConnectionEvent.Down down = take(servers, ConnectionEvent.Down.class);
                    assertThat(down.ending().kind()).as(down.toString()).isEqualTo(Ending.Kind.PEER_CLOSED);
                }
                servers.clear();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void handshakeOfTls_thatNeverEnds_isGivenUpAtTheLimit(Transport transport) throws Exception {
        Duration limit = Duration.ofMillis(300);
        try (ResilientServer server = server(transport, source(AUTHORITY.server("127.0.0.1")))
                        .handshakeLimit(limit)
                        .start();
                ServerRaw silent = ServerRaw.connect(ServerScene.at("127.0.0.1", server))) {
            long start = System.nanoTime();
            silent.send(new byte[] {0x16, 3, 1}); // the beginning of a record
            silent.socket.getInputStream().readAllBytes(); // an alert, perhaps
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isBetween(limit.minusMillis(50), limit.plusSeconds(3));
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void tlsWithoutHello_isGivenUpAtTheLimit_andToldSo(Transport transport) throws Exception {
        Duration limit = Duration.ofMillis(700);
        try (ResilientServer server = server(transport, source(AUTHORITY.server("127.0.0.1")))
                        .handshakeLimit(limit)
                        .start();
                SSLSocket socket = tlsSocket()) {
            long start = System.nanoTime();
            socket.connect(ServerScene.at("127.0.0.1", server), (int) ServerScene.PATIENCE.toMillis());
            ServerRaw raw = new ServerRaw(socket);
            socket.startHandshake();
            assertThat(raw.readClose().reason()).isEqualTo(CloseReason.HANDSHAKE_TIMEOUT);
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isGreaterThanOrEqualTo(limit.minusMillis(50))
                    .isLessThan(limit.plusSeconds(2));
            assertThat(servers).isEmpty(); // it never came up
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void plainBytes_inPlaceOfTls_endThatConnectionAlone(Transport transport) throws Exception {
        try (ResilientServer server =
                        server(transport, source(AUTHORITY.server("127.0.0.1"))).start();
                ResilientClient client =
                        client(transport, server, trusting().build()).start()) {
            client.awaitUp(ServerScene.PATIENCE);
            try (ServerRaw plain = ServerRaw.connect(ServerScene.at("127.0.0.1", server))) {
                long start = System.nanoTime();
                plain.hello();
                plain.socket.getInputStream().readAllBytes();
                assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
            }
            await(client.send("still here").confirmed());
            assertThat(client.counters().downs()).isZero();
        }
    }
}
