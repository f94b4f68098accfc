package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Our reads are withheld, and the peer vanishes: nftables drops what comes in, in a network namespace made for this test.
 * The kernel's evidence tells it on epoll; on NIO the silence is excused up to the limit.
 */
class VanishedPeerIT {
    private static final String NAMESPACE =
            "holdfast-vanish-" + ProcessHandle.current().pid();

    static List<Transport> transports() {
        return Transport.all();
    }

    @BeforeAll
    static void needsANamespace() throws Exception {
        try {
            run("", "ip", "netns", "add", NAMESPACE);
            run("", "ip", "-n", NAMESPACE, "link", "set", "lo", "up");
            run("", "ip", "netns", "exec", NAMESPACE, "nft", "list", "ruleset");
        } catch (IOException missing) {
            if ("required".equals(System.getenv("HOLDFAST_WITNESS"))) {
                throw new AssertionError("root, ip (iproute2) and nft (nftables) are required here", missing);
            }
            abort("left out: needs root, ip (iproute2) and nft (nftables): " + missing.getMessage());
        }
    }

    @AfterAll
    static void removeTheNamespace() throws Exception {
        new ProcessBuilder("ip", "netns", "delete", NAMESPACE)
                .redirectErrorStream(true)
                .start()
                .waitFor();
    }

    private static void run(String input, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (OutputStream in = process.getOutputStream()) {
            in.write(input.getBytes(StandardCharsets.UTF_8));
        }
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + output.strip());
        }
    }

    private static void vanish(int port) throws Exception {
        run(
                "flush ruleset\ntable inet holdfast { chain in { type filter hook input priority 0;" + " tcp dport "
                        + port + " drop; tcp sport " + port + " drop; }; }\n",
                "ip",
                "netns",
                "exec",
                NAMESPACE,
                "nft",
                "-f",
                "-");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void vanishedPeer_isFound_thoughOurReadsAreWithheld(Transport transport) throws Exception {
        run("", "ip", "netns", "exec", NAMESPACE, "nft", "flush", "ruleset");
        List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", NAMESPACE));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.addAll(List.of(VanishedPeerProgram.class.getName(), transport.name()));
        Process program = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader told = program.inputReader(StandardCharsets.UTF_8);
                OutputStream tell = program.getOutputStream()) {
            vanish(Integer.parseInt(told.readLine()));
            tell.write('\n');
            tell.flush();
            String[] found = told.readLine().split(" ", -1);
            boolean epoll = transport.name().equals("epoll");
            assertThat(found[0]).isEqualTo((epoll ? DeathCause.PATH_DEAD : DeathCause.HEARTBEAT_TIMEOUT).name());
            assertThat(found[1]).as("our reads are paused").isEqualTo("true");
            Duration limit = epoll ? Duration.ZERO : VanishedPeerProgram.PAUSED_READS_LIMIT;
            assertThat(Duration.ofMillis(Long.parseLong(found[2])))
                    .isLessThan(Duration.ofMillis(Long.parseLong(found[3])).plus(limit));
        } finally {
            program.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
        }
    }
}
