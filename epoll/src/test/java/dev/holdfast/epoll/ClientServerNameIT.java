package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.TlsSource;
import dev.holdfast.socket.Transport;
import dev.holdfast.testing.TestCertificates;
import dev.holdfast.testing.TestCertificates.Identity;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.resolver.dns.DnsNameResolver;
import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The name that a client tells the server in its handshake (SNI, RFC 6066): the endpoint's, and never an address. */
class ClientServerNameIT {
    private static final String NAME = "service.test";
    private static final TestCertificates AUTHORITY = new TestCertificates("Holdfast test authority");

    private final BlockingQueue<List<SNIServerName>> told = new LinkedBlockingQueue<>();

    static List<Transport> transports() {
        return Transport.all();
    }

    /** Has one certificate, and writes down which name it was asked for. */
    private final class Asked extends X509ExtendedKeyManager {
        private final Identity identity = AUTHORITY.server(NAME, "127.0.0.1");

        @Override
        public String chooseEngineServerAlias(String type, Principal[] issuers, SSLEngine engine) {
            if (type.startsWith("EC")) {
                told.add(((ExtendedSSLSession) engine.getHandshakeSession()).getRequestedServerNames());
            }
            return type;
        }

        @Override
        public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
            throw new AssertionError("a server of sockets");
        }

        @Override
        public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
            throw new AssertionError("a client");
        }

        @Override
        public String[] getServerAliases(String type, Principal[] issuers) {
            return new String[] {type};
        }

        @Override
        public String[] getClientAliases(String type, Principal[] issuers) {
            return new String[0];
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return new X509Certificate[] {identity.certificate(), identity.authority()};
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return identity.key();
        }
    }

    private ResilientServer serve(Transport transport) throws Exception {
        TlsSource source = () -> SslContextBuilder.forServer(new Asked()).build();
        return ServerScene.set(ResilientServer.builder(Loopback.anyPort()), transport)
                .tls(source)
                .start();
    }

    private static ResilientClient.Builder client(Loopback net, String host, ResilientServer server) throws Exception {
        return ServerScene.client(net.transport, host, server.localAddress().getPort())
                .eventLoopGroup(net.group, net.transport)
                .tls(SslContextBuilder.forClient()
                        .trustManager(AUTHORITY.certificate())
                        .build());
    }

    @ParameterizedTest
    @MethodSource("transports")
    void name_isToldToTheServer_andItsCertificateIsCheckedForIt(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport);
                NameServer dns = new NameServer(NAME);
                DnsNameResolver names = NameServer.resolver(net, dns).build();
                ResilientServer server = serve(transport)) {
            dns.answer(0, "127.0.0.1");
            try (ResilientClient client =
                    client(net, NAME, server).resolver(names).start()) {
                client.awaitUp(ServerScene.PATIENCE);
                assertThat(ServerScene.take(told, "a handshake")).containsExactly(new SNIHostName(NAME));
                ServerScene.await(client.send("hello").confirmed());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void literalAddress_isNotToldAsAName(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport);
                ResilientServer server = serve(transport);
                ResilientClient client = client(net, "127.0.0.1", server).start()) {
            client.awaitUp(ServerScene.PATIENCE);
            assertThat(ServerScene.take(told, "a handshake")).isEmpty();
            ServerScene.await(client.send("hello").confirmed());
        }
    }
}
