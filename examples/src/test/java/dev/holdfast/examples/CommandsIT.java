package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands as a user runs them: in processes of their own, on loopback. */
class CommandsIT {
    private static ServerSocket server() throws IOException {
        return new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    }

    private static String address(ServerSocket server) {
        return "127.0.0.1:" + server.getLocalPort();
    }

    private static JsonObject row(JsonObject up, String option) {
        for (JsonElement row : up.getAsJsonArray("options")) {
            if (row.getAsJsonObject().get("option").getAsString().equals(option)) {
                return row.getAsJsonObject();
            }
        }
        throw new AssertionError(option + " is not in " + up);
    }

    @Test
    void demo_tellsItsStory_andEndsWell() throws Exception {
        try (Program demo = Program.start("demo")) {
            assertThat(demo.exitCode()).as(demo.errors()).isZero();
            assertThat(String.join("\n", demo.rest()))
                    .contains(
                            "named CLOSED",
                            "named RESET",
                            "named PEER_NOT_READING",
                            "named CONNECT_TIMEOUT",
                            "named " + (io.netty.channel.epoll.Epoll.isAvailable() ? "PEER_HUNG" : "HEARTBEAT_TIMEOUT"),
                            "local-stall: ",
                            "the message 'two' is UNKNOWN",
                            "up: epoch 2, at the second server",
                            "the message 'three' is CONFIRMED",
                            "draining: the peer asks for it: DRAIN SHUTDOWN, within 2 s",
                            "drained: all that was sent has found its fate",
                            "up: epoch 3, at the first server",
                            "the message 'five' is CONFIRMED",
                            "the server that drained is gone; the client had 3 connections and 1 death",
                            "UNSUPPORTED: Java's own sockets have no such option",
                            "Every cause was named as it was made.");
            assertThat(demo.errors()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void connectAndListen_exchangeLines_andCloseRegularly(String transport) throws Exception {
        try (Program listen = Program.start(
                "listen",
                "127.0.0.1:0",
                "--echo",
                "--events",
                "json",
                "--transport",
                transport,
                "--keepalive",
                "9s/3s/2")) {
            int port = listen.event("listening").get("port").getAsInt();
            try (Program connect = Program.start(
                            "connect",
                            "127.0.0.1:" + port,
                            "--events",
                            "json",
                            "--transport",
                            transport,
                            "--keepalive",
                            "20s/5s/3",
                            "--user-timeout",
                            "33s");
                    Program second = Program.start("connect", "127.0.0.1:" + port, "--events", "json", "--for", "3s")) {
                assertThat(connect.event("connecting").get("transport").getAsString())
                        .isEqualTo(transport);
                JsonObject up = connect.event("up");
                assertThat(row(up, "TCP_KEEPIDLE").get("found").getAsInt()).isEqualTo(20);
                assertThat(row(up, "TCP_USER_TIMEOUT").get("status").getAsString())
                        .isEqualTo(transport.equals("nio") ? "UNSUPPORTED" : "APPLIED");
                connect.input().write("hello\nw\u00f6rld\n".getBytes(StandardCharsets.UTF_8));
                connect.input().close(); // its end does not end the connection
                assertThat(connect.event("received").get("data").getAsString()).isEqualTo("hello");
                assertThat(connect.event("received").get("data").getAsString()).isEqualTo("w\u00f6rld");
                assertThat(row(listen.event("up"), "TCP_KEEPIDLE").get("found").getAsInt())
                        .isEqualTo(9);

                second.event("up");
                assertThat(second.event("closed").get("by").getAsString()).isEqualTo("us");
                assertThat(second.exitCode()).isZero();
                assertThat(listen.event("closed").get("by").getAsString()).isEqualTo("peer");
                assertThat(connect.isAlive()).isTrue();

                listen.kill();
                assertThat(connect.event("closed").get("by").getAsString()).isEqualTo("peer");
                assertThat(connect.exitCode()).isZero();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void connect_whosePeerResets_endsDead_withCauseAndCode3(String transport) throws Exception {
        try (ServerSocket server = server();
                Program connect =
                        Program.start("connect", address(server), "--events", "json", "--transport", transport)) {
            Socket accepted = server.accept();
            connect.event("up");
            accepted.setSoLinger(true, 0);
            accepted.close();
            JsonObject dead = connect.event("dead");
            assertThat(dead.get("cause").getAsString()).isEqualTo("RESET");
            assertThat(dead.get("explanation").getAsString()).startsWith(address(server) + " is dead: ");
            assertThat(dead.get("evidence").isJsonNull()).isEqualTo(transport.equals("nio"));
            assertThat(connect.exitCode()).isEqualTo(3);
            assertThat(connect.rest()).isEmpty();
        }
    }

    @Test
    void connect_whosePeerStopsReading_isEndedByTheUserTimeout_withEvidence() throws Exception {
        try (ServerSocket server = server()) {
            server.setReceiveBufferSize(4096);
            try (Program connect =
                    Program.start("connect", address(server), "--events", "json", "--user-timeout", "2s")) {
                Socket accepted = server.accept();
                connect.event("up");
                Thread writer = new Thread(() -> writeOn(connect.input()));
                writer.start();
                JsonObject dead = connect.event("dead");
                assertThat(dead.get("cause").getAsString()).isEqualTo("PEER_NOT_READING");
                assertThat(dead.get("detectedAfterMillis").getAsLong()).isGreaterThanOrEqualTo(2000);
                JsonObject evidence = dead.getAsJsonObject("evidence");
                assertThat(evidence.get("snd_wnd").getAsLong()).isZero();
                assertThat(evidence.get("notsent_bytes").getAsLong()).isPositive();
                assertThat(connect.exitCode()).isEqualTo(3);
                writer.join();
                accepted.close();
            }
        }
    }

    private static void writeOn(OutputStream input) {
        byte[] line = ("x".repeat(1023) + "\n").getBytes(StandardCharsets.US_ASCII);
        try {
            while (true) {
                input.write(line);
            }
        } catch (IOException theProgramHasEnded) {
            // as it should
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void connect_thatNobodyAnswers_endsAtTheConnectTimeout(String transport) throws Exception {
        try (ServerSocket deaf = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            List<Socket> fillers = new ArrayList<>();
            for (int i = 0; i < 2; i++) { // a queue of one holds two
                fillers.add(new Socket(deaf.getInetAddress(), deaf.getLocalPort()));
            }
            try (Program connect = Program.start(
                    "connect",
                    address(deaf),
                    "--events",
                    "json",
                    "--transport",
                    transport,
                    "--connect-timeout",
                    "400ms")) {
                JsonObject dead = connect.event("dead");
                assertThat(dead.get("cause").getAsString()).isEqualTo("CONNECT_TIMEOUT");
                assertThat(dead.get("detectedAfterMillis").getAsLong()).isBetween(400L, 950L);
                assertThat(connect.exitCode()).isEqualTo(3);
            }
            for (Socket filler : fillers) {
                filler.close();
            }
        }
    }

    @Test
    void forLimit_boundsTheConnectToo() throws Exception {
        try (ServerSocket deaf = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            List<Socket> fillers = new ArrayList<>();
            for (int i = 0; i < 2; i++) { // a queue of one holds two
                fillers.add(new Socket(deaf.getInetAddress(), deaf.getLocalPort()));
            }
            try (Program connect = Program.start("connect", address(deaf), "--events", "json", "--for", "600ms")) {
                JsonObject closed = connect.event("closed");
                assertThat(closed.get("elapsedMillis").getAsLong()).isBetween(600L, 3000L);
                assertThat(connect.exitCode()).isZero();
            }
            for (Socket filler : fillers) {
                filler.close();
            }
        }
    }

    @Test
    void input_ofBytesWithoutLineEnds_isSentAsItIs_andItsLastLineIsEnded() throws Exception {
        try (ServerSocket server = server();
                Program connect = Program.start("connect", address(server), "--events", "json")) {
            Socket accepted = server.accept();
            connect.event("up");
            byte[] binary = new byte[100_000];
            new java.util.Random(7).nextBytes(binary);
            binary[binary.length - 1] = 'x';
            connect.input().write(binary);
            connect.input().close();
            byte[] received = accepted.getInputStream().readNBytes(binary.length + 1);
            assertThat(received).startsWith(binary).endsWith('x', '\n');
            accepted.close();
            assertThat(connect.event("closed").get("by").getAsString()).isEqualTo("peer");
        }
    }

    static Stream<Arguments> badInput() {
        return Stream.of(
                bad("no command given"),
                bad("Unmatched argument", "nonsense"),
                bad("HOST:PORT", "connect"),
                bad("'localhost' (expected: HOST:PORT", "connect", "localhost"),
                bad("'localhost:0' (expected: HOST:PORT", "connect", "localhost:0"),
                bad("'::1:7000' (expected: HOST:PORT", "connect", "::1:7000"),
                bad("unknown host 'no-such-host.invalid'", "connect", "no-such-host.invalid:1"),
                bad(
                        "keepAlive idle: PT0.5S (expected: whole seconds",
                        "connect",
                        "localhost:1",
                        "--keepalive",
                        "500ms/1s/3"),
                bad("keepAlive count: 128 (expected: 1 to 127)", "connect", "localhost:1", "--keepalive", "1s/1s/128"),
                bad("--keepalive: '1s' (expected: IDLE/INTERVAL/COUNT", "connect", "localhost:1", "--keepalive", "1s"),
                bad("'5' (expected: a whole number with its unit", "connect", "localhost:1", "--user-timeout", "5"),
                bad("synCount: 0 (expected: 1 to 127)", "listen", "0", "--syn-count", "0"),
                bad("(expected: at most 10000h)", "connect", "localhost:1", "--for", "999999999999h"),
                bad(
                        "TCP_USER_TIMEOUT = 5000 ms is UNSUPPORTED (the transport nio does not have it)",
                        "listen",
                        "127.0.0.1:0",
                        "--user-timeout",
                        "5s",
                        "--transport",
                        "nio",
                        "--on-unmet",
                        "fail"),
                bad(
                        "--detect-within: PT10S (expected: alone",
                        "connect",
                        "localhost:1",
                        "--detect-within",
                        "10s",
                        "--user-timeout",
                        "5s"),
                bad("'70000' (expected: PORT", "listen", "70000"),
                bad("expected: a free port of this host", "listen", "192.0.2.1:0"),
                bad("userTimeout: PT0S (expected: whole milliseconds", "listen", "0", "--user-timeout", "0s"),
                bad("--max-age: PT5S (expected: with --reconnect", "connect", "localhost:1", "--max-age", "5s"),
                bad("maxAge: PT0.5S (expected: ", "connect", "localhost:1", "--reconnect", "--max-age", "500ms"),
                bad("--drain: PT0S (expected: 1ms to 24h)", "listen", "0", "--drain", "0s"),
                bad("--drain: PT25H (expected: 1ms to 24h)", "listen", "0", "--drain", "25h"),
                bad("maxConnections: 0 (expected: 1 to 16777216)", "listen", "0", "--max-connections", "0"),
                bad("maxConnectionsPerAddress: 0 (expected: 1 to", "listen", "0", "--max-per-address", "0"),
                bad("expected: a free port of this host", "listen", "192.0.2.1:0", "--drain", "1s"),
                bad(
                        "TCP_USER_TIMEOUT = 5000 ms is UNSUPPORTED",
                        "connect",
                        "localhost:1",
                        "--reconnect",
                        "--user-timeout",
                        "5s",
                        "--transport",
                        "nio",
                        "--on-unmet",
                        "fail"),
                bad(
                        "holdfast listen: nio: TCP_USER_TIMEOUT = 5000 ms is UNSUPPORTED",
                        "listen",
                        "127.0.0.1:0",
                        "--drain",
                        "1s",
                        "--user-timeout",
                        "5s",
                        "--transport",
                        "nio",
                        "--on-unmet",
                        "fail"),
                bad("--transport", "connect", "localhost:1", "--transport", "carrier-pigeon"));
    }

    private static Arguments bad(String message, String... arguments) {
        return Arguments.of(message, arguments);
    }

    @ParameterizedTest
    @MethodSource("badInput")
    void badInput_isOneClearMessage_andCode2(String message, String[] arguments) throws Exception {
        try (Program program = Program.start(arguments)) {
            assertThat(program.exitCode()).isEqualTo(2);
            assertThat(program.errors()).contains(message).doesNotContain("\tat ", "Exception");
            assertThat(program.errors().lines().count()).isEqualTo(2);
        }
    }

    @Test
    void refusedPort_isBadInput() throws Exception {
        try (Socket bound = new Socket()) {
            bound.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)); // taken, and nobody listens
            try (Program connect = Program.start("connect", "127.0.0.1:" + bound.getLocalPort())) {
                assertThat(connect.exitCode()).isEqualTo(2);
                assertThat(connect.errors()).contains("Connection refused").doesNotContain("\tat ");
            }
        }
    }

    @Test
    void unsupportedOption_underFail_isBadInput_andNothingIsConnected() throws Exception {
        try (ServerSocket server = server()) {
            server.setSoTimeout(200);
            try (Program connect = Program.start(
                    "connect", address(server), "--transport", "nio", "--user-timeout", "3s", "--on-unmet", "fail")) {
                assertThat(connect.exitCode()).isEqualTo(2);
                assertThat(connect.errors()).contains("TCP_USER_TIMEOUT = 3000 ms is UNSUPPORTED");
                org.assertj.core.api.Assertions.assertThatThrownBy(server::accept)
                        .isInstanceOf(java.net.SocketTimeoutException.class);
            }
        }
    }

    @Test
    void help_isThereForEveryCommand_withTheExitCodes() throws Exception {
        for (String command : List.of("explain", "connect", "listen", "demo")) {
            try (Program help = Program.start(command, "--help")) {
                assertThat(help.exitCode()).isZero();
                assertThat(String.join("\n", help.rest())).contains("Usage: holdfast " + command, "Exit codes:");
            }
        }
    }
}
