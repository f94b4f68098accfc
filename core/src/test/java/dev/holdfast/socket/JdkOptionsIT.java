package dev.holdfast.socket;

import static dev.holdfast.socket.TcpOption.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.socket.OptionReport.Row;
import dev.holdfast.socket.OptionReport.Status;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import jdk.net.ExtendedSocketOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Options on the JDK's own sockets, against a real listener on loopback. */
class JdkOptionsIT {
    private static final SocketOptions OPTIONS = SocketOptions.builder()
            .keepAlive(Duration.ofSeconds(61), Duration.ofSeconds(11), 4)
            .noDelay(true)
            .sendBuffer(100_000)
            .connectTimeout(Duration.ofSeconds(7))
            .build();
    private static final SocketOptions WITH_USER_TIMEOUT =
            OPTIONS.toBuilder().userTimeout(Duration.ofSeconds(99)).build();

    private ServerSocket server;
    private InetSocketAddress address;

    @BeforeEach
    void listen() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        address = (InetSocketAddress) server.getLocalSocketAddress();
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    private static SocketOptions strict(SocketOptions options) {
        return options.toBuilder().policy(OptionPolicy.FAIL).build();
    }

    @Test
    void connect_ofASocket_appliesConnectsAndReadsBack() throws IOException {
        try (Socket socket = new Socket()) {
            OptionReport report = OPTIONS.connect(socket, address);
            assertThat(report.problems()).isEmpty();
            assertThat(report.rows()).extracting(Row::status).containsOnly(Status.APPLIED);
            assertThat(socket.isConnected()).isTrue();
            assertThat(socket.getOption(ExtendedSocketOptions.TCP_KEEPIDLE)).isEqualTo(61);
            assertThat(socket.getOption(ExtendedSocketOptions.TCP_KEEPINTERVAL)).isEqualTo(11);
            assertThat(socket.getOption(ExtendedSocketOptions.TCP_KEEPCOUNT)).isEqualTo(4);
            assertThat(socket.getKeepAlive()).isTrue();
            assertThat(socket.getTcpNoDelay()).isTrue();
        }
    }

    @Test
    void connect_ofAChannel_appliesConnectsAndReadsBack() throws IOException {
        try (SocketChannel channel = SocketChannel.open()) {
            OptionReport report = WITH_USER_TIMEOUT.connect(channel, address);
            assertThat(report.problems()).extracting(Row::option).containsExactly(TCP_USER_TIMEOUT);
            assertThat(channel.isConnected()).isTrue();
            assertThat(channel.getOption(ExtendedSocketOptions.TCP_KEEPIDLE)).isEqualTo(61);
        }
    }

    @Test
    void connect_withAUserTimeout_saysThatJavaHasNone_andUnderFailClosesTheSocket() throws IOException {
        try (Socket socket = new Socket()) {
            Row row = WITH_USER_TIMEOUT
                    .connect(socket, address)
                    .row(TCP_USER_TIMEOUT)
                    .orElseThrow();
            assertThat(row.status()).isEqualTo(Status.UNSUPPORTED);
            assertThat(row.reason()).isEqualTo("Java's own sockets have no such option");
        }
        Socket socket = new Socket();
        assertThatThrownBy(() -> strict(WITH_USER_TIMEOUT).connect(socket, address))
                .isInstanceOf(SocketOptionException.class)
                .hasMessageContaining("TCP_USER_TIMEOUT = 99000 ms is UNSUPPORTED");
        assertThat(socket.isClosed()).isTrue();
        assertThat(socket.isConnected()).isFalse();
    }

    @Test
    void connect_readsBack_whatSomethingElseHasChanged() throws IOException {
        try (Socket meddled = new Socket() {
            @Override
            public void connect(SocketAddress remote, int timeout) throws IOException {
                super.connect(remote, timeout);
                setOption(ExtendedSocketOptions.TCP_KEEPIDLE, 33);
            }
        }) {
            Row row = OPTIONS.connect(meddled, address).row(TCP_KEEPIDLE).orElseThrow();
            assertThat(row.found()).hasValue(33);
            assertThat(row.status()).isEqualTo(Status.FAILED);
        }
    }

    @Test
    void connect_thatNobodyAnswers_endsAtTheConnectTimeout_forSocketAndChannel() throws IOException {
        try (ServerSocket deaf = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            List<Socket> fillers = new ArrayList<>();
            for (int i = 0; i < 2; i++) { // a queue of one holds two
                fillers.add(new Socket(deaf.getInetAddress(), deaf.getLocalPort()));
            }
            InetSocketAddress unanswered = (InetSocketAddress) deaf.getLocalSocketAddress();
            SocketOptions options = SocketOptions.builder()
                    .connectTimeout(Duration.ofMillis(300))
                    .build();
            Socket socket = new Socket();
            SocketChannel channel = SocketChannel.open();
            long start = System.nanoTime();
            assertThatThrownBy(() -> options.connect(socket, unanswered)).isInstanceOf(SocketTimeoutException.class);
            long between = System.nanoTime();
            assertThatThrownBy(() -> options.connect(channel, unanswered)).isInstanceOf(SocketTimeoutException.class);
            for (long nanos : new long[] {between - start, System.nanoTime() - between}) {
                assertThat(Duration.ofNanos(nanos)).isBetween(Duration.ofMillis(300), Duration.ofMillis(900));
            }
            assertThat(socket.isClosed()).isTrue();
            assertThat(channel.isOpen()).isFalse();
            for (Socket filler : fillers) {
                filler.close();
            }
        }
    }

    @Test
    void connect_toAnUnresolvedName_isUnknownHost_andClosesBoth() throws IOException {
        InetSocketAddress unknown = InetSocketAddress.createUnresolved("no-such-host.invalid", 1);
        Socket socket = new Socket();
        assertThatThrownBy(() -> OPTIONS.connect(socket, unknown))
                .isInstanceOf(UnknownHostException.class)
                .hasMessage("no-such-host.invalid");
        SocketChannel channel = SocketChannel.open();
        assertThatThrownBy(() -> OPTIONS.connect(channel, unknown)).isInstanceOf(UnknownHostException.class);
        assertThat(socket.isClosed()).isTrue();
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void connect_ofAConnectedOne_isRefused_andLeavesItAlone() throws IOException {
        try (Socket socket = new Socket(address.getAddress(), address.getPort());
                SocketChannel channel = SocketChannel.open(address)) {
            int idle = socket.getOption(ExtendedSocketOptions.TCP_KEEPIDLE);
            assertThatThrownBy(() -> OPTIONS.connect(socket, address)).hasMessage("already connected");
            assertThatThrownBy(() -> OPTIONS.connect(channel, address)).isInstanceOf(AlreadyConnectedException.class);
            assertThat(socket.isClosed()).isFalse();
            assertThat(channel.isOpen()).isTrue();
            assertThat(socket.getOption(ExtendedSocketOptions.TCP_KEEPIDLE)).isEqualTo(idle);
        }
    }

    @Test
    void connect_warnsOnlyOfWhatJavaCanSet() throws IOException {
        SocketOptions unwise = SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(2), Duration.ofSeconds(1), 3)
                .userTimeout(Duration.ofSeconds(4))
                .policy(OptionPolicy.IGNORE)
                .build();
        try (Socket socket = new Socket()) {
            assertThat(unwise.connect(socket, address).warnings())
                    .singleElement()
                    .asString()
                    .contains("suspended while data is in flight");
        }
    }

    @Test
    void connect_ofANonBlockingChannel_isRefused_andTheChannelStaysOpen() throws IOException {
        try (SocketChannel channel = SocketChannel.open()) {
            channel.configureBlocking(false);
            assertThatThrownBy(() -> OPTIONS.connect(channel, address))
                    .isInstanceOf(IllegalBlockingModeException.class);
            assertThat(channel.isOpen()).isTrue();
        }
    }

    @Test
    void apply_toAConnectedSocket_saysWhatIsTooLate() throws IOException {
        try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
            OptionReport report = OPTIONS.toBuilder()
                    .synCount(2)
                    .receiveBuffer(50_000)
                    .build()
                    .apply(socket);
            assertThat(report.row(CONNECT_TIMEOUT).orElseThrow().status()).isEqualTo(Status.TOO_LATE);
            assertThat(report.row(TCP_SYNCNT).orElseThrow().status()).isEqualTo(Status.TOO_LATE);
            assertThat(report.row(TCP_KEEPIDLE).orElseThrow().status()).isEqualTo(Status.APPLIED);
            assertThat(report.row(SO_RCVBUF).orElseThrow().reason()).contains("the window scale did not follow");
        }
    }

    @Test
    void apply_toAnAcceptedSocket_applies() throws IOException {
        try (Socket client = new Socket(address.getAddress(), address.getPort());
                Socket accepted = server.accept()) {
            assertThat(client.isConnected()).isTrue();
            SocketOptions options = SocketOptions.builder()
                    .keepAlive(Duration.ofSeconds(61), Duration.ofSeconds(11), 4)
                    .build();
            assertThat(options.apply(accepted).problems()).isEmpty();
            assertThat(accepted.getOption(ExtendedSocketOptions.TCP_KEEPIDLE)).isEqualTo(61);
        }
    }

    @Test
    void apply_beforeTheConnect_saysThatTheTimeoutBelongsToTheConnect() throws IOException {
        try (SocketChannel channel = SocketChannel.open()) {
            channel.configureBlocking(false);
            OptionReport report = OPTIONS.apply(channel);
            Row row = report.row(CONNECT_TIMEOUT).orElseThrow();
            assertThat(row.status()).isEqualTo(Status.UNSUPPORTED);
            assertThat(row.reason()).contains("use connect(socket, address)");
            assertThat(report.problems()).hasSize(1);
        }
    }

    @Test
    void apply_underFail_changesNothing() throws IOException {
        try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
            int idle = socket.getOption(ExtendedSocketOptions.TCP_KEEPIDLE);
            assertThatThrownBy(() -> strict(OPTIONS).apply(socket)).isInstanceOf(SocketOptionException.class);
            assertThat(socket.getOption(ExtendedSocketOptions.TCP_KEEPIDLE)).isEqualTo(idle);
            assertThat(socket.getKeepAlive()).isFalse();
            assertThat(socket.isClosed()).isFalse();
        }
    }

    @Test
    void apply_toAClosedOne_fails() throws IOException {
        server.close();
        Socket socket = new Socket();
        socket.close();
        assertThatThrownBy(() -> OPTIONS.apply(socket)).hasMessage("Socket is closed");
        SocketChannel channel = SocketChannel.open();
        channel.close();
        assertThatThrownBy(() -> OPTIONS.apply(channel)).isInstanceOf(ClosedChannelException.class);
    }
}
