package dev.holdfast;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A server's certificate chain and key, and perhaps the authorities of its clients, in PEM files. */
record PemFiles(Path chain, Path key, @Nullable Path trusted) implements TlsSource {
    private static final Pattern PEM = Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----");
    private static final Pattern BEGIN = Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----");

    @Override
    public SslContext load() throws IOException, GeneralSecurityException {
        X509Certificate[] certificates = certificates(chain);
        for (X509Certificate certificate : certificates) {
            requireValid(certificate);
        }
        PrivateKey privateKey = privateKey(certificates[0].getPublicKey());
        SslContextBuilder builder = SslContextBuilder.forServer(privateKey, certificates);
        if (trusted != null) {
            builder.trustManager(certificates(trusted)).clientAuth(ClientAuth.REQUIRE);
        }
        return builder.build();
    }

    private static X509Certificate[] certificates(Path file) throws IOException, CertificateException {
        X509Certificate[] certificates;
        try (InputStream in = Files.newInputStream(file)) {
            certificates = CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
                    .map(X509Certificate.class::cast)
                    .toArray(X509Certificate[]::new);
        } catch (CertificateException e) {
            throw new CertificateException(file + ": not a PEM file of certificates, or cut off", e);
        }
        if (certificates.length == 0) {
            throw new CertificateException(file + ": no certificate in it");
        }
        return certificates;
    }

    private void requireValid(X509Certificate certificate) throws CertificateException {
        String name = chain + ": the certificate of " + certificate.getSubjectX500Principal();
        try {
            certificate.checkValidity();
        } catch (CertificateExpiredException e) {
            throw cause(
                    new CertificateExpiredException(
                            name + " expired on " + certificate.getNotAfter().toInstant()),
                    e);
        } catch (CertificateNotYetValidException e) {
            throw cause(
                    new CertificateNotYetValidException(name + " is not valid before "
                            + certificate.getNotBefore().toInstant()),
                    e);
        }
    }

    private static CertificateException cause(CertificateException named, Exception cause) {
        named.initCause(cause);
        return named;
    }

    private PrivateKey privateKey(PublicKey publicKey) throws IOException, GeneralSecurityException {
        String algorithm = publicKey.getAlgorithm();
        PKCS8EncodedKeySpec encoded = new PKCS8EncodedKeySpec(keyBytes());
        PrivateKey privateKey;
        try {
            privateKey = KeyFactory.getInstance(algorithm).generatePrivate(encoded);
        } catch (InvalidKeySpecException e) {
            throw new InvalidKeySpecException(
                    key + ": not a key of the kind " + algorithm + ", which the certificate in " + chain + " has", e);
        }
        if (!belongTogether(privateKey, publicKey)) {
            throw new InvalidKeySpecException(key + ": the key does not belong to the (first) certificate in " + chain);
        }
        return privateKey;
    }

    private byte[] keyBytes() throws IOException, InvalidKeySpecException {
        String text = Files.readString(key);
        Matcher pem = PEM.matcher(text);
        while (pem.find()) {
            if (pem.group(1).equals("PRIVATE KEY")) {
                return decoded(pem.group(2));
            }
        }
        Matcher begin = BEGIN.matcher(text);
        throw new InvalidKeySpecException(key + ": " + (begin.find() ? begin.group() : "no PEM")
                + " (expected: -----BEGIN PRIVATE KEY----- and its end; unencrypted PKCS#8, as \"openssl pkcs8 -topk8"
                + " -nocrypt\" writes it)");
    }

    private byte[] decoded(String base64) throws InvalidKeySpecException {
        try {
            return Base64.getMimeDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new InvalidKeySpecException(key + ": the key is not base64, or cut off", e);
        }
    }

    /** Whether what the one signs is verified by the other. */
    private static boolean belongTogether(PrivateKey privateKey, PublicKey publicKey) throws GeneralSecurityException {
        byte[] text = {'h', 'o', 'l', 'd'};
        Signature signature = Signature.getInstance(signatureOf(publicKey.getAlgorithm()));
        signature.initSign(privateKey);
        signature.update(text);
        byte[] signed = signature.sign();
        signature.initVerify(publicKey);
        signature.update(text);
        try {
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false; // of another length or curve
        }
    }

    private static String signatureOf(String algorithm) {
        return switch (algorithm) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> algorithm; // EdDSA: the name of the keys is that of the signature
        };
    }
}
