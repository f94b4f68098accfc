package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The doctor as a user runs it, on loopback. */
class DoctorCommandIT {
    private static Program doctor(String address, String... more) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("doctor", address));
        arguments.addAll(List.of(more));
        return Program.start(arguments.toArray(String[]::new));
    }

    private static JsonObject json(Program doctor) {
        return new Gson().fromJson(String.join("\n", doctor.rest()), JsonObject.class);
    }

    private static Program listen(String... more) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("listen", "127.0.0.1:0", "--events", "json"));
        arguments.addAll(List.of(more));
        return Program.start(arguments.toArray(String[]::new));
    }

    private static String address(Program listen) throws Exception {
        return "127.0.0.1:" + listen.event("listening").get("port").getAsInt();
    }

    private static String address(ServerSocket server) {
        return "127.0.0.1:" + server.getLocalPort();
    }

    @Test
    void doctor_ofAPeer_printsItAll_andEndsWell() throws Exception {
        try (Program listen = listen();
                Program doctor = doctor(address(listen), "--keepalive", "on")) {
            assertThat(doctor.exitCode()).as(doctor.errors()).isZero();
            assertThat(String.join("\n", doctor.rest()))
                    .contains(
                            "addresses\n  127.0.0.1:",
                            " connected in ",
                            "SO_KEEPALIVE                on           on  APPLIED",
                            "round trip: ",
                            "heartbeat: not asked; that takes the --protocol",
                            "net.ipv4.tcp_keepalive_time",
                            "s idle before the first keepalive probe",
                            "PEER_PROGRAM_HUNG                  never",
                            "  there is no user timeout: a peer lost with data in flight is noticed after ",
                            "    next step: add --user-timeout 85s",
                            "verdict: healthy")
                    .doesNotContain("CONNECT_TIMEOUT ", "idle cut");
            assertThat(doctor.errors()).isEmpty();
        }
    }

    /** One for each protocol, on both transports; their waits are side by side. */
    @Test
    void doctor_asksTheHeartbeat_beforeAndAfterSilence() throws Exception {
        try (Program bytes = listen("--protocol", "bytes:01/41");
                Program lines = listen("--protocol", "line:PING/PONG");
                Program frames = listen("--protocol", "framed")) {
            String bytesAt = address(bytes);
            String linesAt = address(lines);
            String framesAt = address(frames);
            try (Program first = asking(bytesAt, "epoll", "bytes:01/41");
                    Program second = asking(linesAt, "nio", "line:PING/PONG");
                    Program third = asking(framesAt, "epoll", "framed");
                    Program fourth = asking(framesAt, "nio", "framed")) {
                for (Program each : List.of(first, second, third, fourth)) {
                    hasAsked(each);
                }
            }
        }
    }

    private static Program asking(String address, String transport, String protocol) throws Exception {
        return doctor(
                address,
                "--format",
                "json",
                "--transport",
                transport,
                "--heartbeat",
                "1s/5s/2",
                "--protocol",
                protocol,
                "--find-idle-cut",
                "2s",
                "--precision",
                "50%");
    }

    private static void hasAsked(Program doctor) throws Exception {
        assertThat(doctor.exitCode()).as(doctor.errors()).isZero();
        JsonObject found = json(doctor);
        assertThat(found.get("healthy").getAsBoolean()).isTrue();
        assertThat(found.get("heartbeatRttMicros").getAsLong()).isBetween(1L, 5_000_000L);
        assertThat(found.get("rttMicros").isJsonNull())
                .isEqualTo(found.get("transport").getAsString().equals("nio"));
        assertThat(found.get("bounds").getAsJsonArray()).isNotEmpty();
        assertThat(found.get("kernel").isJsonObject()).isTrue();
        JsonObject cut = found.getAsJsonObject("idleCut");
        assertThat(cut.get("toleratedMillis").getAsLong()).isEqualTo(2000);
        assertThat(cut.get("cutMillis").isJsonNull()).isTrue();
        assertThat(cut.get("refreshedByKeepAlive").isJsonNull()).isTrue();
        assertThat(doctor.errors())
                .contains("round 1: silent for 1 s, 2 s", "2 s: answered after", "so far: tolerates 2 s");
    }

    @Test
    void doctor_withoutAProtocol_asksTheKernel_andSaysWhatThatIsWorth() throws Exception {
        try (Program listen = listen()) {
            String at = address(listen);
            try (Program epoll = doctor(at, "--transport", "epoll", "--find-idle-cut", "1s", "--format", "json");
                    Program nio = doctor(at, "--transport", "nio", "--find-idle-cut", "1s", "--format", "json")) {
                hasAskedTheKernel(epoll, "a keepalive probe was acknowledged");
                hasAskedTheKernel(nio, "the kernel did not give up on its keepalive probes");
            }
        }
    }

    private static void hasAskedTheKernel(Program doctor, String how) throws Exception {
        assertThat(doctor.exitCode()).as(doctor.errors()).isZero();
        JsonObject cut = json(doctor).getAsJsonObject("idleCut");
        assertThat(cut.get("toleratedMillis").getAsLong()).isEqualTo(1000);
        assertThat(cut.get("notes").getAsString()).contains("is known only with a --protocol");
        assertThat(doctor.errors()).contains(how);
    }

    private static InetAddress loopback(int number) throws Exception {
        return InetAddress.getByAddress(new byte[] {127, 0, 0, (byte) number});
    }

    @Test
    void connect_toSeveralAddresses_tellsOfEach() throws Exception {
        EventLoopGroup group =
                new MultiThreadIoEventLoopGroup(1, Transport.nio().ioHandlerFactory());
        try (ServerSocket server = new ServerSocket(0, 10, loopback(2))) {
            Checkup checkup =
                    new Checkup(group, Transport.nio(), SocketOptions.builder().build(), Optional.empty());
            List<Checkup.Attempt> attempts = checkup.connect(List.of(
                    new InetSocketAddress(loopback(1), server.getLocalPort()),
                    new InetSocketAddress(loopback(2), server.getLocalPort())));

            assertThat(attempts)
                    .extracting(Checkup.Attempt::text)
                    .containsExactly("127.0.0.1:" + server.getLocalPort(), "127.0.0.2:" + server.getLocalPort());
            assertThat(attempts.get(0).result()).startsWith("failed after ").contains("Connection refused");
            assertThat(attempts.get(1).result()).startsWith("connected in ");
            assertThat(Advice.of(attempts))
                    .singleElement()
                    .satisfies(advice -> assertThat(advice.nextStep()).contains("take the address out of the name"));
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).await();
        }
    }

    @Test
    void doctor_whosePeerDoesNotAnswerTheHeartbeat_endsWith3_andDoesNotSearch() throws Exception {
        try (Program listen = listen();
                Program doctor = doctor(
                        address(listen),
                        "--heartbeat",
                        "300ms/300ms/2",
                        "--protocol",
                        "bytes:01/41",
                        "--find-idle-cut",
                        "1h")) {
            assertThat(doctor.exitCode()).isEqualTo(3);
            assertThat(String.join("\n", doctor.rest()))
                    .contains("heartbeat: not answered", "verdict: the peer was lost: ")
                    .doesNotContain("idle cut");
        }
    }

    @Test
    void doctor_whosePeerClosesAtOnce_endsWith3() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
                Program doctor = doctor(address(server))) {
            for (int i = 0; i < 2; i++) {
                try (Socket accepted = server.accept()) {
                    assertThat(accepted.isConnected()).isTrue();
                }
            }
            assertThat(doctor.exitCode()).isEqualTo(3);
            assertThat(String.join("\n", doctor.rest()))
                    .contains("verdict: the peer was lost: the peer closed the connection");
        }
    }

    @Test
    void doctor_whereNobodyListens_endsWith3_andANextStep() throws Exception {
        int port;
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            port = server.getLocalPort();
        }
        try (Program doctor = doctor("127.0.0.1:" + port)) {
            assertThat(doctor.exitCode()).isEqualTo(3);
            assertThat(String.join("\n", doctor.rest()))
                    .contains(
                            " failed after ",
                            "Connection refused",
                            "next step: start what should listen there",
                            "verdict: the peer cannot be had");
        }
    }

    @Test
    void search_whosePeerSpeaksByItself_saysSo() throws Exception {
        try (Program listen = listen("--heartbeat", "1500ms/1s/20", "--protocol", "line:PING/PONG");
                Program doctor = doctor(address(listen), "--find-idle-cut", "8s", "--format", "json")) {
            assertThat(doctor.exitCode()).as(doctor.errors()).isZero();
            assertThat(json(doctor).getAsJsonObject("idleCut").get("notes").toString())
                    .contains("the search ended early: the peer spoke by itself after ");
        }
    }

    @Test
    void search_interrupted_saysWhatIsKnown() throws Exception {
        try (Program listen = listen();
                Program doctor = doctor(address(listen), "--find-idle-cut", "1h", "--parallel", "64")) {
            long start = System.nanoTime();
            while (!doctor.errors().contains("1 s: a keepalive") && System.nanoTime() - start < 30_000_000_000L) {
                Thread.onSpinWait();
            }
            ProcessHandle.of(doctor.pid()).orElseThrow().destroy();
            assertThat(doctor.exitCode()).isEqualTo(143);
            assertThat(doctor.errors()).contains("interrupted; so far: tolerates 1");
        }
    }

    @ParameterizedTest
    @MethodSource("badInput")
    void doctor_ofBadInput_endsWith2_andTheRule(String rule, List<String> arguments) throws Exception {
        try (Program doctor = Program.start(arguments.toArray(String[]::new))) {
            assertThat(doctor.exitCode()).isEqualTo(2);
            assertThat(doctor.errors()).contains(rule);
            assertThat(doctor.rest()).isEmpty();
        }
    }

    static Stream<Arguments> badInput() {
        return Stream.of(
                Arguments.of("unknown host 'no-such.invalid'", List.of("doctor", "no-such.invalid:1")),
                Arguments.of("1s or more", List.of("doctor", "127.0.0.1:1", "--find-idle-cut", "900ms")),
                Arguments.of("with --find-idle-cut", List.of("doctor", "127.0.0.1:1", "--parallel", "3")),
                Arguments.of("1 to 64", List.of("doctor", "127.0.0.1:1", "--find-idle-cut", "1m", "--parallel", "65")),
                Arguments.of(
                        "1% to 50%", List.of("doctor", "127.0.0.1:1", "--find-idle-cut", "1m", "--precision", "51")),
                Arguments.of(
                        "the doctor asks the peer",
                        List.of(
                                "doctor",
                                "127.0.0.1:1",
                                "--heartbeat",
                                "1s/1s/2",
                                "--protocol",
                                "framed",
                                "--heartbeat-mode",
                                "watch-only")));
    }
}
