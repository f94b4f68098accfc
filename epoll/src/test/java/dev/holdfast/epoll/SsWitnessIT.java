package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import io.netty.channel.Channel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code ss -tno}, which asks the kernel by netlink, as a witness that is not our own getsockopt. */
class SsWitnessIT {
    private static final SocketOptions OPTIONS = SocketOptions.builder()
            .keepAlive(Duration.ofSeconds(500), Duration.ofSeconds(70), 3)
            .build();

    static List<Transport> transports() {
        return Transport.all();
    }

    @BeforeAll
    static void needsSs() throws Exception {
        try {
            new ProcessBuilder("ss", "-V").start().waitFor();
        } catch (IOException missing) {
            if ("required".equals(System.getenv("HOLDFAST_WITNESS"))) {
                throw new AssertionError("ss (Debian package iproute2) is required here", missing);
            }
            abort("left out: ss (Debian package iproute2) is not installed");
        }
    }

    /** The seconds to the next keepalive probe of the connection between two ports. */
    private static double keepAliveTimer(int local, int remote) throws Exception {
        Process ss = new ProcessBuilder("ss", "-tno", "sport = :" + local + " and dport = :" + remote)
                .redirectErrorStream(true)
                .start();
        String output = new String(ss.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(ss.waitFor(10, TimeUnit.SECONDS)).isTrue();
        Matcher timer = Pattern.compile("timer:\\(keepalive,(?:(\\d+)min)?([0-9.]*)(ms|sec)?,0\\)")
                .matcher(output);
        assertThat(timer.find()).as(output).isTrue();
        double minutes = timer.group(1) == null ? 0 : Double.parseDouble(timer.group(1));
        double rest = timer.group(2).isEmpty() ? 0 : Double.parseDouble(timer.group(2));
        return minutes * 60 + rest;
    }

    private static int port(Object address) {
        return ((InetSocketAddress) address).getPort();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void ss_showsTheKeepAliveTimer_ofTheClientAndOfTheAcceptedChild(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Channel server = net.listen(OPTIONS);
            Channel client = net.connect(OPTIONS, server);
            Channel child = net.accept();
            assertThat(OptionReport.of(client).orElseThrow().problems()).isEmpty();
            for (Channel end : List.of(client, child)) {
                assertThat(keepAliveTimer(port(end.localAddress()), port(end.remoteAddress())))
                        .isBetween(420.0, 565.0);
            }
        }
    }

    @Test
    void ss_showsTheKeepAliveTimer_ofAJdkSocket() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 5, java.net.InetAddress.getLoopbackAddress());
                Socket socket = new Socket()) {
            OptionReport report = OPTIONS.connect(socket, (InetSocketAddress) server.getLocalSocketAddress());
            assertThat(report.problems()).isEmpty();
            assertThat(keepAliveTimer(socket.getLocalPort(), socket.getPort())).isBetween(420.0, 565.0);
        }
    }
}
