package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.PeerDeadException;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.PeerDeath;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelFuture;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import java.io.InputStream;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Heartbeats behind TLS: a JDK socket as the peer, with a certificate made for this run by the JDK's keytool. */
class TlsHeartbeatIT {
    /** Far less than the 3 s that an SslHandler waits for close_notify. */
    private static final Duration AT_ONCE = Duration.ofMillis(700);

    private static final String PASSWORD = "holdfast";

    @TempDir
    private static Path directory;

    private static SSLContext peerContext;
    private static SslContext clientContext;

    static List<Transport> transports() {
        return Transport.all();
    }

    @BeforeAll
    static void makeCertificate() throws Exception {
        Path file = directory.resolve("peer.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "peer",
                        "-keyalg",
                        "EC",
                        "-groupname",
                        "secp256r1",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "san=dns:localhost,ip:127.0.0.1,ip:0:0:0:0:0:0:0:1",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        file.toString(),
                        "-storepass",
                        PASSWORD)
                .redirectErrorStream(true)
                .start();
        String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(keytool.waitFor()).as(said).isZero();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD.toCharArray());
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD.toCharArray());
        peerContext = SSLContext.getInstance("TLS");
        peerContext.init(keys.getKeyManagers(), null, null);
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("peer", store.getCertificate("peer"));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        clientContext = SslContextBuilder.forClient().trustManager(trust).build();
    }

    private static ScriptedPeer peer() throws Exception {
        ServerSocket unbound = peerContext.getServerSocketFactory().createServerSocket();
        return new ScriptedPeer(unbound);
    }

    private static BeatingClient client(Transport transport, ScriptedPeer peer, HeartbeatOptions options)
            throws Exception {
        SslHandler tls = clientContext.newHandler(ByteBufAllocator.DEFAULT, "localhost", 443);
        return new BeatingClient(
                new Loopback(transport), peer.address(), options, true, List.of(tls), new BeatingClient.Discard());
    }

    private static DeathCause expected(Transport transport, DeathCause onEpoll, DeathCause onNio) {
        return transport.name().equals("epoll") ? onEpoll : onNio;
    }

    @ParameterizedTest
    @MethodSource("transports")
    void beats_beginWithTheHandshakesEnd_andAHungPeerIsFound(Transport transport) throws Exception {
        try (ScriptedPeer peer = peer()) {
            peer.hang(); // in the middle of the handshake
            try (BeatingClient client =
                    client(transport, peer, BeatingClient.options().build())) {
                client.assertNobodyDiesWithin(BeatingClient.BOUND.multipliedBy(2));
                assertThat(client.events).isEmpty();
                peer.answer();
                client.awaitMoreBeats(5);
                peer.hang();
                PeerDeath death = client.awaitDeath();
                assertThat(death.cause())
                        .isEqualTo(expected(transport, DeathCause.PEER_HUNG, DeathCause.HEARTBEAT_TIMEOUT));
                assertThat(death.detectedAfter()).isLessThan(client.limit());
                assertThat(client.closedAfterDeath()).isLessThan(AT_ONCE);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void pendingWrites_failWithTheDeath_withoutWaitingForCloseNotify(Transport transport) throws Exception {
        HeartbeatOptions options = BeatingClient.options()
                .slowReaderTolerance(Duration.ofMillis(500))
                .writeStallTimeout(Duration.ofMillis(500))
                .build();
        try (ScriptedPeer peer = peer();
                BeatingClient client = client(transport, peer, options)) {
            client.awaitMoreBeats(2);
            peer.hang();
            List<ChannelFuture> pending = List.of(client.write(16 * 1024 * 1024), client.write(1));
            PeerDeath death = client.awaitDeath();
            assertThat(death.cause())
                    .as(death.toString())
                    .isEqualTo(expected(transport, DeathCause.PEER_NOT_READING, DeathCause.STALLED_WRITE));
            assertThat(client.closedAfterDeath()).isLessThan(AT_ONCE);
            for (ChannelFuture write : pending) {
                assertThat(write.await(5, TimeUnit.SECONDS)).isTrue();
                assertThat(write.cause())
                        .isInstanceOfSatisfying(
                                PeerDeadException.class,
                                fatal -> assertThat(fatal.death()).isEqualTo(death));
            }
        }
    }
}
