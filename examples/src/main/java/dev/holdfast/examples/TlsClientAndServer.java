package dev.holdfast.examples;

import dev.holdfast.Delivery;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.TlsSource;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/**
 * TLS on both ends: the certificate must be for the host that the client was told, and is renewed while connections are up. The
 * certificates are made here, by keytool, for {@code localhost}.
 */
public final class TlsClientAndServer {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private TlsClientAndServer() {}

    /** Everything on loopback, with files in a temporary directory, or with the certificate and the key that are given. */
    public static void main(String[] arguments)
            throws IOException, InterruptedException, TimeoutException, GeneralSecurityException {
        if (arguments.length == 2) {
            Path certificate = Path.of(arguments[0]);
            try (ResilientServer server = server(certificate, Path.of(arguments[1]));
                    ResilientClient client = meet("localhost", server, certificate)) {
                System.out.println("the client is " + client.state() + ", by the certificate given");
            }
            return;
        }
        Path directory = Files.createTempDirectory("holdfast-tls");
        try (SelfSigned files = SelfSigned.in(directory)) {
            files.renew();
            tell(files);
        }
    }

    private static void tell(SelfSigned files)
            throws IOException, InterruptedException, TimeoutException, GeneralSecurityException {
        try (ResilientServer server = server(files.certificate(), files.key())) {
            Path first = files.copyOfCertificate();
            try (ResilientClient early = meet("localhost", server, first)) {
                wrongName(server, first);

                files.renew(); // as a certificate's renewal does: new files in the place of the old ones
                server.reloadTls().toCompletableFuture().join();
                try (ResilientClient late = meet("localhost", server, files.certificate())) {
                    System.out.println("the late client is " + late.state() + ", by the new certificate");
                }
                System.out.println("the early client is " + early.state() + ", by the old one, "
                        + early.counters().downs() + " times down");

                Files.writeString(files.certificate(), "rubbish");
                String refused = server.reloadTls()
                        .handle((done, error) -> error == null ? "loaded" : "refused")
                        .toCompletableFuture()
                        .join();
                System.out.println("a broken file was " + refused + ", the last good certificate stays in use");
            }
        }
    }

    private static ResilientServer server(Path certificate, Path key) {
        return ResilientServer.builder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .tls(TlsSource.files(certificate, key)) // .tlsReload(Duration.ofMinutes(5)) would look by itself
                .onMessage((connection, message) -> {})
                .start();
    }

    /** A client that trusts this certificate, and whose first message has arrived. */
    private static ResilientClient meet(String host, ResilientServer server, Path trusted)
            throws IOException, InterruptedException, TimeoutException {
        ResilientClient client = client(host, server, trusted, ReconnectOptions.defaults());
        client.awaitUp(PATIENCE);
        Delivery delivery =
                client.send("hello").confirmed().toCompletableFuture().join();
        System.out.println(host + " is up, a message is " + delivery.state());
        return client;
    }

    /** The same server by another name: 127.0.0.1 is not in the certificate, and the client does not speak to it. */
    private static void wrongName(ResilientServer server, Path trusted)
            throws IOException, InterruptedException, TimeoutException {
        try (ResilientClient client = client("127.0.0.1", server, trusted, ReconnectOptions.never())) {
            client.awaitUp(PATIENCE);
            System.out.println("the wrong name was accepted");
        } catch (IllegalStateException refused) {
            System.out.println("127.0.0.1 was refused: " + refused.getMessage());
        }
    }

    private static ResilientClient client(String host, ResilientServer server, Path trusted, ReconnectOptions reconnect)
            throws IOException {
        SslContext tls =
                SslContextBuilder.forClient().trustManager(trusted.toFile()).build();
        return ResilientClient.builder(host, server.localAddress().getPort())
                .tls(tls)
                .reconnect(reconnect)
                .onMessage((connection, message) -> {})
                .start();
    }
}
