package dev.holdfast.socket;

import dev.holdfast.verdict.TcpSnapshot;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.SocketOption;
import java.util.Optional;

/** The JDK's own sockets under Netty: keepalive and buffers, but no user timeout and no tcp_info. */
final class NioTransport implements Transport {
    @Override
    public String name() {
        return "nio";
    }

    @Override
    public boolean isAvailable() {
        return true;
    }

    @Override
    public Optional<Throwable> unavailabilityCause() {
        return Optional.empty();
    }

    @Override
    public IoHandlerFactory ioHandlerFactory() {
        return NioIoHandler.newFactory();
    }

    @Override
    public Class<? extends SocketChannel> channelType() {
        return NioSocketChannel.class;
    }

    @Override
    public Class<? extends ServerChannel> serverChannelType() {
        return NioServerSocketChannel.class;
    }

    @Override
    public boolean handles(Channel channel) {
        return channel instanceof NioSocketChannel || channel instanceof NioServerSocketChannel;
    }

    @Override
    public boolean supports(TcpOption option) {
        return JdkSocketOptions.of(option) != null;
    }

    @Override
    public void set(Channel channel, TcpOption option, int value) throws IOException {
        SocketOption<?> jdk = jdk(option);
        try {
            if (!set(channel, jdk, JdkSocketOptions.toJdk(jdk, value))) {
                throw new IOException(JdkSocketOptions.lack(option));
            }
        } catch (ChannelException wrapped) {
            throw unwrap(wrapped);
        }
    }

    /** Netty asks the JDK's channel, and that the kernel: there is no cache in between. */
    @Override
    public int get(Channel channel, TcpOption option) throws IOException {
        try {
            Object value = channel.config().getOption(NioChannelOption.of(jdk(option)));
            if (value == null) {
                throw new IOException(JdkSocketOptions.lack(option));
            }
            return JdkSocketOptions.fromJdk(value);
        } catch (ChannelException wrapped) {
            throw unwrap(wrapped);
        }
    }

    @Override
    public Optional<TcpSnapshot> snapshot(Channel channel) {
        return Optional.empty();
    }

    @Override
    public String toString() {
        return name();
    }

    @SuppressWarnings("unchecked") // the value was made for the option's own type
    private static <T> boolean set(Channel channel, SocketOption<T> option, Object value) {
        ChannelOption<T> netty = NioChannelOption.of(option);
        return channel.config().setOption(netty, (T) value);
    }

    private static SocketOption<?> jdk(TcpOption option) {
        SocketOption<?> jdk = JdkSocketOptions.of(option);
        if (jdk == null) {
            throw new UnsupportedOperationException(option + ": " + JdkSocketOptions.lack(option));
        }
        return jdk;
    }

    private static IOException unwrap(ChannelException wrapped) {
        return wrapped.getCause() instanceof IOException cause ? cause : new IOException(wrapped);
    }
}
