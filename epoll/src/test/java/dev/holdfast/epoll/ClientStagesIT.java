package dev.holdfast.epoll;

import static dev.holdfast.epoll.ServerScene.await;
import static dev.holdfast.epoll.ServerScene.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Backoff;
import dev.holdfast.Connection;
import dev.holdfast.ConnectionEvent;
import dev.holdfast.ConnectionState;
import dev.holdfast.Delivery;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every stage and every delivery ends, whatever becomes of the user's executor and event loops. */
class ClientStagesIT {
    /** A busy machine. */
    private static final Duration ROOM = Duration.ofSeconds(5);

    private final ClientProbe probe = new ClientProbe();

    static List<Transport> transports() {
        return Transport.all();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void closed_executorThatIsLateWithOneTask_isBehindTheEndOfUp(Transport transport) throws Exception {
        BlockingQueue<Runnable> kept = new LinkedBlockingQueue<>();
        AtomicBoolean keeps = new AtomicBoolean();
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try (RawServer closing = new RawServer(Socket::close)) {
            ResilientClient client = ClientScene.client(transport, probe, closing.port())
                    .reconnect(ClientScene.reconnect()
                            .backoff(Backoff.fixed(Duration.ofMinutes(5)))
                            .build())
                    .executor(task -> {
                        if (!keeps.get() || !kept.offer(task)) {
                            thread.execute(task);
                        }
                    })
                    .start();
            probe.await(ConnectionEvent.Waiting.class);
            CompletableFuture<Connection> up = client.up().toCompletableFuture();
            keeps.set(true);
            CompletableFuture<Ending> closed = client.closeAsync().toCompletableFuture();
            Runnable listener = kept.poll(10, TimeUnit.SECONDS);
            Runnable late = kept.poll(2, TimeUnit.SECONDS); // the end of up(), unless the listener is still being told
            keeps.set(false);
            thread.execute(listener);
            await(closed);
            assertThat(up).isCompletedExceptionally();
            if (late != null) {
                late.run();
            }
        } finally {
            thread.shutdown();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void closed_onlyThreadOfTheExecutorBlocked_comesACloseLimitLater(Transport transport) throws Exception {
        ExecutorService only = Executors.newSingleThreadExecutor();
        CountDownLatch hold = new CountDownLatch(1);
        Duration limit = Duration.ofMillis(300);
        try (ResilientServer server = ClientScene.server(transport, 0).start()) {
            ResilientClient client = ClientScene.client(
                            transport, new ClientProbe(), server.localAddress().getPort())
                    .executor(only)
                    .closeLimit(limit)
                    .onEvent(event -> {
                        if (event instanceof ConnectionEvent.Up) {
                            hold(hold);
                        }
                    })
                    .start();
            awaitThat("it is up", () -> client.state() == ConnectionState.UP);
            long start = System.nanoTime();
            Ending how = await(client.closeAsync());
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(limit, limit.plus(ROOM));
            assertThat(how.kind()).isEqualTo(Ending.Kind.CLOSED);
            assertThat(client.up().toCompletableFuture()).isCompletedExceptionally();
        } finally {
            hold.countDown();
            only.shutdown();
        }
    }

    private static void hold(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException stopped) {
            throw new AssertionError(stopped);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void close_afterItsLoopsHaveEnded_leavesNothingOpen(Transport transport) throws Exception {
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        try (RawServer closing = new RawServer(Socket::close)) {
            ResilientClient client = ClientScene.client(transport, probe, closing.port())
                    .reconnect(ClientScene.reconnect()
                            .backoff(Backoff.fixed(Duration.ofMinutes(5)))
                            .bufferBytes(100_000)
                            .build())
                    .eventLoopGroup(loops, transport)
                    .start();
            probe.await(ConnectionEvent.Waiting.class);
            ByteBuf message = Unpooled.buffer().writeInt(1);
            Delivery kept = client.send(message);
            CompletableFuture<Connection> up = client.up().toCompletableFuture();
            CountDownLatch sent = new CountDownLatch(1);
            loops.next().execute(sent::countDown);
            hold(sent);
            loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
            client.close();
            assertThat(await(client.closed()).kind()).isEqualTo(Ending.Kind.CLOSED);
            assertThat(kept.state()).isEqualTo(Delivery.State.NOT_SENT);
            assertThat(message.refCnt()).isZero();
            assertThat(up).isCompletedExceptionally();
            assertThat(client.state()).isEqualTo(ConnectionState.CLOSED);
            probe.assertLawfullyClosed();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void close_afterTheLoopsOfAnOpenConnectionHaveEnded_leavesNothingOpen(Transport transport) throws Exception {
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        try (ResilientServer server = ClientScene.server(transport, 0).start()) {
            ResilientClient client = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .eventLoopGroup(loops, transport)
                    .start();
            client.awaitUp(ServerScene.PATIENCE);
            loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
            client.close();
            assertThat(await(client.closed()).kind()).isEqualTo(Ending.Kind.CLOSED);
            assertThat(client.state()).isEqualTo(ConnectionState.CLOSED);
            assertThat(client.connection()).isEmpty();
            probe.assertLawfullyClosed();
        }
    }
}
