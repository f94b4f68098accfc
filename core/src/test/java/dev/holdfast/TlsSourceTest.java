package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.holdfast.testing.TestCertificates;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.spec.InvalidKeySpecException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TlsSourceTest {
    private static final TestCertificates AUTHORITY = new TestCertificates("Holdfast test authority");

    private final Path chain;
    private final Path key;
    private final Path trusted;
    private final TlsSource source;

    TlsSourceTest(@TempDir Path directory) {
        this.chain = directory.resolve("server.crt");
        this.key = directory.resolve("server.key");
        this.trusted = directory.resolve("clients.crt");
        this.source = TlsSource.files(chain, key);
    }

    @BeforeEach
    void writeGoodFiles() throws IOException {
        write(AUTHORITY.server("localhost"));
        Files.writeString(trusted, AUTHORITY.pem());
    }

    private void write(TestCertificates.Identity identity) throws IOException {
        identity.write(chain.getParent(), "server");
    }

    @ParameterizedTest
    @EnumSource
    void load_goodFiles_makesAServersContext(TestCertificates.Kind kind) throws Exception {
        write(AUTHORITY.server(kind, "localhost"));

        SslContext context = source.load();

        assertThat(context.isServer()).isTrue();
        assertThat(engine(context).getNeedClientAuth()).isFalse();
    }

    @Test
    void load_trustedGiven_everyClientNeedsACertificate() throws Exception {
        SslContext context = TlsSource.files(chain, key, trusted).load();
        assertThat(engine(context).getNeedClientAuth()).isTrue();
    }

    /** The whole of it, in memory: a client that checks the host's name, and a server. */
    @ParameterizedTest
    @EnumSource
    void load_goodFiles_handshakes(TestCertificates.Kind kind) throws Exception {
        write(AUTHORITY.server(kind, "localhost"));
        assertThat(handshake(client().build(), source.load(), "localhost")).isEmpty();
        assertThat(handshake(client().build(), source.load(), "example.test")).isNotEmpty();
    }

    @Test
    void load_trustedGiven_letsTheRightClientsIn() throws Exception {
        SslContext server = TlsSource.files(chain, key, trusted).load();
        TestCertificates.Identity alice = AUTHORITY.client("alice");
        TestCertificates.Identity mallory = new TestCertificates("Holdfast test authority").client("alice");

        assertThat(handshake(with(alice), server, "localhost")).isEmpty();
        assertThat(handshake(with(mallory), server, "localhost")).isNotEmpty();
        assertThat(handshake(client().build(), server, "localhost")).isNotEmpty();
    }

    @Test
    void load_textAroundThePem_isSkipped() throws Exception {
        Files.writeString(key, "# the key\n" + Files.readString(key) + "\nend\n");
        assertThat(source.load().isServer()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void load_keyOfAnotherCertificate_isRefusedNamingBothFiles(TestCertificates.Kind kind) throws Exception {
        write(AUTHORITY.server(kind, "localhost"));
        Files.writeString(key, AUTHORITY.server(kind, "localhost").keyPem());

        assertThatExceptionOfType(InvalidKeySpecException.class)
                .isThrownBy(source::load)
                .withMessage(key + ": the key does not belong to the (first) certificate in " + chain);
    }

    @Test
    void load_keyOfAnotherKind_isRefusedNamingBothFiles() throws Exception {
        Files.writeString(
                key, AUTHORITY.server(TestCertificates.Kind.RSA, "localhost").keyPem());

        assertThatExceptionOfType(InvalidKeySpecException.class)
                .isThrownBy(source::load)
                .withMessage(key + ": not a key of the kind EC, which the certificate in " + chain + " has");
    }

    @Test
    void load_expired_isRefusedNamingFileAndDate() throws Exception {
        TestCertificates.Identity expired = AUTHORITY.expired("localhost");
        write(expired);

        assertThatExceptionOfType(CertificateExpiredException.class)
                .isThrownBy(source::load)
                .withMessage(chain + ": the certificate of CN=localhost expired on "
                        + expired.certificate().getNotAfter().toInstant());
    }

    @Test
    void load_notYetValid_isRefusedNamingFileAndDate() throws Exception {
        TestCertificates.Identity early = AUTHORITY.notYetValid("localhost");
        write(early);

        assertThatExceptionOfType(CertificateNotYetValidException.class)
                .isThrownBy(source::load)
                .withMessage(chain + ": the certificate of CN=localhost is not valid before "
                        + early.certificate().getNotBefore().toInstant());
    }

    /** Whatever part of the files a rotation has written when they are read: refused, naming the file. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 20, 100, 300, 480})
    void load_chainCutOff_isRefused(int length) throws IOException {
        Files.writeString(chain, Files.readString(chain).substring(0, length));

        assertThatExceptionOfType(CertificateException.class)
                .isThrownBy(source::load)
                .withMessageStartingWith(chain + ": ");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 27, 28, 100, 140})
    void load_keyCutOff_isRefused(int length) throws IOException {
        Files.writeString(key, Files.readString(key).substring(0, length));

        assertThatExceptionOfType(InvalidKeySpecException.class)
                .isThrownBy(source::load)
                .withMessageStartingWith(key + ": ")
                .withMessageContaining("(expected: -----BEGIN PRIVATE KEY----- and its end;");
    }

    @ParameterizedTest
    @ValueSource(strings = {"RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"})
    void load_keyOfAnotherFormat_isRefusedNamingIt(String type) throws IOException {
        Files.writeString(key, Files.readString(key).replace("PRIVATE KEY", type));

        assertThatExceptionOfType(InvalidKeySpecException.class)
                .isThrownBy(source::load)
                .withMessage(key + ": -----BEGIN " + type + "----- (expected: -----BEGIN PRIVATE KEY----- and its end;"
                        + " unencrypted PKCS#8, as \"openssl pkcs8 -topk8 -nocrypt\" writes it)");
    }

    @Test
    void load_keyNoBase64_isRefused() throws IOException {
        Files.writeString(key, "-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----\n");
        assertThatExceptionOfType(InvalidKeySpecException.class)
                .isThrownBy(source::load)
                .withMessage(key + ": the key is not base64, or cut off");
    }

    @Test
    void load_missingOrEmptyFiles_areNamed() throws IOException {
        Files.writeString(trusted, "");
        assertThatExceptionOfType(CertificateException.class)
                .isThrownBy(() -> TlsSource.files(chain, key, trusted).load())
                .withMessage(trusted + ": no certificate in it");
        Files.delete(key);
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(source::load)
                .withMessage(key.toString());
    }

    @Test
    void files_null_areRefused() {
        assertThatNullPointerException().isThrownBy(() -> TlsSource.files(nothing(), key));
        assertThatNullPointerException().isThrownBy(() -> TlsSource.files(chain, nothing()));
        assertThatNullPointerException().isThrownBy(() -> TlsSource.files(chain, key, nothing()));
    }

    @Test
    void reload_renewed_replacesTheContext() throws Exception {
        ReloadingTls tls = new ReloadingTls(source, true);
        SslContext first = tls.current();
        assertThat(tls.current()).isSameAs(first);

        write(AUTHORITY.server("localhost"));
        tls.reload();

        assertThat(tls.current()).isNotSameAs(first);
    }

    @Test
    void reload_fails_keepsTheLastGoodAndTells() throws Exception {
        ReloadingTls tls = new ReloadingTls(source, true);
        SslContext first = tls.current();

        Files.writeString(key, AUTHORITY.server("localhost").keyPem());
        assertThatExceptionOfType(InvalidKeySpecException.class).isThrownBy(tls::reload);
        assertThat(tls.current()).isSameAs(first);

        write(AUTHORITY.server("localhost"));
        tls.reload();
        assertThat(tls.current()).isNotSameAs(first);
    }

    @Test
    void construction_noGoodContext_fails() throws IOException {
        Files.delete(chain);
        assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> new ReloadingTls(source, true));
    }

    @Test
    void reload_contextOfTheOtherSide_isRefused() throws Exception {
        SslContext client = SslContextBuilder.forClient().build();
        SslContext server = source.load();
        assertThatIllegalStateException()
                .isThrownBy(() -> new ReloadingTls(() -> client, true))
                .withMessageEndingWith("a context for a client (expected: for a server)");
        assertThatIllegalStateException()
                .isThrownBy(() -> new ReloadingTls(() -> server, false))
                .withMessageEndingWith("a context for a server (expected: for a client)");
        assertThat(new ReloadingTls(() -> client, false).current()).isSameAs(client);
    }

    @SuppressWarnings("NullAway") // a source in a class without nullness
    @Test
    void reload_null_isRefusedAndNamed() throws Exception {
        AtomicReference<SslContext> next = new AtomicReference<>(source.load());
        ReloadingTls tls = new ReloadingTls(next::get, true);
        next.set(nothing());
        assertThatNullPointerException().isThrownBy(tls::reload).withMessageEndingWith("returned null");
        assertThat(tls.current()).isNotNull();
    }

    private static SslContextBuilder client() {
        return SslContextBuilder.forClient().trustManager(AUTHORITY.certificate());
    }

    private static SslContext with(TestCertificates.Identity identity) throws SSLException {
        return client().keyManager(identity.key(), identity.certificate()).build();
    }

    /** What each side says of a handshake; nothing if both are content. */
    private static List<Throwable> handshake(SslContext client, SslContext server, String host) {
        SslHandler here = client.newHandler(UnpooledByteBufAllocator.DEFAULT, host, 1);
        SslHandler there = server.newHandler(UnpooledByteBufAllocator.DEFAULT);
        EmbeddedChannel from = new EmbeddedChannel(here);
        EmbeddedChannel to = new EmbeddedChannel(there);
        List<Throwable> failures = new ArrayList<>();
        boolean moved = true;
        while (moved) {
            boolean forth = move(from, to, failures);
            moved = move(to, from, failures) || forth;
        }
        for (SslHandler side : List.of(here, there)) {
            if (!side.handshakeFuture().isSuccess()) {
                failures.add(new AssertionError(
                        "not handshaken", side.handshakeFuture().cause()));
            }
        }
        finish(from, failures);
        finish(to, failures);
        return failures;
    }

    private static boolean move(EmbeddedChannel from, EmbeddedChannel to, List<Throwable> failures) {
        ByteBuf bytes = from.readOutbound();
        if (bytes == null) {
            return false;
        }
        try {
            to.writeInbound(bytes);
        } catch (Exception e) {
            failures.add(e);
        }
        return true;
    }

    private static void finish(EmbeddedChannel channel, List<Throwable> failures) {
        try {
            channel.finishAndReleaseAll();
        } catch (Exception e) {
            failures.add(e);
        }
    }

    private static SSLEngine engine(SslContext context) {
        return context.newEngine(UnpooledByteBufAllocator.DEFAULT);
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        return null;
    }
}
