package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The connection layer of the commands, in processes of their own, on loopback. */
@SuppressWarnings("try") // what is closed early is what the test is about
class ReconnectCommandsIT {
    private static final int SIGTERM = 128 + 15;

    private static Program run(String... arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--events", "json"));
        return Program.start(all.toArray(String[]::new));
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    private static void type(Program program, String text) throws IOException {
        program.input().write(text.getBytes(StandardCharsets.UTF_8));
        program.input().flush();
    }

    private static String data(Program program) throws InterruptedException {
        return program.event("received").get("data").getAsString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void serverThatDrains_isLeft_andFoundAgain(String transport) throws Exception {
        String local = "127.0.0.1:" + freePort();
        String[] listening = {
            "listen", local, "--protocol", "framed", "--echo", "--drain", "2s", "--transport", transport
        };
        try (Program listen = run(listening);
                Program connect = run(
                        "connect", local, "--reconnect", "--heartbeat", "300ms/500ms/20", "--transport", transport)) {
            listen.event("listening");
            type(connect, "early\n"); // before the first connection: it waits for it
            JsonObject up = connect.event("up");
            assertThat(up.get("remote").getAsString()).isEqualTo(local);
            assertThat(data(listen)).isEqualTo("early");
            assertThat(data(connect)).isEqualTo("early");

            listen.terminate();
            JsonObject told = listen.event("draining");
            assertThat(told.get("connections").getAsInt()).isEqualTo(1);
            assertThat(told.get("spanMillis").getAsLong()).isEqualTo(2000);
            assertThat(connect.event("draining").get("why").getAsString()).contains("DRAIN SHUTDOWN");
            assertThat(connect.event("drained").get("complete").getAsBoolean()).isTrue();
            assertThat(connect.event("down").get("kind").getAsString()).isEqualTo("MOVED");
            assertThat(listen.event("down").get("kind").getAsString()).isEqualTo("PEER_CLOSED");
            JsonObject drained = listen.event("drained");
            assertThat(drained.get("confirmed").getAsLong()).isEqualTo(1);
            assertThat(drained.has("client")).isFalse();
            assertThat(listen.exitCode()).isEqualTo(SIGTERM);
            assertThat(listen.rest()).isEmpty();

            JsonObject waiting = connect.event("waiting");
            while (!waiting.get("kind").getAsString().equals("CONNECT_FAILED")) {
                waiting = connect.event("waiting");
            }
            assertThat(waiting.get("why").getAsString()).contains("refused");
            try (Program again = run(listening)) {
                again.event("listening");
                assertThat(connect.event("up").get("epoch").getAsLong())
                        .isGreaterThan(up.get("epoch").getAsLong());
                type(connect, "late\n");
                assertThat(data(again)).isEqualTo("late");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void peerThatHangs_isDead_andOfItsMessagesNothingIsKnown(String transport) throws Exception {
        try (FramedPeer peer = new FramedPeer();
                Program connect = run(
                        "connect",
                        peer.address(),
                        "--reconnect",
                        "--heartbeat",
                        "1500ms/300ms/2",
                        "--transport",
                        transport,
                        "--for",
                        "8s")) {
            peer.accept();
            peer.expect(FramedPeer.HELLO_TYPE);
            peer.send(FramedPeer.HELLO);
            connect.event("up");
            type(connect, "lost?\n");
            assertThat(peer.expect(FramedPeer.DATA))
                    .asString(StandardCharsets.UTF_8)
                    .isEqualTo("lost?");
            List<JsonObject> after = rest(connect);
            JsonObject down = only(after, "down");
            assertThat(down.get("kind").getAsString()).isEqualTo("PEER_DEAD");
            assertThat(down.get("cause").getAsString())
                    .isEqualTo(transport.equals("epoll") ? "PEER_HUNG" : "HEARTBEAT_TIMEOUT");
            assertThat(down.get("explanation").getAsString()).startsWith(peer.address() + " is dead: ");
            assertThat(down.get("evidence").isJsonNull()).isEqualTo(transport.equals("nio"));
            JsonObject unknown = only(after, "unknown");
            assertThat(unknown.get("data").getAsString()).isEqualTo("lost?");
            assertThat(unknown.get("reason").getAsString()).startsWith("PEER_DEAD");
            assertThat(names(after))
                    .contains("suspect", "waiting", "connecting")
                    .doesNotContain("up");
            JsonObject closed = only(after, "closed");
            assertThat(closed.get("unknown").getAsLong()).isEqualTo(1);
            assertThat(closed.get("deaths").getAsLong()).isEqualTo(1);
            assertThat(closed.get("elapsedMillis").getAsLong()).isGreaterThanOrEqualTo(8000);
        }
    }

    /** What is told after this, until the regular end: the exit code is not that of a dead peer, for another connection is wanted. */
    private static List<JsonObject> rest(Program program) throws InterruptedException {
        assertThat(program.exitCode()).isZero();
        List<JsonObject> rest = new ArrayList<>();
        while (!program.rest().isEmpty()) {
            rest.add(program.next());
        }
        return rest;
    }

    private static JsonObject only(List<JsonObject> events, String name) {
        List<JsonObject> found = events.stream()
                .filter(event -> event.get("event").getAsString().equals(name))
                .toList();
        assertThat(found).as(name + " among " + names(events)).hasSize(1);
        return found.get(0);
    }

    private static List<String> names(List<JsonObject> events) {
        return events.stream().map(event -> event.get("event").getAsString()).toList();
    }

    @Test
    void lineWhileThereIsNoConnection_isToldNotSent_atOnce() throws Exception {
        try (FramedPeer peer = new FramedPeer()) {
            try (Program connect = run("connect", peer.address(), "--reconnect")) {
                peer.accept();
                peer.expect(FramedPeer.HELLO_TYPE);
                peer.send(FramedPeer.HELLO);
                connect.event("up");
                peer.close();
                connect.event("down");
                type(connect, "nobody there\n");
                JsonObject notSent = connect.event("not-sent");
                assertThat(notSent.get("data").getAsString()).isEqualTo("nobody there");
                assertThat(notSent.get("message").getAsLong()).isEqualTo(1);
                connect.terminate();
                JsonObject closed = connect.event("closed");
                assertThat(closed.get("kind").getAsString()).isEqualTo("CLOSED");
                assertThat(closed.get("notSent").getAsLong()).isEqualTo(1);
                assertThat(connect.exitCode()).isEqualTo(SIGTERM);
            }
        }
    }

    @Test
    void connectionOfMaximumAge_isReplaced() throws Exception {
        try (Program listen = run("listen", "127.0.0.1:0", "--protocol", "framed", "--max-connections", "5")) {
            int port = listen.event("listening").get("port").getAsInt();
            try (Program connect = run("connect", "127.0.0.1:" + port, "--reconnect", "--max-age", "2s")) {
                long first = connect.event("up").get("elapsedMillis").getAsLong();
                JsonObject draining = connect.event("draining");
                assertThat(draining.get("why").getAsString()).isEqualTo("maximum age");
                assertThat(draining.get("elapsedMillis").getAsLong() - first).isBetween(1550L, 3500L);
                assertThat(connect.event("down").get("kind").getAsString()).isEqualTo("MOVED");
                assertThat(connect.event("up").get("epoch").getAsLong()).isEqualTo(2);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"bytes:01/41, epoll", "bytes:01/41, nio", "line:PING/PONG, epoll", "line:PING/PONG, nio"})
    void ownProtocols_carryLines_beatsAndConfirmations(String protocol, String transport) throws Exception {
        String[] spoken = {"--protocol", protocol, "--heartbeat", "300ms/500ms/20", "--transport", transport};
        try (Program listen = run(with(spoken, "listen", "127.0.0.1:0", "--echo", "--max-per-address", "9"))) {
            int port = listen.event("listening").get("port").getAsInt();
            try (Program connect = run(with(spoken, "connect", "127.0.0.1:" + port, "--reconnect", "--for", "10s"))) {
                connect.event("up");
                type(connect, "one\ntwo\nlast");
                connect.input().close(); // its end does not end the connection
                for (String line : List.of("one", "two", "last")) {
                    assertThat(data(listen)).isEqualTo(line);
                    assertThat(data(connect)).isEqualTo(line);
                }
                JsonObject closed = connect.event("closed");
                assertThat(closed.get("confirmed").getAsLong()).isEqualTo(3);
                assertThat(closed.get("deaths").getAsLong()).isZero();
                assertThat(connect.exitCode()).isZero();
                assertThat(listen.event("down").get("kind").getAsString()).isEqualTo("PEER_CLOSED");
            }
        }
    }

    private static String[] with(String[] spoken, String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of(spoken));
        return all.toArray(String[]::new);
    }

    @Test
    void clientAboveTheLimit_isTurnedAway_andToldSo() throws Exception {
        try (Program listen = run("listen", "127.0.0.1:0", "--protocol", "framed", "--max-connections", "1")) {
            String remote = "127.0.0.1:" + listen.event("listening").get("port").getAsInt();
            try (Program one = run("connect", remote, "--reconnect")) {
                one.event("up");
                try (Program two = run("connect", remote, "--reconnect")) {
                    assertThat(two.event("waiting").get("why").getAsString()).contains("OVERLOADED");
                    one.terminate();
                    one.event("closed");
                    two.event("up");
                }
            }
        }
    }

    @Test
    void endOfTheLimitOfTime_drains_withCode0() throws Exception {
        try (Program listen = run("listen", "127.0.0.1:0", "--protocol", "framed", "--drain", "1s", "--for", "12s")) {
            int port = listen.event("listening").get("port").getAsInt();
            try (Program connect = run("connect", "127.0.0.1:" + port, "--reconnect")) {
                connect.event("up");
                assertThat(connect.event("draining").get("spanMillis").getAsLong())
                        .isBetween(1L, 1000L);
                listen.event("draining");
                assertThat(listen.event("drained").get("deaths").getAsLong()).isZero();
                assertThat(listen.exitCode()).isZero();
            }
        }
    }
}
