package dev.holdfast.socket;

import dev.holdfast.socket.OptionTarget.Role;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.UnknownHostException;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SocketChannel;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Options on the JDK's own sockets, outside Netty. */
final class JdkOptions {
    private JdkOptions() {}

    static OptionReport connect(SocketOptions options, Socket socket, InetSocketAddress remote) throws IOException {
        if (socket.isClosed() || socket.isConnected()) {
            throw new SocketException(socket.isClosed() ? "Socket is closed" : "already connected");
        }
        return connect(options, new SocketTarget(socket, true), socket, remote);
    }

    static OptionReport connect(SocketOptions options, SocketChannel channel, InetSocketAddress remote)
            throws IOException {
        if (!channel.isBlocking()) {
            throw new IllegalBlockingModeException();
        }
        if (!channel.isOpen()) {
            throw new ClosedChannelException();
        }
        if (channel.isConnected()) {
            throw new AlreadyConnectedException();
        }
        return connect(options, new SocketChannelTarget(channel, true), channel.socket(), remote);
    }

    /** The channel's socket connects for it: it alone knows a timeout. */
    private static OptionReport connect(
            SocketOptions options, OptionTarget target, Socket socket, InetSocketAddress remote) throws IOException {
        Objects.requireNonNull(remote, "remote");
        try {
            if (remote.isUnresolved()) {
                throw new UnknownHostException(remote.getHostString());
            }
            OptionApplication application = new OptionApplication(options, target, Role.CONNECTING);
            application.set();
            socket.connect(remote, options.asked().getOrDefault(TcpOption.CONNECT_TIMEOUT, 0));
            OptionReport report = application.read();
            application.judge(report);
            return report;
        } catch (IOException | RuntimeException e) {
            close(socket, e);
            throw e;
        }
    }

    private static void close(Socket socket, Exception because) {
        try {
            socket.close();
        } catch (IOException e) {
            because.addSuppressed(e);
        }
    }

    static OptionReport apply(SocketOptions options, Socket socket) throws IOException {
        if (socket.isClosed()) {
            throw new SocketException("Socket is closed");
        }
        return apply(options, new SocketTarget(socket, false), socket.isConnected());
    }

    static OptionReport apply(SocketOptions options, SocketChannel channel) throws IOException {
        if (!channel.isOpen()) {
            throw new ClosedChannelException();
        }
        return apply(options, new SocketChannelTarget(channel, false), channel.isConnected());
    }

    private static OptionReport apply(SocketOptions options, OptionTarget target, boolean connected)
            throws SocketOptionException {
        OptionApplication application =
                new OptionApplication(options, target, connected ? Role.CONNECTED : Role.CONNECTING);
        application.set();
        OptionReport report = application.read();
        application.judge(report);
        return report;
    }

    /** What a socket and a channel have in common; the connect timeout is an argument of the connect. */
    private abstract static class JdkTarget implements OptionTarget {
        private final boolean connects;
        private final String kind;
        private int connectTimeout;

        JdkTarget(boolean connects, String kind) {
            this.connects = connects;
            this.kind = kind;
        }

        abstract Set<SocketOption<?>> supportedOptions();

        abstract <T> @Nullable T getOption(SocketOption<T> option) throws IOException;

        abstract <T> void setOption(SocketOption<T> option, T value) throws IOException;

        @Override
        public final boolean supports(TcpOption option) {
            if (option == TcpOption.CONNECT_TIMEOUT) {
                return connects;
            }
            SocketOption<?> jdk = JdkSocketOptions.of(option);
            return jdk != null && supportedOptions().contains(jdk);
        }

        @Override
        public final String lack(TcpOption option) {
            return option == TcpOption.CONNECT_TIMEOUT
                    ? "it belongs to the connect: use connect(socket, address)"
                    : JdkSocketOptions.lack(option);
        }

        @Override
        public final int get(TcpOption option) throws IOException {
            SocketOption<?> jdk = JdkSocketOptions.of(option);
            if (jdk == null) {
                return connectTimeout;
            }
            Object value = getOption(jdk);
            if (value == null) {
                throw new IOException(JdkSocketOptions.lack(option));
            }
            return JdkSocketOptions.fromJdk(value);
        }

        @Override
        public final void set(TcpOption option, int value) throws IOException {
            SocketOption<?> jdk = JdkSocketOptions.of(option);
            if (jdk == null) {
                connectTimeout = value;
            } else {
                setOf(jdk, JdkSocketOptions.toJdk(jdk, value));
            }
        }

        @SuppressWarnings("unchecked") // the value was made for the option's own type
        private <T> void setOf(SocketOption<T> option, Object value) throws IOException {
            setOption(option, (T) value);
        }

        @Override
        public final boolean halvesBuffers() {
            return true;
        }

        final String describe(@Nullable Object local, @Nullable Object remote) {
            return kind + (local == null ? "" : " " + local) + (remote == null ? "" : " -> " + remote);
        }
    }

    private static final class SocketTarget extends JdkTarget {
        private final Socket socket;

        SocketTarget(Socket socket, boolean connects) {
            super(connects, "Socket");
            this.socket = socket;
        }

        @Override
        public String description() {
            return describe(socket.getLocalSocketAddress(), socket.getRemoteSocketAddress());
        }

        @Override
        Set<SocketOption<?>> supportedOptions() {
            return socket.supportedOptions();
        }

        @Override
        <T> @Nullable T getOption(SocketOption<T> option) throws IOException {
            return socket.getOption(option);
        }

        @Override
        <T> void setOption(SocketOption<T> option, T value) throws IOException {
            socket.setOption(option, value);
        }
    }

    private static final class SocketChannelTarget extends JdkTarget {
        private final SocketChannel channel;

        SocketChannelTarget(SocketChannel channel, boolean connects) {
            super(connects, "SocketChannel");
            this.channel = channel;
        }

        @Override
        public String description() {
            Socket socket = channel.socket();
            return describe(socket.getLocalSocketAddress(), socket.getRemoteSocketAddress());
        }

        @Override
        Set<SocketOption<?>> supportedOptions() {
            return channel.supportedOptions();
        }

        @Override
        <T> @Nullable T getOption(SocketOption<T> option) throws IOException {
            return channel.getOption(option);
        }

        @Override
        <T> void setOption(SocketOption<T> option, T value) throws IOException {
            channel.setOption(option, value);
        }
    }
}
