package dev.holdfast.testing;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import javax.security.auth.x500.X500Principal;

/**
 * An authority for the tests of TLS, and the certificates that it issues: with the JDK alone, a new key for each, in some
 * milliseconds.
 */
public final class TestCertificates {
    /** The kinds of keys that a certificate may have. */
    public enum Kind {
        /** An elliptic curve, P-256. */
        EC,
        /** 2048 bits; takes a tenth of a second or more. */
        RSA,
        /** Edwards curve. */
        ED25519
    }

    private static final Base64.Encoder LINES = Base64.getMimeEncoder(64, new byte[] {'\n'});
    private static final Duration HOUR = Duration.ofHours(1);

    private static final String SHA256_WITH_ECDSA = "1.2.840.10045.4.3.2";
    private static final String SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
    private static final String BASIC_CONSTRAINTS = "2.5.29.19";
    private static final String EXTENDED_KEY_USAGE = "2.5.29.37";
    private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

    private final SecureRandom random = new SecureRandom();
    private final String name;
    private final KeyPair keys;
    private final X509Certificate certificate;

    /** A new authority, valid for an hour; its key is its own even if its name is not. */
    public TestCertificates(String name) {
        this.name = name;
        this.keys = newKeys(Kind.EC);
        Instant now = Instant.now();
        byte[] authority = extension(BASIC_CONSTRAINTS, true, Der.sequence(Der.yes()));
        this.certificate = issue(name, keys.getPublic(), now.minus(HOUR), now.plus(HOUR), authority);
    }

    /** The authority's own certificate: what the other side trusts. */
    public X509Certificate certificate() {
        return certificate;
    }

    /** The same, as PEM. */
    public String pem() {
        return pem("CERTIFICATE", encoded(certificate));
    }

    /** A server's certificate, valid for an hour, for host names and IP addresses; the first is its common name, too. */
    public Identity server(String... hosts) {
        return server(Kind.EC, hosts);
    }

    /** The same with another kind of key. */
    public Identity server(Kind kind, String... hosts) {
        Instant now = Instant.now();
        return server(kind, now.minus(HOUR), now.plus(HOUR), hosts);
    }

    /** A server's certificate that expired an hour ago. */
    public Identity expired(String... hosts) {
        Instant now = Instant.now();
        return server(Kind.EC, now.minus(HOUR.multipliedBy(2)), now.minus(HOUR), hosts);
    }

    /** A server's certificate that is valid from an hour on. */
    public Identity notYetValid(String... hosts) {
        Instant now = Instant.now();
        return server(Kind.EC, now.plus(HOUR), now.plus(HOUR.multipliedBy(2)), hosts);
    }

    /** A client's certificate, valid for an hour. */
    public Identity client(String user) {
        Instant now = Instant.now();
        KeyPair own = newKeys(Kind.EC);
        byte[] usage = extension(EXTENDED_KEY_USAGE, false, Der.sequence(Der.oid(CLIENT_AUTH)));
        return new Identity(
                own.getPrivate(), issue(user, own.getPublic(), now.minus(HOUR), now.plus(HOUR), usage), certificate);
    }

    private Identity server(Kind kind, Instant from, Instant to, String... hosts) {
        KeyPair own = newKeys(kind);
        byte[] names = Der.sequence(
                Arrays.stream(hosts).map(TestCertificates::generalName).toArray(byte[][]::new));
        byte[] extensions = Der.join(
                extension(EXTENDED_KEY_USAGE, false, Der.sequence(Der.oid(SERVER_AUTH))),
                extension(SUBJECT_ALTERNATIVE_NAME, false, names));
        return new Identity(own.getPrivate(), issue(hosts[0], own.getPublic(), from, to, extensions), certificate);
    }

    /** A certificate as RFC 5280 lays it out, version 3. */
    private X509Certificate issue(String subject, PublicKey key, Instant from, Instant to, byte[] extensions) {
        byte[] algorithm = Der.sequence(Der.oid(SHA256_WITH_ECDSA));
        byte[] content = Der.sequence(
                Der.tagged(0xA0, Der.integer(BigInteger.TWO)),
                Der.integer(new BigInteger(64, random).add(BigInteger.ONE)),
                algorithm,
                distinguished(name),
                Der.sequence(Der.time(from), Der.time(to)),
                distinguished(subject),
                key.getEncoded(),
                Der.tagged(0xA3, Der.sequence(extensions)));
        try {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(keys.getPrivate());
            signature.update(content);
            byte[] whole = Der.sequence(content, algorithm, Der.bits(signature.sign()));
            return (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(whole));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] extension(String oid, boolean critical, byte[] value) {
        return Der.sequence(Der.oid(oid), critical ? Der.yes() : new byte[0], Der.octets(value));
    }

    private static byte[] distinguished(String commonName) {
        return new X500Principal("CN=" + commonName).getEncoded();
    }

    private static byte[] generalName(String host) {
        if (!host.contains(":") && !host.matches("[0-9.]+")) {
            return Der.tagged(0x82, host.getBytes(StandardCharsets.US_ASCII));
        }
        try {
            return Der.tagged(0x87, InetAddress.getByName(host).getAddress()); // a literal: nobody is asked
        } catch (IOException e) {
            throw new IllegalArgumentException(host, e);
        }
    }

    private static KeyPair newKeys(Kind kind) {
        try {
            return switch (kind) {
                case EC -> {
                    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
                    generator.initialize(new ECGenParameterSpec("secp256r1"));
                    yield generator.generateKeyPair();
                }
                case RSA -> {
                    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
                    generator.initialize(2048);
                    yield generator.generateKeyPair();
                }
                case ED25519 -> KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
            };
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] encoded(X509Certificate certificate) {
        try {
            return certificate.getEncoded();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String pem(String type, byte[] der) {
        return "-----BEGIN " + type + "-----\n" + LINES.encodeToString(der) + "\n-----END " + type + "-----\n";
    }

    /**
     * A key, the certificate for it, and that of the authority which issued it.
     *
     * @param key the private key
     * @param certificate its certificate
     * @param authority the issuer's certificate
     */
    public record Identity(PrivateKey key, X509Certificate certificate, X509Certificate authority) {
        /** The certificate and its authority's, as PEM. */
        public String chainPem() {
            return pem("CERTIFICATE", encoded(certificate)) + pem("CERTIFICATE", encoded(authority));
        }

        /** The key, as PKCS#8 in PEM. */
        public String keyPem() {
            return pem("PRIVATE KEY", key.getEncoded());
        }

        /** Writes {@code base.crt}, the chain, and {@code base.key} into a directory, over what is there. */
        public void write(Path directory, String base) throws IOException {
            Files.writeString(directory.resolve(base + ".crt"), chainPem());
            Files.writeString(directory.resolve(base + ".key"), keyPem());
        }
    }
}
