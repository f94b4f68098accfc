package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionEvent.Waiting;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Many lives of clients leave nothing behind: no descriptor, no thread, no timer. Buffers are counted for every class. */
class ClientLeaksIT {
    private static final int CYCLES = 100;

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    private static long descriptors() {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(each -> {
                        try {
                            String to = Files.readSymbolicLink(each).toString();
                            return to.startsWith("socket:") || to.startsWith("anon_inode:") || to.startsWith("pipe:");
                        } catch (IOException closed) {
                            return false; // the one of this listing
                        }
                    })
                    .count();
        } catch (IOException unexpected) {
            throw new AssertionError(unexpected);
        }
    }

    private static long loops() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(each -> each.getName().startsWith("holdfast-loop"))
                .count();
    }

    private static void cycle(ResilientClient.Builder builder, int number) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (ResilientClient client = builder.onEvent(probe).start()) {
            if (number % 4 != 0) { // some end while they connect
                client.awaitUp(Duration.ofSeconds(20));
                client.send("x").confirmed().toCompletableFuture().get(10, TimeUnit.SECONDS);
            }
            if (number % 4 == 1) {
                client.reconnectNow();
                probe.await(Up.class, 2);
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void manyLives_leaveNothingBehind(Transport transport) throws Exception {
        try (Loopback net = new Loopback(transport);
                ResilientServer server = ClientScene.server(transport, 0).start()) {
            int port = server.localAddress().getPort();
            for (int i = 0; i < 8; i++) { // classes, pools and the server's own loops
                cycle(ClientScene.client(transport, new ClientProbe(), port), i);
            }
            ClientProbe.awaitThat("an idle server", () -> server.connections().isEmpty());
            long descriptors = descriptors();
            long loops = loops();
            for (int i = 0; i < CYCLES; i++) {
                cycle(ClientScene.client(transport, new ClientProbe(), port), i);
                cycle(ClientScene.client(transport, new ClientProbe(), port).eventLoopGroup(net.group, transport), i);
            }
            ClientProbe.awaitThat("an idle server", () -> server.connections().isEmpty());
            ClientProbe.awaitThat("the same descriptors, " + descriptors, () -> descriptors() <= descriptors + 3);
            ClientProbe.awaitThat("the same threads, " + loops, () -> loops() <= loops);
            assertNoTimers(net);
        }
    }

    /** The loop's own work aside, nothing is planned. */
    private static void assertNoTimers(Loopback net) throws Exception {
        SingleThreadEventExecutor loop = (SingleThreadEventExecutor) net.group.next();
        ClientProbe.awaitThat("no task waits", () -> timers(loop) == 0);
    }

    private static int timers(SingleThreadEventExecutor loop) {
        CompletableFuture<Integer> count = new CompletableFuture<>();
        loop.execute(() -> count.complete(scheduled(loop)));
        return count.join();
    }

    private static int scheduled(SingleThreadEventExecutor loop) {
        try {
            Class<?> type = SingleThreadEventExecutor.class;
            while (!type.getSimpleName().equals("AbstractScheduledEventExecutor")) {
                type = type.getSuperclass();
            }
            java.lang.reflect.Field queue = type.getDeclaredField("scheduledTaskQueue");
            queue.setAccessible(true);
            java.util.Collection<?> tasks = (java.util.Collection<?>) queue.get(loop);
            return tasks == null ? 0 : tasks.size();
        } catch (ReflectiveOperationException changed) {
            throw new LinkageError("Netty keeps its timers elsewhere", changed);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void attemptsThatFail_leaveNothingBehind(Transport transport) throws Exception {
        int nobody;
        try (ServerSocket once = new ServerSocket(0)) {
            nobody = once.getLocalPort();
        }
        try (Loopback net = new Loopback(transport);
                RawServer closes = new RawServer(socket -> {})) {
            long before = descriptors();
            ClientProbe probe = new ClientProbe();
            try (ResilientClient client = ClientScene.client(transport, probe, nobody, closes.port())
                    .eventLoopGroup(net.group, transport)
                    .start()) {
                probe.await(Waiting.class, 50);
                assertThat(client.counters().attempts()).isGreaterThanOrEqualTo(100);
            }
            probe.assertLawfullyClosed();
            assertNoTimers(net);
            ClientProbe.awaitThat("the same descriptors", () -> descriptors() <= before + 3);
        }
    }
}
