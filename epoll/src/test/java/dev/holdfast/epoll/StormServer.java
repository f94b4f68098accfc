package dev.holdfast.epoll;

import dev.holdfast.ConnectionEvent;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

/**
 * A server for very many clients. Its first line of input is a transport and a port; it prints the port that it listens on. On
 * any further line it prints how many connections are up, how many threads there were at most, and when each connection came up, in
 * nanoseconds since it began to listen. It ends with its input.
 */
final class StormServer {
    private static final int WARM_UPS = 50;

    private StormServer() {}

    @SuppressWarnings("SystemOut")
    public static void main(String[] arguments) throws IOException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String[] order = input.readLine().split(" ", -1);
        Transport transport = Transport.all().stream()
                .filter(each -> each.name().equals(order[0]))
                .findFirst()
                .orElseThrow();
        Queue<Long> arrivals = new ConcurrentLinkedQueue<>();
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(2, transport.ioHandlerFactory());
        warmUp(transport, loops);
        ResilientServer server = server(transport, loops, Integer.parseInt(order[1]), arrivals::add);
        System.out.println("port " + server.localAddress().getPort());
        while (input.readLine() != null) {
            String moments = arrivals.stream().map(String::valueOf).collect(Collectors.joining(" "));
            System.out.println("up " + server.connections().size());
            System.out.println("threads " + ManagementFactory.getThreadMXBean().getPeakThreadCount());
            System.out.println("arrivals " + moments);
        }
        System.exit(0);
    }

    /** What a JVM needs for its first connections would delay the first of the storm, and is no matter of theirs. */
    private static void warmUp(Transport transport, EventLoopGroup loops) {
        try (ResilientServer server = server(transport, loops, 0, at -> {})) {
            for (int i = 0; i < WARM_UPS; i++) {
                try (ResilientClient client = ResilientClient.builder(
                                "127.0.0.1", server.localAddress().getPort())
                        .eventLoopGroup(loops, transport)
                        .onMessage((connection, message) -> {})
                        .start()) {
                    client.up().toCompletableFuture().join();
                }
            }
        }
    }

    private static ResilientServer server(Transport transport, EventLoopGroup loops, int port, LongConsumer up) {
        return ResilientServer.builder(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                .eventLoopGroup(loops, transport)
                .liveness(StormClients.LIVENESS)
                .maxConnectionsPerAddress(10_000) // all of them come from loopback
                .maxHandshakes(10_000)
                .onEvent(event -> {
                    if (event instanceof ConnectionEvent.Up) {
                        up.accept(event.moment().at().toNanos());
                    }
                })
                .onMessage((connection, message) -> {})
                .start();
    }
}
