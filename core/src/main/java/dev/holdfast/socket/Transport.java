package dev.holdfast.socket;

import dev.holdfast.verdict.TcpSnapshot;
import io.netty.channel.Channel;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.SocketChannel;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * A way to reach the kernel's sockets: NIO, which every JDK has, or a native one found by {@link
 * java.util.ServiceLoader} (add {@code holdfast-epoll} and it is there).
 *
 * <p>Transports are stateless, and their methods may be called from any thread, except that a channel is touched by
 * {@link #set}, {@link #get} and {@link #snapshot} on its own event loop: elsewhere its file descriptor might be closed
 * and used again in between.
 */
public interface Transport {
    /** A short name: {@code epoll} or {@code nio}. */
    String name();

    /** Whether this transport works on this machine. */
    boolean isAvailable();

    /** Why this transport does not work here; empty if it does. Probed once and kept. */
    Optional<Throwable> unavailabilityCause();

    /**
     * What makes event loops for this transport, as in {@code new MultiThreadIoEventLoopGroup(1,
     * transport.ioHandlerFactory())}.
     *
     * @throws IllegalStateException if the transport is not available here, with the cause
     */
    IoHandlerFactory ioHandlerFactory();

    /** The type of channel that connects, for {@code Bootstrap.channel}. */
    Class<? extends SocketChannel> channelType();

    /** The type of channel that listens, for {@code ServerBootstrap.channel}. */
    Class<? extends ServerChannel> serverChannelType();

    /** Whether the channel is one of this transport's. */
    boolean handles(Channel channel);

    /** Whether this transport can set and read the option on a socket at all. Says nothing about this kernel. */
    boolean supports(TcpOption option);

    /**
     * Sets an option on a channel's socket.
     *
     * @throws IOException if the kernel refuses, with its reason
     * @throws UnsupportedOperationException if this transport does not support the option
     */
    void set(Channel channel, TcpOption option, int value) throws IOException;

    /**
     * Asks the kernel for the value in force (getsockopt), not Netty's configuration.
     *
     * @throws IOException if the kernel refuses, with its reason
     * @throws UnsupportedOperationException if this transport does not support the option
     */
    int get(Channel channel, TcpOption option) throws IOException;

    /** What the kernel knows of the connection (tcp_info); empty where the transport cannot ask, or the socket is closed. */
    Optional<TcpSnapshot> snapshot(Channel channel);

    /** The NIO transport: always available. */
    static Transport nio() {
        return Transports.NIO;
    }

    /** Every transport found, the preferred first, NIO last, available or not. */
    static List<Transport> all() {
        return Transports.ALL;
    }

    /** The first available one of {@link #all()}: a native transport where there is one, NIO otherwise. */
    static Transport preferred() {
        return Transports.PREFERRED;
    }

    /**
     * The transport that a channel belongs to.
     *
     * @throws IllegalArgumentException if no transport found handles it, naming those that were
     */
    static Transport of(Channel channel) {
        return Transports.of(channel);
    }
}
