package dev.holdfast.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the JDK's own judge of certificates thinks of ours. */
class TestCertificatesTest {
    private final TestCertificates authority = new TestCertificates("Holdfast test authority");

    @ParameterizedTest
    @EnumSource
    void server_eachKind_isTrustedAsAServerOnly(TestCertificates.Kind kind) throws Exception {
        TestCertificates.Identity server = authority.server(kind, "localhost", "127.0.0.1", "::1");

        trust(authority).checkServerTrusted(chain(server), "UNKNOWN");
        assertThatExceptionOfType(CertificateException.class)
                .isThrownBy(() -> trust(authority).checkClientTrusted(chain(server), "UNKNOWN"));
        assertThat(server.certificate().getSubjectAlternativeNames())
                .containsExactlyInAnyOrder(
                        List.of(2, "localhost"), List.of(7, "127.0.0.1"), List.of(7, "0:0:0:0:0:0:0:1"));
        assertThat(server.certificate().getSubjectX500Principal()).hasToString("CN=localhost");
    }

    @Test
    void client_ofTheAuthority_isTrustedAsAClientOnly() throws Exception {
        TestCertificates.Identity client = authority.client("alice");

        trust(authority).checkClientTrusted(chain(client), "UNKNOWN");
        assertThatExceptionOfType(CertificateException.class)
                .isThrownBy(() -> trust(authority).checkServerTrusted(chain(client), "UNKNOWN"));
    }

    @Test
    void anybody_ofAnotherAuthorityOfTheSameName_isNotTrusted() {
        TestCertificates other = new TestCertificates("Holdfast test authority");

        assertThatExceptionOfType(CertificateException.class)
                .isThrownBy(() -> trust(authority).checkServerTrusted(chain(other.server("localhost")), "UNKNOWN"));
        assertThatExceptionOfType(CertificateException.class)
                .isThrownBy(() -> trust(authority).checkClientTrusted(chain(other.client("alice")), "UNKNOWN"));
    }

    @Test
    void validity_outside_isNoticed() {
        assertThatExceptionOfType(CertificateExpiredException.class)
                .isThrownBy(() -> authority.expired("localhost").certificate().checkValidity());
        assertThatExceptionOfType(CertificateNotYetValidException.class)
                .isThrownBy(
                        () -> authority.notYetValid("localhost").certificate().checkValidity());
    }

    private static X509Certificate[] chain(TestCertificates.Identity identity) {
        return new X509Certificate[] {identity.certificate()};
    }

    private static X509TrustManager trust(TestCertificates authority)
            throws GeneralSecurityException, java.io.IOException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        store.setCertificateEntry("authority", authority.certificate());
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        return (X509TrustManager) factory.getTrustManagers()[0];
    }
}
