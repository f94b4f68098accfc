package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.TcpSnapshot;
import dev.holdfast.verdict.TcpSnapshot.Field;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollTcpInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EpollTransportIT {
    private static final SocketOptions NOTHING = SocketOptions.builder().build();

    @Test
    void transports_areEpollFirst_nioLast_andNioAlwaysWorks() {
        assertThat(Transport.all()).extracting(Transport::name).containsExactly("epoll", "nio");
        assertThat(Transport.preferred().name()).isEqualTo("epoll");
        assertThat(Transport.preferred().unavailabilityCause()).isEmpty();
        assertThat(Transport.nio().isAvailable()).isTrue();
        assertThat(Transport.nio().unavailabilityCause()).isEmpty();
    }

    @Test
    void supports_onNioOnlyWhatTheJdkHas() {
        for (TcpOption option : TcpOption.values()) {
            boolean nio = switch (option) {
                case TCP_USER_TIMEOUT,
                        TCP_SYNCNT,
                        TCP_DEFER_ACCEPT,
                        TCP_NOTSENT_LOWAT,
                        TCP_RTO_MAX_MS,
                        CONNECT_TIMEOUT -> false;
                default -> true;
            };
            assertThat(Transport.nio().supports(option)).as("nio " + option).isEqualTo(nio);
            assertThat(Transport.preferred().supports(option))
                    .as("epoll " + option)
                    .isEqualTo(option != TcpOption.CONNECT_TIMEOUT);
        }
    }

    @Test
    void option_thatTheTransportDoesNotHave_isRefusedByGetAndSet() throws Exception {
        try (Loopback net = new Loopback(Transport.nio())) {
            Channel channel = net.connect(NOTHING, net.listen());
            assertThatThrownBy(() -> net.transport.get(channel, TcpOption.TCP_USER_TIMEOUT))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("TCP_USER_TIMEOUT");
            assertThatThrownBy(() -> net.transport.set(channel, TcpOption.TCP_USER_TIMEOUT, 1))
                    .isInstanceOf(UnsupportedOperationException.class);
        }
    }

    @Test
    void snapshot_onEpoll_isTheWholeTcpInfo_andAgreesWithNettysFirstPart() throws Exception {
        try (Loopback net = new Loopback(Transport.preferred())) {
            EpollSocketChannel channel = (EpollSocketChannel) net.connect(NOTHING, net.listen());
            channel.writeAndFlush(channel.alloc().buffer().writeZero(1000)).sync();
            Channel child = net.accept();

            TcpSnapshot snapshot = channel.eventLoop()
                    .submit(() -> net.transport.snapshot(channel).orElseThrow())
                    .get(10, TimeUnit.SECONDS);
            EpollTcpInfo witness = channel.tcpInfo();
            assertThat(snapshot.get(Field.STATE)).hasValue(1);
            assertThat(snapshot.get(Field.SND_MSS)).hasValue(witness.sndMss());
            assertThat(snapshot.get(Field.PMTU)).hasValue(witness.pmtu());
            assertThat(snapshot.get(Field.TOTAL_RETRANS)).hasValue(witness.totalRetrans());
            assertThat(snapshot.get(Field.SND_WND).orElseThrow()).isPositive();
            assertThat(snapshot.get(Field.BYTES_SENT)).hasValue(1000);
            assertThat(net.transport.snapshot(child).orElseThrow().get(Field.BYTES_SENT))
                    .hasValue(0);
        }
    }

    @Test
    void snapshot_hasTheFieldsOfThisKernel() throws Exception {
        String[] release =
                Files.readString(Path.of("/proc/sys/kernel/osrelease")).split("[^0-9]", 3);
        int kernel = Integer.parseInt(release[0]) * 100 + Integer.parseInt(release[1]);
        try (Loopback net = new Loopback(Transport.preferred())) {
            TcpSnapshot snapshot =
                    net.transport.snapshot(net.connect(NOTHING, net.listen())).orElseThrow();
            assertThat(snapshot.get(Field.SND_WND).isPresent()).isEqualTo(kernel >= 504);
            assertThat(snapshot.get(Field.TOTAL_RTO_TIME).isPresent()).isEqualTo(kernel >= 607);
            assertThat(snapshot.get(Field.ACCECN_OPT_SEEN).isPresent()).isEqualTo(kernel >= 618);
        }
    }

    @Test
    void snapshot_ofAClosedOrListeningChannel_orOnNio_isEmpty() throws Exception {
        try (Loopback net = new Loopback(Transport.preferred());
                Loopback nio = new Loopback(Transport.nio())) {
            Channel server = net.listen();
            Channel channel = net.connect(NOTHING, server);
            assertThat(net.transport.snapshot(server)).isEmpty();
            channel.close().sync();
            assertThat(net.transport.snapshot(channel)).isEmpty();
            assertThat(nio.transport.snapshot(nio.connect(NOTHING, nio.listen())))
                    .isEmpty();
        }
    }
}
