package dev.holdfast.epoll;

import static dev.holdfast.socket.TcpOption.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.socket.OptionPolicy;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.OptionReport.Row;
import dev.holdfast.socket.OptionReport.Status;
import dev.holdfast.socket.SocketOptionException;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.local.LocalChannel;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Options on real sockets, on each transport. */
class OptionsIT {
    private static final SocketOptions KEEPALIVE = SocketOptions.builder()
            .keepAlive(Duration.ofSeconds(61), Duration.ofSeconds(11), 4)
            .noDelay(false)
            .connectTimeout(Duration.ofSeconds(7))
            .build();

    private static final SocketOptions NATIVE = KEEPALIVE.toBuilder()
            .userTimeout(Duration.ofSeconds(99))
            .synCount(3)
            .notSentLowWater(65536)
            .build();

    static List<Transport> transports() {
        assertThat(Transport.preferred().name()).isEqualTo("epoll");
        return Transport.all();
    }

    private static List<TcpOption> in(Status status, OptionReport report) {
        return report.rows().stream()
                .filter(row -> row.status() == status)
                .map(Row::option)
                .toList();
    }

    private static OptionReport report(Channel channel) {
        return OptionReport.of(channel).orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void connect_appliesAndReadsBack_withNettysOwnGettersAsWitness(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Channel channel = net.connect(KEEPALIVE, net.listen());

            assertThat(in(Status.APPLIED, report(channel)))
                    .containsExactly(
                            TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, SO_KEEPALIVE, TCP_NODELAY, CONNECT_TIMEOUT);
            assertThat(channel.config().getOption(ChannelOption.SO_KEEPALIVE)).isTrue();
            assertThat(channel.config().getOption(ChannelOption.TCP_NODELAY)).isFalse();
            if (channel instanceof EpollSocketChannel epoll) {
                assertThat(epoll.config().getTcpKeepIdle()).isEqualTo(61);
                assertThat(epoll.config().getTcpKeepIntvl()).isEqualTo(11);
                assertThat(epoll.config().getTcpKeepCnt()).isEqualTo(4);
            }
            assertThat(channel.pipeline().names()).hasSize(2); // the user's handler and the tail: nothing of ours stays
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void connect_reportsWhatTheTransportLacks(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Channel channel = net.connect(NATIVE, net.listen());

            List<TcpOption> natives = List.of(TCP_USER_TIMEOUT, TCP_SYNCNT, TCP_NOTSENT_LOWAT);
            if (transport.name().equals("nio")) {
                assertThat(in(Status.UNSUPPORTED, report(channel))).containsExactlyElementsOf(natives);
                assertThat(report(channel).row(TCP_USER_TIMEOUT).orElseThrow().reason())
                        .isEqualTo("the transport nio does not have it");
            } else {
                assertThat(in(Status.APPLIED, report(channel))).containsAll(natives);
                EpollSocketChannel epoll = (EpollSocketChannel) channel;
                assertThat(epoll.config().getTcpUserTimeout()).isEqualTo(99_000);
                assertThat(epoll.config().getTcpNotSentLowAt()).isEqualTo(65536);
            }
        }
    }

    @Test
    void connect_underFail_withAnUnsupportedOption_failsBeforeTheConnect() throws Exception {
        try (Loopback net = new Loopback(Transport.nio())) {
            SocketOptions strict = NATIVE.toBuilder().policy(OptionPolicy.FAIL).build();
            ChannelFuture future = strict.connect(
                            net.clientBootstrap(), net.listen().localAddress())
                    .await();

            assertThat(future.cause())
                    .isInstanceOf(SocketOptionException.class)
                    .hasMessageContaining("TCP_USER_TIMEOUT = 99000 ms is UNSUPPORTED");
            assertThat(future.channel().closeFuture().await(10_000)).isTrue();
            assertThat(net.nothingAccepted()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void connect_withAListenersOption_isUnsupported_andUnderFailRefused(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            SocketOptions options =
                    SocketOptions.builder().deferAccept(Duration.ofSeconds(3)).build();
            Channel server = net.listen();
            Row row = report(net.connect(options, server)).row(TCP_DEFER_ACCEPT).orElseThrow();
            assertThat(row.status()).isEqualTo(Status.UNSUPPORTED);
            assertThat(row.reason()).isEqualTo("it belongs to a listening socket");

            SocketOptions strict = options.toBuilder().policy(OptionPolicy.FAIL).build();
            assertThat(strict.connect(net.clientBootstrap(), server.localAddress())
                            .await()
                            .cause())
                    .isInstanceOf(SocketOptionException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void connect_reportIsThere_beforeTheUsersHandlerIsActive(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            CompletableFuture<Boolean> seen = new CompletableFuture<>();
            Bootstrap bootstrap = net.clientBootstrap().handler(new ChannelInboundHandlerAdapter() {
                @Override
                public void channelActive(ChannelHandlerContext context) {
                    seen.complete(OptionReport.of(context.channel()).isPresent());
                }
            });
            KEEPALIVE.connect(bootstrap, net.listen().localAddress()).sync();
            assertThat(seen.get(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void connect_winsOverTheBootstrapsOwnOptions_andLeavesTheBootstrapAlone(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Bootstrap bootstrap = net.clientBootstrap().option(ChannelOption.TCP_NODELAY, true);
            Channel server = net.listen();
            Channel channel =
                    KEEPALIVE.connect(bootstrap, server.localAddress()).sync().channel();
            assertThat(channel.config().getOption(ChannelOption.TCP_NODELAY)).isFalse();
            Channel plain = bootstrap.connect(server.localAddress()).sync().channel();
            assertThat(plain.config().getOption(ChannelOption.TCP_NODELAY)).isTrue();
            assertThat(OptionReport.of(plain)).isEmpty();
        }
    }

    /** Stands below the library's handler and changes an option between the library's setting and its reading it. */
    @SuppressWarnings("FutureReturnValueIgnored") // Netty returns the promise it was given
    private static final class Meddler extends ChannelOutboundHandlerAdapter {
        private final Transport transport;

        Meddler(Transport transport) {
            this.transport = transport;
        }

        @Override
        public void connect(
                ChannelHandlerContext context, SocketAddress remote, SocketAddress local, ChannelPromise promise)
                throws Exception {
            transport.set(context.channel(), TCP_KEEPIDLE, 33);
            context.connect(remote, local, promise);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void connect_showsWhatWasChangedBehindItsBack(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Bootstrap meddled = net.clientBootstrap().handler(new ChannelInitializer<>() {
                @Override
                protected void initChannel(Channel channel) {
                    channel.pipeline().addFirst(new Meddler(transport));
                }
            });
            Channel server = net.listen();
            Channel channel =
                    KEEPALIVE.connect(meddled, server.localAddress()).sync().channel();
            Row row = report(channel).row(TCP_KEEPIDLE).orElseThrow();
            assertThat(row.status()).isEqualTo(Status.FAILED);
            assertThat(row.found()).hasValue(33);
            assertThat(row.reason()).contains("something else set it");

            SocketOptions strict =
                    KEEPALIVE.toBuilder().policy(OptionPolicy.FAIL).build();
            ChannelFuture failed =
                    strict.connect(meddled, server.localAddress()).await();
            assertThat(failed.cause()).isInstanceOf(SocketOptionException.class);
            assertThat(failed.channel().closeFuture().await(10_000)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void inspect_showsWhatWasChangedSince_withoutSettingAnything(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Channel channel = net.connect(KEEPALIVE, net.listen());
            assertThat(KEEPALIVE.inspect(channel).get(10, TimeUnit.SECONDS)).isEqualTo(report(channel));
            transport.set(channel, TCP_KEEPCNT, 9);
            assertThat(in(Status.FAILED, KEEPALIVE.inspect(channel).get(10, TimeUnit.SECONDS)))
                    .containsExactly(TCP_KEEPCNT);
            assertThat(transport.get(channel, TCP_KEEPCNT)).isEqualTo(9);
            assertThat(in(Status.FAILED, report(channel))).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void connect_toANameThatDoesNotResolve_orARefusedPort_failsAsNettyDoes(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport);
                Socket bound = new Socket()) {
            bound.bind(Loopback.anyPort()); // the port is taken, and nobody listens
            SocketAddress address = bound.getLocalSocketAddress();
            ChannelFuture refused =
                    KEEPALIVE.connect(net.clientBootstrap(), address).await();
            assertThat(refused.cause()).isInstanceOf(java.net.ConnectException.class);
            assertThat(refused.channel().closeFuture().await(10_000)).isTrue();

            ChannelFuture unknown = KEEPALIVE
                    .connect(net.clientBootstrap(), InetSocketAddress.createUnresolved("no-such-host.invalid", 1))
                    .await();
            assertThat(unknown.cause()).isInstanceOf(java.net.UnknownHostException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void connectTimeout_endsAConnectThatNobodyAnswers(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Channel deaf = net.listenDeaf();
            SocketOptions options = SocketOptions.builder()
                    .connectTimeout(Duration.ofMillis(300))
                    .build();
            long start = System.nanoTime();
            ChannelFuture future =
                    options.connect(net.clientBootstrap(), deaf.localAddress()).await();
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isBetween(Duration.ofMillis(300), Duration.ofMillis(900)); // before the kernel's first repetition
            assertThat(future.cause()).isInstanceOf(ConnectTimeoutException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void cancel_ofAConnect_closesTheChannel(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Channel deaf = net.listenDeaf();
            ChannelFuture future = KEEPALIVE.connect(net.clientBootstrap(), deaf.localAddress());
            assertThat(future.cancel(false)).isTrue();
            assertThat(future.channel().closeFuture().await(5_000)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void apply_onAnOpenChannel_setsWhatStillCanBe_andSaysWhatIsTooLate(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Channel channel = net.clientBootstrap()
                    .connect(net.listen().localAddress())
                    .sync()
                    .channel();
            OptionReport report = NATIVE.apply(channel).get(10, TimeUnit.SECONDS);
            assertThat(in(Status.TOO_LATE, report)).containsExactly(TCP_SYNCNT, CONNECT_TIMEOUT);
            assertThat(in(Status.APPLIED, report)).contains(TCP_KEEPIDLE, SO_KEEPALIVE, TCP_NODELAY);
            assertThat(transport.get(channel, TCP_KEEPIDLE)).isEqualTo(61);
            assertThat(report(channel)).isEqualTo(report);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void apply_underFail_changesNothing(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Channel channel = net.clientBootstrap()
                    .connect(net.listen().localAddress())
                    .sync()
                    .channel();
            int before = transport.get(channel, TCP_KEEPIDLE);
            SocketOptions strict = NATIVE.toBuilder().policy(OptionPolicy.FAIL).build();
            assertThatThrownBy(() -> strict.apply(channel).get(10, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(SocketOptionException.class)
                    .hasMessageContaining("TCP_SYNCNT = 3 is TOO_LATE");
            assertThat(transport.get(channel, TCP_KEEPIDLE)).isEqualTo(before);
            assertThat(channel.isActive()).isTrue();
            assertThat(OptionReport.of(channel)).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void apply_onAClosedChannel_fails_onAListenerOrAForeignChannel_isRefused(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Channel server = net.listen();
            Channel channel = net.connect(KEEPALIVE, server);
            channel.close().sync();
            assertThatThrownBy(() -> KEEPALIVE.apply(channel).get(10, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(ClosedChannelException.class);
            assertThatThrownBy(() -> KEEPALIVE.apply(server))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("for a listener use bind");
            assertThatThrownBy(() -> KEEPALIVE.apply(new LocalChannel()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("LocalChannel (expected: a TCP channel of one of the transports epoll, nio");
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void bind_dividesTheOptionsBetweenListenerAndChildren(Transport transport) throws Exception {
        SocketOptions options = NATIVE.toBuilder()
                .deferAccept(Duration.ofSeconds(1))
                .receiveBuffer(100_000)
                .build();
        try (Loopback net = new Loopback(transport)) {
            Channel server = net.listen(options);
            assertThat(report(server).rows())
                    .extracting(Row::option)
                    .contains(TCP_DEFER_ACCEPT, SO_RCVBUF)
                    .doesNotContain(TCP_SYNCNT, CONNECT_TIMEOUT, TCP_KEEPIDLE);

            Channel client =
                    net.clientBootstrap().connect(server.localAddress()).sync().channel();
            client.writeAndFlush(client.alloc().buffer().writeByte('x')).sync();
            Channel child = net.accept();
            assertThat(report(child).rows()).extracting(Row::option).doesNotContain(TCP_SYNCNT, TCP_DEFER_ACCEPT);
            assertThat(in(Status.APPLIED, report(child)))
                    .contains(TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, SO_KEEPALIVE, TCP_NODELAY);
            assertThat(child.config().getOption(ChannelOption.SO_KEEPALIVE)).isTrue();
            if (child instanceof EpollSocketChannel epoll) {
                assertThat(epoll.config().getTcpUserTimeout()).isEqualTo(99_000);
            } else {
                assertThat(in(Status.UNSUPPORTED, report(child))).containsExactly(TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT);
            }
        }
    }

    @Test
    void bind_saysWhatTheChildrenCannotHave_andUnderFailDoesNotBind() throws Exception {
        try (Loopback net = new Loopback(Transport.nio())) {
            SocketOptions options =
                    SocketOptions.builder().userTimeout(Duration.ofSeconds(9)).build();
            assertThat(in(Status.UNSUPPORTED, report(net.listen(options)))).containsExactly(TCP_USER_TIMEOUT);

            SocketOptions strict = options.toBuilder().policy(OptionPolicy.FAIL).build();
            ChannelFuture future =
                    strict.bind(net.serverBootstrap(), Loopback.anyPort()).await();
            assertThat(future.cause())
                    .isInstanceOf(SocketOptionException.class)
                    .hasMessageContaining("TCP_USER_TIMEOUT = 9000 ms is UNSUPPORTED");
            assertThat(future.channel().closeFuture().await(10_000)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void bind_isNotConcernedWithWhatBelongsToAConnect(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            SocketOptions strict = SocketOptions.builder()
                    .synCount(2)
                    .connectTimeout(Duration.ofSeconds(1))
                    .policy(OptionPolicy.FAIL)
                    .build();
            Channel server = net.listen(strict);
            assertThat(report(server).rows()).isEmpty();
            net.clientBootstrap().connect(server.localAddress()).sync();
            assertThat(report(net.accept()).rows()).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void apply_whileAConnectIsPending_doesNotPromiseItsTimeout(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            Channel deaf = net.listenDeaf();
            ChannelFuture pending = net.clientBootstrap().connect(deaf.localAddress());
            SocketOptions options = SocketOptions.builder()
                    .connectTimeout(Duration.ofSeconds(1))
                    .build();
            OptionReport report = options.apply(pending.channel()).get(10, TimeUnit.SECONDS);
            assertThat(report.row(CONNECT_TIMEOUT).orElseThrow().reason()).contains("it belongs to the connect");
            assertThat(pending.isDone()).isFalse();
        }
    }

    static Stream<Integer> deferAccepts() {
        return Stream.of(1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 247, 248, 29887);
    }

    @ParameterizedTest
    @MethodSource("deferAccepts")
    void deferAccept_isRoundedUpToTheKernelsSteps_andTheReportShowsIt(int seconds) throws Exception {
        int expected = 1;
        for (int step = 1; expected < seconds; expected += step) {
            step = Math.min(step * 2, 120);
        }
        try (Loopback net = new Loopback(Transport.preferred())) {
            Channel server = net.listen(SocketOptions.builder()
                    .deferAccept(Duration.ofSeconds(seconds))
                    .build());
            Row row = report(server).row(TCP_DEFER_ACCEPT).orElseThrow();
            assertThat(row.found()).hasValue(expected);
            assertThat(row.status()).isEqualTo(expected == seconds ? Status.APPLIED : Status.ADJUSTED);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void buffers_areReportedAsTheTransportReadsThem(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport)) {
            SocketOptions options =
                    SocketOptions.builder().sendBuffer(100_000).receiveBuffer(1).build();
            OptionReport report = report(net.connect(options, net.listen()));
            Row send = report.row(SO_SNDBUF).orElseThrow();
            Row receive = report.row(SO_RCVBUF).orElseThrow();
            if (transport.name().equals("nio")) {
                assertThat(send).isEqualTo(new Row(SO_SNDBUF, 100_000, send.found(), Status.APPLIED, ""));
            } else {
                assertThat(send.found()).hasValue(200_000);
                assertThat(send.status()).isEqualTo(Status.ADJUSTED);
                assertThat(send.reason()).contains("the kernel doubles it");
            }
            assertThat(receive.status()).isEqualTo(Status.ADJUSTED);
            assertThat(receive.found().orElseThrow()).isGreaterThan(1000);
        }
    }

    @Test
    void limits_ofTheBuilder_areTheKernels() throws Exception {
        SocketOptions highest = SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(32767), Duration.ofSeconds(32767), 127)
                .userTimeout(Duration.ofMillis(Integer.MAX_VALUE))
                .synCount(127)
                .notSentLowWater(Integer.MAX_VALUE)
                .policy(OptionPolicy.FAIL)
                .build();
        SocketOptions lowest = SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(1), Duration.ofSeconds(1), 1)
                .userTimeout(Duration.ofMillis(1))
                .synCount(1)
                .notSentLowWater(1)
                .policy(OptionPolicy.FAIL)
                .build();
        try (Loopback net = new Loopback(Transport.preferred())) {
            Channel server = net.listen();
            assertThat(report(net.connect(highest, server)).problems()).isEmpty();
            assertThat(report(net.connect(lowest, server)).problems()).isEmpty();
            Channel channel = net.connect(lowest, server);
            for (TcpOption option : List.of(TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_SYNCNT)) {
                int beyond = option == TCP_KEEPCNT || option == TCP_SYNCNT ? 128 : 32768;
                assertThatThrownBy(() -> net.transport.set(channel, option, beyond))
                        .hasMessageContaining("Invalid argument");
                assertThatThrownBy(() -> net.transport.set(channel, option, 0))
                        .hasMessageContaining("Invalid argument");
            }
            assertThatThrownBy(() -> net.transport.set(channel, TCP_USER_TIMEOUT, -1))
                    .hasMessageContaining("Invalid argument");
        }
    }

    @Test
    void rtoMax_isAppliedWhereTheKernelHasIt_otherwiseUnsupported() throws Exception {
        try (Loopback net = new Loopback(Transport.preferred())) {
            Channel server = net.listen();
            SocketOptions options =
                    SocketOptions.builder().rtoMax(Duration.ofSeconds(1)).build();
            Row row = report(net.connect(options, server)).row(TCP_RTO_MAX_MS).orElseThrow();
            boolean kernelHasIt =
                    java.nio.file.Files.exists(java.nio.file.Path.of("/proc/sys/net/ipv4/tcp_rto_max_ms"));
            assertThat(row.status()).isEqualTo(kernelHasIt ? Status.APPLIED : Status.UNSUPPORTED);
        }
    }
}
