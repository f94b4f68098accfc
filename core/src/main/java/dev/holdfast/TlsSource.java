package dev.holdfast;

import io.netty.handler.ssl.SslContext;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Where the TLS context of a server comes from. It is asked when the server is built, and again at each
 * reload.
 *
 * <p>When it fails at a reload, the last good context stays in use and the failure is told; connections that are up keep what they were
 * made with in any case. It may block: it is never called on an event loop. A context is shared by all connections and is never
 * released by the library, so it must not be one of {@code SslProvider.OPENSSL_REFCNT}.
 */
@FunctionalInterface
public interface TlsSource {
    /**
     * Makes a new context.
     *
     * @return a server's context
     * @throws Exception if there is no good one
     */
    SslContext load() throws Exception;

    /**
     * A server's context, its certificate and key read from two files.
     *
     * <p>{@link #load()} refuses files that do not belong together, so that a rotation caught halfway does no harm: the key has to
     * belong to the first certificate (it signs something, and the certificate's key verifies it), and every certificate of the chain
     * has to be valid at that moment.
     *
     * @param certificateChainPem the server's certificate, then those of the authorities between it and a root
     * @param privateKeyPem its key, unencrypted, in PKCS#8 ({@code BEGIN PRIVATE KEY}): RSA, EC or Ed25519
     */
    static TlsSource files(Path certificateChainPem, Path privateKeyPem) {
        return new PemFiles(
                Objects.requireNonNull(certificateChainPem, "certificateChainPem"),
                Objects.requireNonNull(privateKeyPem, "privateKeyPem"),
                null);
    }

    /**
     * A server's context that also asks every client for a certificate, and refuses those without a good one (mutual TLS).
     *
     * @param certificateChainPem the server's certificate, then those of the authorities between it and a root
     * @param privateKeyPem its key, as for {@link #files(Path, Path)}
     * @param trustedPem the authorities whose clients are let in; read again at each load
     */
    static TlsSource files(Path certificateChainPem, Path privateKeyPem, Path trustedPem) {
        return new PemFiles(
                Objects.requireNonNull(certificateChainPem, "certificateChainPem"),
                Objects.requireNonNull(privateKeyPem, "privateKeyPem"),
                Objects.requireNonNull(trustedPem, "trustedPem"));
    }
}
