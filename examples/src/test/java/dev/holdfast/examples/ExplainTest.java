package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.holdfast.socket.Transport;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class ExplainTest {
    /** What one run of the command line left behind. */
    private record Run(int exitCode, String out, String err) {
        JsonObject json() {
            return JsonParser.parseString(out).getAsJsonObject();
        }

        JsonObject bound(String mode) {
            return find(json().getAsJsonArray("bounds"), "mode", mode);
        }

        JsonObject middlebox(String name) {
            return find(json().getAsJsonArray("middleboxes"), "name", name);
        }

        private static JsonObject find(JsonArray array, String key, String value) {
            for (JsonElement each : array) {
                if (each.getAsJsonObject().get(key).getAsString().equals(value)) {
                    return each.getAsJsonObject();
                }
            }
            throw new AssertionError("no " + key + " " + value + " in " + array);
        }
    }

    private static Run explain(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                Holdfast.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        int exitCode = command.execute(
                Stream.concat(Stream.of("explain"), Arrays.stream(arguments)).toArray(String[]::new));
        return new Run(exitCode, out.toString(), err.toString());
    }

    private static Run explain(Path kernel, String... arguments) {
        return explain(
                Stream.concat(Stream.of("--format", "json", "--kernel", kernel.toString()), Arrays.stream(arguments))
                        .toArray(String[]::new));
    }

    private static Path kernel(Path folder, String... lines) throws IOException {
        return Files.write(folder.resolve("kernel.txt"), Arrays.asList(lines));
    }

    private static Path defaults(Path folder) throws IOException {
        return kernel(folder, "net.ipv4.tcp_retries2 = 15");
    }

    private static void assumeEpoll() {
        assumeThat(Transport.preferred().name()).isEqualTo("epoll");
    }

    private static void assertBound(
            Run run, String mode, @Nullable Long nominal, @Nullable Long worst, String detector) {
        JsonObject bound = run.bound(mode);
        assertThat(bound.get("detector").getAsString()).as(mode).isEqualTo(detector);
        assertMillis(bound.get("nominalMillis"), nominal);
        assertMillis(bound.get("worstCaseMillis"), worst);
    }

    private static void assertMillis(JsonElement found, @Nullable Long expected) {
        if (expected == null) {
            assertThat(found.isJsonNull()).isTrue();
        } else {
            assertThat(found.getAsLong()).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "never",
            value = {
                "IDLE_PEER_VANISHED, 4000, 4500, TCP_KEEPALIVE",
                "UNACKED_PEER_VANISHED, 4200, 4964, USER_TIMEOUT",
                "ZERO_WINDOW_PEER_ALIVE, 4200, 4734, USER_TIMEOUT",
                "ZERO_WINDOW_PEER_VANISHED, 4200, 4734, USER_TIMEOUT",
                "LOCAL_FILTER_DROP, 4200, 4734, USER_TIMEOUT",
                "LOCAL_QUEUE_DROP, 4200, 4734, USER_TIMEOUT",
                "IDLE_LOCAL_QUEUE_DROP, never, never, NONE",
                "CONNECT_BLACKHOLED, 4000, 4500, USER_TIMEOUT",
                "CLOSED_PEER_VANISHED, 4200, 4964, USER_TIMEOUT",
                "PEER_PROGRAM_HUNG, never, never, NONE",
                "PEER_REBOOTED, 2000, 2250, TCP_KEEPALIVE",
                "MIDDLEBOX_FORGOT_SILENTLY, 4000, 4500, TCP_KEEPALIVE",
                "MIDDLEBOX_FORGOT_WITH_RESET, 2000, 2250, TCP_KEEPALIVE"
            })
    void json_keepAliveAndUserTimeout_hasEveryMode(
            String mode, @Nullable Long nominal, @Nullable Long worst, String detector, @TempDir Path folder)
            throws IOException {
        assumeEpoll();
        Run run = explain(defaults(folder), "--keepalive", "2s/1s/3", "--user-timeout", "4s", "--transport", "epoll");

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertBound(run, mode, nominal, worst, detector);
        assertThat(run.json().getAsJsonArray("bounds")).hasSize(13);
        assertThat(run.json().getAsJsonArray("warnings").toString()).contains("4.5S keeps them all");
    }

    @Test
    void json_keepAliveOnly_isAsDocumented(@TempDir Path folder) throws IOException {
        Run run = explain(defaults(folder), "--keepalive", "2s/1s/3");

        assertThat(run.out())
                .startsWith("{\"bounds\":[{\"mode\":\"IDLE_PEER_VANISHED\",\"nominalMillis\":5000,"
                        + "\"worstCaseMillis\":5625,\"detector\":\"TCP_KEEPALIVE\",")
                .contains("{\"mode\":\"PEER_PROGRAM_HUNG\",\"nominalMillis\":null,\"worstCaseMillis\":null,"
                        + "\"detector\":\"NONE\",")
                .contains("keepalive is suspended while data is in flight");
        assertThat(run.out().lines()).hasSize(1);
    }

    @Test
    void json_nio_isWithoutUserTimeoutAndSaysSo(@TempDir Path folder) throws IOException {
        Run run = explain(defaults(folder), "--keepalive", "2s/1s/3", "--user-timeout", "4s", "--transport", "nio");

        assertBound(run, "IDLE_PEER_VANISHED", 5000L, 5625L, "TCP_KEEPALIVE");
        assertBound(run, "ZERO_WINDOW_PEER_ALIVE", null, null, "NONE");
        assertThat(run.bound("UNACKED_PEER_VANISHED").get("detector").getAsString())
                .isEqualTo("RETRANSMISSION");
        assertThat(run.json().getAsJsonArray("warnings").toString()).contains("TCP_USER_TIMEOUT cannot be set by nio");
        assertThat(run.json().get("transport").getAsString()).isEqualTo("nio");
    }

    @Test
    void json_heartbeat_coversTheHungProgram(@TempDir Path folder) throws IOException {
        Run run = explain(defaults(folder), "--heartbeat", "5s/1s/2");

        assertBound(run, "PEER_PROGRAM_HUNG", 7000L, 7400L, "HEARTBEAT");
        assertBound(run, "IDLE_LOCAL_QUEUE_DROP", 7000L, 7400L, "HEARTBEAT");
        assertThat(run.middlebox("nginx stream").get("outcome").getAsString()).isEqualTo("SURVIVES");
    }

    @Test
    void json_withoutUserTimeout_isBesideIt(@TempDir Path folder) throws IOException {
        assumeEpoll();
        JsonObject bound = explain(
                        defaults(folder), "--keepalive", "2s/1s/3", "--user-timeout", "4s", "--transport", "epoll")
                .bound("IDLE_PEER_VANISHED");

        assertThat(bound.get("worstCaseWithoutUserTimeoutMillis").getAsLong()).isEqualTo(5625);
        assertThat(bound.get("countedFrom").getAsString()).isEqualTo("the last segment received");
        assertThat(bound.get("conditions").getAsString()).contains("user timeout replaces the keepalive count");
    }

    @Test
    void json_detectWithin_isKept(@TempDir Path folder) throws IOException {
        Run run = explain(defaults(folder), "--detect-within", "10s");

        for (JsonElement each : run.json().getAsJsonArray("bounds")) {
            JsonObject bound = each.getAsJsonObject();
            if (!bound.get("mode").getAsString().equals("CLOSED_PEER_VANISHED")) {
                assertThat(bound.get("worstCaseMillis").getAsLong())
                        .as("%s", bound)
                        .isLessThanOrEqualTo(10_000);
            }
        }
        assertThat(run.json().getAsJsonArray("warnings")).isEmpty();
        assertThat(run.json().getAsJsonObject("heartbeat").get("intervalMillis").getAsLong())
                .isEqualTo(2500);
    }

    @Test
    void userTimeoutGuard_withAHeartbeatOnEpoll_saysWhatItLeavesToChance(@TempDir Path folder) throws IOException {
        assumeEpoll();
        String[] both = {"--user-timeout", "4s", "--heartbeat", "15s/5s/2", "--transport", "epoll"};

        JsonObject guard = explain(defaults(folder), both).json().getAsJsonObject("userTimeoutGuard");

        assertThat(guard.get("sampledEveryMillis").getAsLong()).isEqualTo(1333);
        assertThat(guard.get("toleratedStallMillis").getAsLong()).isEqualTo(2566);
        assertThat(explain(Stream.concat(Stream.of("--format", "text"), Arrays.stream(both))
                                .toArray(String[]::new))
                        .out()
                        .lines())
                .contains(
                        "user-timeout guard: sampled every 1.333 s; a stall of our own loop of more than 2.566 s when the"
                                + " peer's window closes lets the kernel end the connection");
    }

    @ParameterizedTest
    @CsvSource({
        "--user-timeout 4s --transport epoll",
        "--heartbeat 15s/5s/2",
        "--user-timeout 4s --heartbeat 15s/5s/2 --transport nio"
    })
    void userTimeoutGuard_withoutHalfOfIt_isNotThere(String arguments, @TempDir Path folder) throws IOException {
        assumeEpoll();

        assertThat(explain(defaults(folder), arguments.split(" ", -1))
                        .json()
                        .get("userTimeoutGuard")
                        .isJsonNull())
                .isTrue();
        assertThat(explain(arguments.split(" ", -1)).out()).doesNotContain("user-timeout guard");
    }

    @Test
    void json_kernelFile_isUsedAndWhatIsNotIsNamed(@TempDir Path folder) throws IOException {
        Path file = kernel(
                folder,
                "# a small machine",
                "kernel.osrelease = 6.1.0",
                "net.ipv4.tcp_retries2 = 3",
                "net.ipv4.tcp_syn_retries = 2",
                "net.core.somaxconn = 4096");

        Run run = explain(file, "--transport", "nio");

        assertBound(run, "CONNECT_BLACKHOLED", 7000L, 7875L, "SYN_RETRIES");
        assertThat(run.bound("UNACKED_PEER_VANISHED").get("nominalMillis").getAsLong())
                .isEqualTo(3200);
        JsonObject kernel = run.json().getAsJsonObject("kernel");
        assertThat(kernel.get("source").getAsString()).isEqualTo(file.toString());
        assertThat(kernel.get("release").getAsString()).isEqualTo("6.1.0");
        assertThat(kernel.getAsJsonObject("settings")
                        .get("net.ipv4.tcp_retries2")
                        .getAsInt())
                .isEqualTo(3);
        assertThat(kernel.get("unused").toString()).isEqualTo("[\"net.core.somaxconn\"]");
        assertThat(kernel.get("assumed").toString()).contains("net.ipv4.tcp_keepalive_time");
    }

    @Test
    void json_middleboxes_sayWhatRefreshesThem(@TempDir Path folder) throws IOException {
        Run run = explain(defaults(folder), "--keepalive", "300s/10s/3");

        JsonObject balancer = run.middlebox("AWS NLB (TCP)");
        assertThat(balancer.get("outcome").getAsString()).isEqualTo("SURVIVES");
        assertThat(balancer.get("refreshedBy").getAsString()).isEqualTo("TCP_KEEPALIVE");
        assertThat(balancer.get("longestSilenceMillis").getAsLong()).isEqualTo(337_500);
        assertThat(run.middlebox("AWS ALB, CLB").get("outcome").getAsString()).isEqualTo("IS_CUT");
        assertThat(run.middlebox("AWS ALB, CLB").get("survives").getAsBoolean()).isFalse();
        assertThat(run.middlebox("HAProxy").get("idleTimeoutMillis").isJsonNull())
                .isTrue();
        assertThat(run.json().getAsJsonArray("middleboxes")).hasSize(14);
    }

    @Test
    void text_default_hasAllParts() {
        Run run = explain("--keepalive", "2s/1s/3", "--user-timeout", "4s", "--heartbeat", "15s/5s/2");

        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out())
                .contains("TCP_KEEPIDLE       2 s")
                .contains("TCP_USER_TIMEOUT   4000 ms")
                .contains("every 15000 ms, each answer within 5000 ms, attempts: 2")
                .contains("net.ipv4.tcp_retries2")
                .contains("when a lost peer is noticed, by "
                        + Transport.preferred().name())
                .contains("IDLE_PEER_VANISHED", "MIDDLEBOX_FORGOT_WITH_RESET")
                .contains("survives  AWS NLB (TCP) (idle timeout 5 min 50 s)")
                .contains("unknown   HAProxy")
                .contains("warnings");
    }

    @Test
    void text_kernelFile_shortensWhatIsOfNoUse(@TempDir Path folder) throws IOException {
        Path file = kernel(folder, "a.b = 1", "c.d = 2", "e.f = 3", "g.h = 4", "net.ipv4.tcp_retries2 = 3");

        assertThat(explain("--kernel", file.toString()).out())
                .contains("of no use here: a.b, c.d, e.f and 1 more")
                .containsPattern("net.ipv4.tcp_retries2 +3\\R")
                .containsPattern("net.ipv4.tcp_syn_retries +6 {2}\\(assumed\\)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "--keepalive 500ms/1s/3 | PT0.5S (expected: whole seconds",
                "--keepalive 0s/1s/3 | PT0S (expected: whole seconds from PT1S to PT32767S",
                "--keepalive 1s/32768s/3 | PT9H6M8S (expected: whole seconds from PT1S to PT32767S",
                "--keepalive 2s/1s/0 | 0 (expected: 1 to 127)",
                "--keepalive 2s/1s/128 | 128 (expected: 1 to 127)",
                "--keepalive 2s/1s | --keepalive: '2s/1s' (expected: IDLE/INTERVAL/COUNT",
                "--keepalive 2s/1s/x | --keepalive: 'x' (expected: a whole number",
                "--keepalive yes | --keepalive: 'yes' (expected: ",
                "--user-timeout 4 | '--user-timeout': '4' (expected: a whole number with its unit",
                "--user-timeout -4s | '-4s' (expected: a whole number with its unit",
                "--user-timeout 0s | PT0S (expected: whole milliseconds from PT0.001S",
                "--user-timeout 600h | PT600H (expected: whole milliseconds",
                "--user-timeout 1.5s | '1.5s' (expected: ",
                "--connect-timeout 0ms | PT0S (expected: whole milliseconds",
                "--syn-count 0 | 0 (expected: 1 to 127)",
                "--syn-count x | 'x' is not an int",
                "--heartbeat 9ms/5s/2 | PT0.009S (expected: whole milliseconds from PT0.01S",
                "--heartbeat 5s/5s/101 | 101 (expected: 1 to 100)",
                "--heartbeat 5s | --heartbeat: '5s' (expected: INTERVAL/TIMEOUT/ATTEMPTS",
                "--rto-max 999ms | PT0.999S (expected: whole milliseconds from PT1S",
                "--detect-within 2s | detectWithin: PT2S (expected: PT3S to ",
                "--detect-within 10s --user-timeout 4s | --detect-within: PT10S (expected: alone",
                "--detect-within 10s --keepalive on | --detect-within: PT10S (expected: alone",
                "--detect-within 10s --heartbeat 5s/1s/2 | --detect-within: PT10S (expected: alone",
                "--kernel /nonexistent/kernel | --kernel: /nonexistent/kernel (expected: a readable file",
                "--kernel / | --kernel: / (expected: a readable file",
                "--format xml | '--format': expected one of [text, json]",
                "--transport kqueue | '--transport': expected one of",
                "--user-timeout | '--user-timeout'",
                "--nonsense | '--nonsense'",
                "nonsense | 'nonsense'",
            })
    void badInput_isOneMessageAndExit2(String arguments, String message) {
        assertBadInput(explain(arguments.split(" ", -1)), message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "net.ipv4.tcp_retries2 = many | line 1: 'net.ipv4.tcp_retries2 = many' (expected: a whole number from 0 to 255)",
                "net.ipv4.tcp_retries2 = 256 | line 1: 'net.ipv4.tcp_retries2 = 256' (expected: a whole number",
                "net.ipv4.tcp_retries2 | line 1: 'net.ipv4.tcp_retries2' (expected: KEY = VALUE",
                "vm.swappiness = 60 | none of its 1 keys is of use here",
            })
    void badKernelFile_isNamedWithItsLine(String text, String message, @TempDir Path folder) throws IOException {
        Path file = kernel(folder, text);

        Run run = explain(file);

        assertBadInput(run, message);
        assertThat(run.err()).contains("--kernel: " + file);
    }

    @Test
    void badKernelFile_binary_isRefused(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("binary"), new byte[] {(byte) 0xff, 0, (byte) 0xfe});

        assertBadInput(explain(file), "no text in UTF-8");
    }

    private static void assertBadInput(Run run, String message) {
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("holdfast explain: ").contains(message);
        assertThat(run.err().lines()).as(run.err()).hasSizeLessThanOrEqualTo(2);
        assertThat(run.err()).doesNotContain("Exception", "\tat ", "Usage:");
    }

    @Test
    void help_documentsTheExitCodes() {
        Run run = explain("--help");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("--keepalive", "--user-timeout", "--heartbeat", "--detect-within", "--kernel", "--format")
                .contains("Exit codes:", "bad input", "a dead peer");
    }
}
