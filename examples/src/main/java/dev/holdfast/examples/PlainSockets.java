package dev.holdfast.examples;

import dev.holdfast.socket.OptionPolicy;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.SocketOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/** Java's own sockets, without Netty: options are set, read back and reported, for the three kinds there are. */
public final class PlainSockets {
    private PlainSockets() {}

    /** Connects to a server in this process, on loopback. */
    public static void main(String[] arguments) throws IOException {
        SocketOptions options = SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(60), Duration.ofSeconds(10), 3)
                .connectTimeout(Duration.ofSeconds(3))
                .build();
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            InetSocketAddress address = (InetSocketAddress) server.getLocalSocketAddress();
            aSocket(options, address);
            anAcceptedSocket(options, server, address);
            aChannel(options, address);
            whatJavaLacks(options, address);
        }
    }

    /** connect() sets what has to be set before, connects within the limit, and reads everything back. */
    private static void aSocket(SocketOptions options, InetSocketAddress address) throws IOException {
        try (Socket socket = new Socket()) {
            OptionReport report = options.connect(socket, address);
            System.out.println("a socket: " + report);
        }
    }

    /** A socket that is open already, here one that was accepted: what comes too late for it is a row TOO_LATE. */
    private static void anAcceptedSocket(SocketOptions options, ServerSocket server, InetSocketAddress address)
            throws IOException {
        server.accept().close(); // the client of before, which is gone
        try (Socket client = new Socket(address.getAddress(), address.getPort());
                Socket accepted = server.accept()) {
            SocketOptions quiet =
                    options.toBuilder().policy(OptionPolicy.IGNORE).build(); // no warning in the log: the table says it
            System.out.println("accepted from port " + client.getLocalPort() + ": " + quiet.apply(accepted));
        }
    }

    private static void aChannel(SocketOptions options, InetSocketAddress address) throws IOException {
        try (SocketChannel channel = SocketChannel.open()) {
            System.out.println("a channel: " + options.connect(channel, address));
        }
    }

    /** Java has no user timeout: the report says so. Who cannot do without it asks for an exception before anything is done. */
    private static void whatJavaLacks(SocketOptions options, InetSocketAddress address) throws IOException {
        SocketOptions strict = options.toBuilder()
                .userTimeout(Duration.ofSeconds(85))
                .policy(OptionPolicy.FAIL)
                .build();
        try (Socket socket = new Socket()) {
            strict.connect(socket, address);
        } catch (IOException refused) {
            System.out.println("refused: " + refused.getMessage());
        }
    }
}
