package dev.holdfast.epoll;

import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.channel.Channel;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.unix.Socket;
import io.netty.channel.unix.UnixChannel;
import java.io.IOException;
import java.util.Optional;

/**
 * The transport with everything: Linux's epoll through Netty's native library, every option of the kernel's, and the
 * whole {@code tcp_info}. Found by {@link java.util.ServiceLoader}; see {@link Transport#preferred()}.
 */
public final class EpollTransport implements Transport {
    // asm-generic/socket.h and linux/tcp.h: the same on every architecture Netty's native library is built for
    private static final int SOL_SOCKET = 1;
    private static final int IPPROTO_TCP = 6;

    /** For {@link java.util.ServiceLoader}. */
    public EpollTransport() {}

    @Override
    public String name() {
        return "epoll";
    }

    @Override
    public boolean isAvailable() {
        return Epoll.isAvailable();
    }

    @Override
    public Optional<Throwable> unavailabilityCause() {
        return Optional.ofNullable(Epoll.unavailabilityCause());
    }

    @Override
    public IoHandlerFactory ioHandlerFactory() {
        if (!isAvailable()) {
            throw new IllegalStateException("epoll is not available here", Epoll.unavailabilityCause());
        }
        return EpollIoHandler.newFactory();
    }

    @Override
    public Class<? extends SocketChannel> channelType() {
        return EpollSocketChannel.class;
    }

    @Override
    public Class<? extends ServerChannel> serverChannelType() {
        return EpollServerSocketChannel.class;
    }

    @Override
    public boolean handles(Channel channel) {
        return channel instanceof EpollSocketChannel || channel instanceof EpollServerSocketChannel;
    }

    @Override
    public boolean supports(TcpOption option) {
        return option != TcpOption.CONNECT_TIMEOUT;
    }

    @Override
    public void set(Channel channel, TcpOption option, int value) throws IOException {
        socket(channel).setIntOpt(level(option), number(option), value);
    }

    @Override
    public int get(Channel channel, TcpOption option) throws IOException {
        return socket(channel).getIntOpt(level(option), number(option));
    }

    @Override
    public Optional<TcpSnapshot> snapshot(Channel channel) {
        if (!channel.isOpen() || !(channel instanceof EpollSocketChannel)) {
            return Optional.empty();
        }
        try {
            return Optional.of(TcpInfo.sample(socket(channel)));
        } catch (IOException closedMeanwhile) {
            return Optional.empty();
        }
    }

    @Override
    public String toString() {
        return name();
    }

    private static Socket socket(Channel channel) {
        return (Socket) ((UnixChannel) channel).fd();
    }

    private static int level(TcpOption option) {
        return switch (option) {
            case SO_KEEPALIVE, SO_SNDBUF, SO_RCVBUF -> SOL_SOCKET;
            default -> IPPROTO_TCP;
        };
    }

    private static int number(TcpOption option) {
        return switch (option) {
            case SO_SNDBUF -> 7;
            case SO_RCVBUF -> 8;
            case SO_KEEPALIVE -> 9;
            case TCP_NODELAY -> 1;
            case TCP_KEEPIDLE -> 4;
            case TCP_KEEPINTVL -> 5;
            case TCP_KEEPCNT -> 6;
            case TCP_SYNCNT -> 7;
            case TCP_DEFER_ACCEPT -> 9;
            case TCP_USER_TIMEOUT -> 18;
            case TCP_NOTSENT_LOWAT -> 25;
            case TCP_RTO_MAX_MS -> 44;
            case CONNECT_TIMEOUT -> throw new UnsupportedOperationException(option + " is not the kernel's");
        };
    }
}
