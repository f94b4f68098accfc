package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each example does what it says, in a process of its own, on loopback. */
class ExamplesIT {
    /** All of what an example prints; it ends well and says nothing on standard error. */
    private static String run(Class<?> example, String... arguments) throws Exception {
        try (Program program = Program.start(example, arguments)) {
            assertThat(program.exitCode()).as(program.errors()).isZero();
            assertThat(program.errors()).isEmpty();
            return String.join("\n", program.rest());
        }
    }

    @Test
    void firstClientAndServer_meet_andTheServerLetsGo() throws Exception {
        try (Program server = Program.start(FirstServer.class, "0")) {
            String port = server.line().replaceFirst("listening on port (\\d+)", "$1");
            assertThat(run(FirstClient.class, "127.0.0.1", port))
                    .containsSubsequence(
                            "#1: connecting to 127.0.0.1:",
                            "#1: up, ",
                            "#1: draining",
                            "#1: drained",
                            "#1: closed, CLOSED")
                    .contains("HELLO");
            server.terminate();
            assertThat(server.exitCode()).isEqualTo(128 + 15);
        }
    }

    @Test
    void firstSteps_printReportAndBounds() throws Exception {
        try (Program server = Program.start(FirstServer.class, "0")) {
            String port = server.line().replaceFirst("listening on port (\\d+)", "$1");
            try (Program steps = Program.start(FirstSteps.class, "127.0.0.1", port)) {
                assertThat(steps.exitCode()).as(steps.errors()).isZero();
                assertThat(String.join("\n", steps.rest()))
                        .contains("TCP_KEEPIDLE", "APPLIED", "UNSUPPORTED", "PEER_PROGRAM_HUNG", "AWS NLB");
            }
        }
    }

    @Test
    void plainSockets_areReported_whateverTheirKind() throws Exception {
        assertThat(run(PlainSockets.class))
                .containsSubsequence(
                        "a socket: Socket /127.0.0.1:",
                        "CONNECT_TIMEOUT        3000 ms      3000 ms  APPLIED",
                        "accepted from port ",
                        "TOO_LATE: the socket is connected already",
                        "a channel: SocketChannel /127.0.0.1:",
                        "TCP_KEEPIDLE              60 s         60 s  APPLIED",
                        "refused: Socket: TCP_USER_TIMEOUT = 85000 ms is UNSUPPORTED");
    }

    @Test
    void existingPipeline_beats_untilTheServerHangs() throws Exception {
        assertThat(run(ExistingPipeline.class))
                .contains("received you said hello")
                .containsSubsequence(
                        "beat 1 was answered",
                        "beat 2 was answered",
                        "beat 3 was answered",
                        "is dead: probe 5 left on time, and nothing answered 2 probes of 200 ms each")
                .doesNotContain("PONG");
    }

    @Test
    void paymentGateway_paysEachPaymentOnce_whateverBecomesOfTheConnection() throws Exception {
        assertThat(run(PaymentGateway.class))
                .containsSubsequence(
                        "P-1 is CONFIRMED",
                        "P-1: BOOKED P-1",
                        "P-2 is UNKNOWN",
                        "P-0 is NOT_SENT",
                        "P-2, asked for: BOOKED P-2",
                        "P-3 is UNKNOWN",
                        "P-0 is NOT_SENT",
                        "P-3, asked for: NEVER HEARD OF P-3",
                        "P-3 is CONFIRMED",
                        "P-3: BOOKED P-3",
                        "booked: [P-1, P-2, P-3]");
    }

    @Test
    void behindBalancer_beatsOftenEnough_andMovesAtItsAge() throws Exception {
        assertThat(run(BehindBalancer.class))
                .containsSubsequence(
                        "keepalive alone: IS_CUT",
                        "a beat every 90 s: IS_CUT",
                        "a beat every 25 s: SURVIVES",
                        "the age ends before the balancer's drain: true",
                        "up, epoch 1",
                        "down, MOVED: maximum age",
                        "up, epoch 2",
                        "now UP, 0 deaths",
                        "down, CLOSED: closed");
    }

    @Test
    void tls_checksTheName_andTakesARenewedCertificate() throws Exception {
        assertThat(run(TlsClientAndServer.class))
                .containsSubsequence(
                        "localhost is up, a message is CONFIRMED",
                        "127.0.0.1 was refused: ",
                        "No subject alternative names matching IP address 127.0.0.1 found",
                        "localhost is up, a message is CONFIRMED",
                        "the late client is UP, by the new certificate",
                        "the early client is UP, by the old one, 0 times down",
                        "a broken file was refused, the last good certificate stays in use");
    }

    @Test
    void tls_takesFilesThatAreGiven(@TempDir Path directory) throws Exception {
        Path files = Files.createDirectory(directory.resolve("files"));
        try (SelfSigned made = SelfSigned.in(files)) {
            made.renew();
            assertThat(run(
                            TlsClientAndServer.class,
                            made.certificate().toString(),
                            made.key().toString()))
                    .contains("localhost is up, a message is CONFIRMED", "the client is UP, by the certificate given");
        }
    }

    @Test
    void fleetDrain_movesEveryClient_andLosesNothing() throws Exception {
        String told = run(FleetDrain.class);
        assertThat(told)
                .contains(
                        "at first: [2 clients, 2 clients, 2 clients]",
                        "without server 2: [0 clients, 0 clients, 6 clients]",
                        "deaths 0, not sent 0, unknown 0");
        Matcher counts = Pattern.compile("sent (\\d+), confirmed (\\d+), received (\\d+), twice (\\d+)")
                .matcher(told);
        assertThat(counts.find()).as(told).isTrue();
        int sent = Integer.parseInt(counts.group(1));
        assertThat(sent).isGreaterThan(100);
        assertThat(List.of(counts.group(2), counts.group(3))).containsOnly(counts.group(1));
        assertThat(counts.group(4)).isEqualTo("0");
    }
}
