package dev.holdfast.examples;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** A certificate for {@code localhost} and its key as PEM files, made by the JDK's keytool: for examples, not for use. */
final class SelfSigned implements AutoCloseable {
    private static final String PASSWORD = "changeit"; // of a file that lives for a second
    private static final String ALIAS = "localhost";

    private final Path directory;
    private int made;

    private SelfSigned(Path directory) {
        this.directory = directory;
    }

    static SelfSigned in(Path directory) {
        return new SelfSigned(directory);
    }

    Path certificate() {
        return directory.resolve("certificate.pem");
    }

    Path key() {
        return directory.resolve("key.pem");
    }

    /** A certificate that stays when the next one is made. */
    Path copyOfCertificate() throws IOException {
        return Files.copy(certificate(), directory.resolve("certificate-" + made + ".pem"));
    }

    /** Makes a new certificate and a new key, and puts them in the place of the old ones. */
    void renew() throws IOException, InterruptedException, GeneralSecurityException {
        Path store = directory.resolve("store-" + ++made + ".p12");
        keytool(store);
        KeyStore keys = KeyStore.getInstance("PKCS12");
        keys.load(new ByteArrayInputStream(Files.readAllBytes(store)), PASSWORD.toCharArray());
        replace(
                key(),
                pem("PRIVATE KEY", keys.getKey(ALIAS, PASSWORD.toCharArray()).getEncoded()));
        replace(certificate(), pem("CERTIFICATE", keys.getCertificate(ALIAS).getEncoded()));
    }

    private static void keytool(Path store) throws IOException, InterruptedException {
        Path tool = Path.of(Objects.requireNonNull(System.getProperty("java.home")), "bin", "keytool");
        List<String> command = List.of(
                tool.toString(),
                "-genkeypair",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-validity",
                "2",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=dns:localhost",
                "-alias",
                ALIAS,
                "-keystore",
                store.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD);
        Process running = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(running.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (running.waitFor() != 0) {
            throw new IOException("keytool: " + output.strip());
        }
    }

    private static String pem(String type, byte[] encoded) {
        return "-----BEGIN " + type + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encoded) + "\n-----END " + type
                + "-----\n";
    }

    /** At once, so that nobody reads half a file. */
    private void replace(Path file, String content) throws IOException {
        Path fresh = Files.writeString(directory.resolve("fresh"), content);
        Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Deletes the directory. */
    @Override
    public void close() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }
}
