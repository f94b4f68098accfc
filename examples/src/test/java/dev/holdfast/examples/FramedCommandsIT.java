package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The framed protocol of the commands, in processes of their own, on loopback. */
class FramedCommandsIT {
    private static Program run(String command, String address, String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(command, address, "--events", "json", "--protocol", "framed"));
        arguments.addAll(Arrays.asList(more));
        return Program.start(arguments.toArray(String[]::new));
    }

    private static void type(Program program, String text) throws IOException {
        program.input().write(text.getBytes(StandardCharsets.UTF_8));
        program.input().flush();
    }

    private static String received(Program program) throws InterruptedException {
        return program.event("received").get("data").getAsString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void connectAndListen_exchangeLinesAndBeats_andCloseInOrder(String transport) throws Exception {
        String[] beats = {"--heartbeat", "300ms/500ms/20", "--transport", transport};
        try (Program listen = run("listen", "127.0.0.1:0", beats[0], beats[1], beats[2], beats[3], "--echo")) {
            int port = listen.event("listening").get("port").getAsInt();
            try (Program connect =
                    run("connect", "127.0.0.1:" + port, beats[0], beats[1], beats[2], beats[3], "--for", "8s")) {
                JsonObject agreed = connect.event("agreed");
                assertThat(agreed.get("boundMillis").getAsLong()).isEqualTo(300 + 20 * 500);
                assertThat(agreed.get("lengthened").getAsBoolean()).isFalse();
                assertThat(listen.event("agreed").get("client").getAsString()).startsWith("127.0.0.1:");

                type(connect, "hello\n\nw\u00f6rld\nhalf");
                for (String line : List.of("hello", "", "w\u00f6rld")) {
                    assertThat(received(listen)).isEqualTo(line);
                    assertThat(received(connect)).isEqualTo(line);
                }
                type(connect, " and half\n");
                assertThat(received(listen)).isEqualTo("half and half");
                for (int i = 0; i < 3; i++) {
                    assertThat(connect.event("beat").get("rttMicros").getAsLong())
                            .isBetween(0L, 500_000L);
                    listen.event("beat");
                }
                JsonObject close = listen.event("close-received"); // the end of --for
                assertThat(close.get("reason").getAsString()).isEqualTo("NORMAL");
                assertThat(listen.event("closed").get("by").getAsString()).isEqualTo("peer");
                assertThat(connect.event("closed").get("by").getAsString()).isEqualTo("us");
                assertThat(connect.exitCode()).isZero();
                assertThat(connect.rest()).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void silentPeer_isDeadAtTheHandshakeLimit_andSeesWhy(String transport) throws Exception {
        try (FramedPeer peer = new FramedPeer();
                Program connect =
                        run("connect", peer.address(), "--heartbeat", "300ms/300ms/2", "--transport", transport)) {
            peer.accept();
            long up = connect.event("up").get("elapsedMillis").getAsLong();
            peer.expect(FramedPeer.HELLO_TYPE);
            type(connect, "too early\n");
            JsonObject dead = connect.next();
            assertThat(dead.get("event").getAsString()).isEqualTo("dead");
            assertThat(dead.get("elapsedMillis").getAsLong() - up).isBetween(9_900L, 12_000L);
            assertThat(dead.get("cause").getAsString()).isEqualTo("HANDSHAKE_DEADLINE");
            assertThat(peer.expect(FramedPeer.CLOSE_TYPE)).startsWith(0, 8); // HANDSHAKE_TIMEOUT, and no line before it
            peer.expectEnd();
            assertThat(connect.exitCode()).isEqualTo(3);
            assertThat(connect.rest()).isEmpty();
        }
    }

    @Test
    void peerThatSpeaksAnotherLanguage_isDead_andSeesWhy() throws Exception {
        try (FramedPeer peer = new FramedPeer();
                Program connect = run("connect", peer.address(), "--heartbeat", "10s/5s/2")) {
            peer.accept();
            peer.send(HexFormat.of().formatHex("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
            peer.expect(FramedPeer.HELLO_TYPE);
            assertThat(peer.expect(FramedPeer.CLOSE_TYPE)).startsWith(0, 3); // PROTOCOL_ERROR
            peer.expectEnd();
            JsonObject dead = connect.event("dead");
            assertThat(dead.get("cause").getAsString()).isEqualTo("PROTOCOL_ERROR");
            assertThat(connect.exitCode()).isEqualTo(3);
            assertThat(connect.rest()).isEmpty();
        }
    }

    @Test
    void lines_waitForTheHello_andKeepToThePeersLimit() throws Exception {
        try (FramedPeer peer = new FramedPeer();
                Program connect = run("connect", peer.address(), "--heartbeat", "60s/5s/2")) {
            peer.accept();
            peer.expect(FramedPeer.HELLO_TYPE);
            type(connect, "a".repeat(1024) + "\n" + "b".repeat(1025) + "\n");
            peer.send(FramedPeer.HELLO);
            assertThat(peer.expect(FramedPeer.DATA)).hasSize(1024).containsOnly('a');
            assertThat(peer.expect(FramedPeer.DATA)).hasSize(1024).containsOnly('b');
            assertThat(peer.expect(FramedPeer.DATA)).containsExactly('b');
        }
    }

    @Test
    void drainAndClose_areToldWithTheirReasons_andTheCloseIsAnswered() throws Exception {
        try (FramedPeer peer = new FramedPeer();
                Program connect = run("connect", peer.address(), "--heartbeat", "300ms/5s/2")) {
            peer.accept();
            peer.expect(FramedPeer.HELLO_TYPE);
            peer.send(FramedPeer.HELLO);
            peer.answer();
            connect.event("beat");
            peer.send(FramedPeer.DRAIN + FramedPeer.CLOSE);
            JsonObject drain = connect.event("drain-received");
            assertThat(drain.get("reason").getAsString()).isEqualTo("RESTART");
            assertThat(drain.get("spanMillis").getAsLong()).isEqualTo(30_000);
            JsonObject close = connect.event("close-received");
            assertThat(close.get("reason").getAsString()).isEqualTo("OVERLOADED");
            assertThat(close.get("code").getAsInt()).isEqualTo(7);
            assertThat(close.get("reconnectAfterMillis").getAsLong()).isEqualTo(1000);
            assertThat(connect.event("closed").get("by").getAsString()).isEqualTo("peer");
            assertThat(peer.expect(FramedPeer.CLOSE_TYPE)).startsWith(0, 1); // NORMAL
            peer.expectEnd();
            assertThat(connect.exitCode()).isZero();
        }
    }

    @Test
    void listen_withTheProtocolAlone_promisesNoBeats_andAnswers() throws Exception {
        try (Program listen = run("listen", "127.0.0.1:0")) {
            int port = listen.event("listening").get("port").getAsInt();
            try (Program connect = run("connect", "127.0.0.1:" + port, "--heartbeat", "300ms/5s/2")) {
                assertThat(connect.event("agreed").get("receiveMillis").getAsLong())
                        .isZero();
                connect.event("beat");
                connect.event("beat");
                type(connect, "hello\n");
                assertThat(received(listen)).isEqualTo("hello");
            }
        }
    }
}
