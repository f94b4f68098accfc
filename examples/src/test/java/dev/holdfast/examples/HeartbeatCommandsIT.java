package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Heartbeats of the commands, in processes of their own, on loopback. */
class HeartbeatCommandsIT {
    /** Ticks, the look before the verdict, and a busy machine. */
    private static final long ROOM_MILLIS = 900;

    private static Program connect(BeatPeer peer, String... more) throws IOException {
        return connect(peer.address(), more);
    }

    private static Program connect(String address, String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("connect", address, "--events", "json"));
        arguments.addAll(List.of(more));
        return Program.start(arguments.toArray(String[]::new));
    }

    private static Program listen(String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("listen", "127.0.0.1:0", "--events", "json"));
        arguments.addAll(List.of(more));
        return Program.start(arguments.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void bytes_areTheWholeProbe_andCountWhereverTheyStand(String transport) throws Exception {
        try (BeatPeer peer = new BeatPeer();
                Program connect = connect(
                        peer, "--heartbeat", "400ms/400ms/20", "--protocol", "bytes:01/41", "--transport", transport)) {
            peer.accept();
            peer.expect(0x01);
            peer.send("heAllo\n");
            JsonObject beat = connect.event("beat");
            assertThat(beat.get("sequence").getAsLong()).isEqualTo(1);
            assertThat(beat.get("rttMicros").getAsLong()).isBetween(0L, 400_000L);
            assertThat(beat.get("lateMicros").getAsLong()).isNotNegative();
            assertThat(connect.event("received").get("data").getAsString()).isEqualTo("hello");
            peer.answer(3);
            assertThat(connect.event("beat").get("sequence").getAsLong()).isGreaterThan(1);
            connect.event("beat");
            connect.input().close(); // its end does not end the connection
            peer.answer(1);
            connect.event("beat");
            assertThat(connect.isAlive()).isTrue();
            peer.finish();
            assertThat(connect.event("closed").get("by").getAsString()).isEqualTo("peer");
            assertThat(connect.exitCode()).isZero();
            assertThat(connect.rest()).isEmpty();
        }
    }

    @Test
    void peersBeats_areAnswered_byTheWordOnly() throws Exception {
        try (BeatPeer peer = new BeatPeer();
                Program connect = connect(
                        peer,
                        "--heartbeat",
                        "20s/5s/2",
                        "--heartbeat-mode",
                        "watch-only",
                        "--protocol",
                        "bytes:0102/4142")) {
            peer.accept();
            connect.event("up");
            peer.send("one \u0001\u0002line\n");
            peer.expect(0x41);
            peer.expect(0x42);
            assertThat(connect.event("received").get("data").getAsString()).isEqualTo("one line");
        }
    }

    @Test
    void unansweredBeat_isSuspect_thenAlive() throws Exception {
        try (BeatPeer peer = new BeatPeer();
                Program connect = connect(peer, "--heartbeat", "300ms/500ms/20", "--protocol", "bytes:01/41")) {
            peer.accept();
            peer.expect(0x01);
            JsonObject suspect = connect.event("suspect");
            assertThat(suspect.get("unanswered").getAsInt()).isEqualTo(1);
            assertThat(suspect.get("silenceMillis").getAsLong()).isGreaterThanOrEqualTo(500);
            peer.expect(0x01);
            peer.send("A");
            connect.event("alive");
            peer.answerOn();
            connect.event("beat");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void hungPeer_isDeadOnce_withinTheBound(String transport) throws Exception {
        try (BeatPeer peer = new BeatPeer();
                Program connect = connect(
                        peer, "--heartbeat", "400ms/300ms/2", "--protocol", "bytes:01/41", "--transport", transport)) {
            peer.accept();
            peer.answer(3);
            JsonObject dead = connect.event("dead");
            assertThat(dead.get("cause").getAsString())
                    .isEqualTo(transport.equals("epoll") ? "PEER_HUNG" : "HEARTBEAT_TIMEOUT");
            assertThat(dead.get("detectedAfterMillis").getAsLong()).isBetween(600L, 1000 + ROOM_MILLIS);
            assertThat(dead.get("explanation").getAsString()).startsWith(peer.address() + " is dead: ");
            assertThat(dead.get("evidence").isJsonNull()).isEqualTo(transport.equals("nio"));
            assertThat(connect.exitCode()).isEqualTo(3);
            assertThat(connect.rest()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void reset_isToldOnce_byTheHeartbeat(String transport) throws Exception {
        try (BeatPeer peer = new BeatPeer();
                Program connect = connect(
                        peer, "--heartbeat", "400ms/400ms/20", "--protocol", "bytes:01/41", "--transport", transport)) {
            peer.accept();
            peer.answer(2);
            peer.reset();
            JsonObject dead = connect.event("dead");
            assertThat(dead.get("cause").getAsString()).isEqualTo("RESET");
            assertThat(connect.exitCode()).isEqualTo(3);
            assertThat(connect.rest()).isEmpty();
        }
    }

    @Test
    void silentPeer_isJudgedWithoutAnyBeat_inWatchOnlyMode() throws Exception {
        try (BeatPeer peer = new BeatPeer();
                Program connect = connect(
                        peer, "--heartbeat", "400ms/300ms/2", "--heartbeat-mode", "watch-only", "--protocol", "none")) {
            peer.accept();
            connect.event("up");
            peer.send("\u0001A\n");
            assertThat(connect.event("received").get("data").getAsString()).isEqualTo("\u0001A");
            JsonObject dead = connect.event("dead");
            assertThat(dead.get("detectedAfterMillis").getAsLong()).isBetween(1000L, 1000 + ROOM_MILLIS);
            assertThat(connect.exitCode()).isEqualTo(3);
            assertThat(connect.rest()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void connectAndListen_beatInLines_andPrintTheOthers(String transport) throws Exception {
        String[] beats = {"--heartbeat", "400ms/400ms/20", "--protocol", "line:PING/PONG", "--transport", transport};
        try (Program listen = listen(with(beats, "--echo"))) {
            int port = listen.event("listening").get("port").getAsInt();
            try (Program connect = connect("127.0.0.1:" + port, with(beats, "--heartbeat-mode", "always"))) {
                connect.event("up");
                OutputStream input = connect.input();
                input.write("hello\nhalf".getBytes(StandardCharsets.UTF_8));
                input.flush();
                assertThat(listen.event("received").get("data").getAsString()).isEqualTo("hello");
                assertThat(connect.event("received").get("data").getAsString()).isEqualTo("hello");
                for (int i = 0; i < 3; i++) {
                    connect.event("beat");
                    assertThat(listen.event("beat").get("client").getAsString()).startsWith("127.0.0.1:");
                }
                input.write(" and half\n".getBytes(StandardCharsets.UTF_8)); // no beat came to stand within it
                input.flush();
                assertThat(listen.event("received").get("data").getAsString()).isEqualTo("half and half");
                assertThat(connect.event("received").get("data").getAsString()).isEqualTo("half and half");
                listen.kill();
                assertEnded(connect);
            }
        }
    }

    /** With a FIN, or with a reset where a beat still lay unread on the other side. */
    private static void assertEnded(Program connect) throws Exception {
        JsonObject end = connect.next();
        while (!List.of("closed", "dead").contains(end.get("event").getAsString())) {
            end = connect.next();
        }
        if (end.get("event").getAsString().equals("dead")) {
            assertThat(end.get("cause").getAsString()).isEqualTo("RESET");
            assertThat(connect.exitCode()).isEqualTo(3);
        } else {
            assertThat(end.get("by").getAsString()).isEqualTo("peer");
            assertThat(connect.exitCode()).isZero();
        }
    }

    private static String[] with(String[] arguments, String... more) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void listen_withAProtocolAlone_answersAndDoesNotJudge() throws Exception {
        try (Program listen = listen("--protocol", "bytes:01/41")) {
            int port = listen.event("listening").get("port").getAsInt();
            try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
                client.setSoTimeout(30_000);
                JsonObject up = listen.event("up");
                client.getOutputStream().write("he\u0001llo\n".getBytes(StandardCharsets.ISO_8859_1));
                assertThat(client.getInputStream().read()).isEqualTo(0x41);
                assertThat(listen.event("received").get("data").getAsString()).isEqualTo("hello");
                BeatPeer.reset(client);
                JsonObject dead = listen.event("dead");
                assertThat(dead.get("cause").getAsString()).isEqualTo("RESET");
                assertThat(dead.get("client")).isEqualTo(up.get("client"));
            }
        }
    }

    @Test
    void hungClient_isDeadToTheListener_whichGoesOn() throws Exception {
        try (Program listen = listen("--heartbeat", "300ms/300ms/2", "--protocol", "bytes:01/41")) {
            int port = listen.event("listening").get("port").getAsInt();
            try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
                JsonObject dead = listen.event("dead");
                assertThat(dead.get("cause").getAsString()).isEqualTo("PEER_HUNG");
                assertThat(dead.get("client").getAsString()).isEqualTo("127.0.0.1:" + client.getLocalPort());
                assertThat(listen.isAlive()).isTrue();
            }
        }
    }

    @Test
    void detectWithin_withoutAProtocol_warnsThatNothingIsSent_andWithOneBeats() throws Exception {
        try (BeatPeer peer = new BeatPeer();
                Program connect = connect(peer, "--detect-within", "4s", "--for", "5s")) {
            peer.accept();
            assertThat(connect.event("warning").get("warning").getAsString()).contains("no beats are sent");
            peer.expect(-1); // the regular end, and nothing before it
            assertThat(connect.exitCode()).isZero();
        }
        try (BeatPeer peer = new BeatPeer();
                Program connect = connect(peer, "--detect-within", "4s", "--protocol", "bytes:01/41")) {
            peer.accept();
            peer.answerOn();
            JsonObject first = connect.event("connecting");
            assertThat(first.get("elapsedMillis").getAsLong()).isNotNegative();
            connect.event("beat");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void stoppedAndContinued_killsNothing_andTellsTheStall(String transport) throws Exception {
        try (BeatPeer peer = new BeatPeer();
                Program connect = connect(
                        peer, "--heartbeat", "200ms/100ms/2", "--protocol", "bytes:01/41", "--transport", transport)) {
            peer.accept();
            peer.answerOn();
            for (int i = 0; i < 5; i++) {
                connect.event("beat");
            }
            kill("-STOP", connect);
            TimeUnit.SECONDS.sleep(5); // the length of the stop, not a wait for anything
            kill("-CONT", connect);
            JsonObject event = connect.next();
            while (!event.get("event").getAsString().equals("local-stall")
                    || event.get("millis").getAsLong() < 4000) {
                assertThat(event.get("event").getAsString()).isNotIn("dead", "closed");
                event = connect.next();
            }
            assertThat(event.get("millis").getAsLong()).isBetween(4700L, 7000L);
            for (int beats = 0; beats < 10; ) {
                JsonObject after = connect.next();
                assertThat(after.get("event").getAsString()).isNotIn("dead", "closed");
                beats += after.get("event").getAsString().equals("beat") ? 1 : 0;
            }
        }
    }

    private static void kill(String signal, Program program) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", signal, Long.toString(program.pid())).start();
        assertThat(kill.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(kill.exitValue()).isZero();
    }
}
