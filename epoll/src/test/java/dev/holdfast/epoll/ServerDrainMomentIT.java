package dev.holdfast.epoll;

import static dev.holdfast.epoll.ServerScene.await;
import static dev.holdfast.epoll.ServerScene.awaitThat;
import static dev.holdfast.epoll.ServerScene.take;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Ending;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.Drain;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A server that begins to drain at the very moment at which a client's handshake ends: its one event loop is held to order the two. */
@SuppressWarnings("try") // what is only held open is what these tests are about
class ServerDrainMomentIT {
    private static final Duration SPAN = Duration.ofMinutes(1);
    private static final long PROOF = Frames.CONFIRMATION_BIT | 7;

    private final BlockingQueue<CompletableFuture<Void>> hooks = new LinkedBlockingQueue<>();
    private final List<CountDownLatch> held = new ArrayList<>();
    private final List<EventLoopGroup> loops = new ArrayList<>();

    static List<Transport> transports() {
        return Transport.all();
    }

    private ResilientServer server(EventLoopGroup loop, Transport transport) {
        return ServerScene.server(transport)
                .eventLoopGroup(loop, transport)
                .handshake(handshake -> {
                    CompletableFuture<Void> hook = new CompletableFuture<>();
                    hooks.add(hook);
                    return hook;
                })
                .start();
    }

    private EventLoopGroup loop(Transport transport) {
        EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        loops.add(loop);
        return loop;
    }

    private CompletableFuture<Void> awaitedHook() throws InterruptedException {
        CompletableFuture<Void> hook = take(hooks, "the hook");
        awaitThat("the server waits for it", () -> hook.getNumberOfDependents() == 1);
        return hook;
    }

    /** Lets the loop wait, when it comes to this, until what is returned is counted down. */
    private CountDownLatch hold(EventLoopGroup loop, CountDownLatch begun) {
        CountDownLatch hold = new CountDownLatch(1);
        held.add(hold);
        loop.execute(() -> {
            begun.countDown();
            waitFor(hold);
        });
        return hold;
    }

    private static void waitFor(CountDownLatch latch) {
        try {
            assertThat(latch.await(ServerScene.PATIENCE.toMillis(), TimeUnit.MILLISECONDS))
                    .isTrue();
        } catch (InterruptedException stopped) {
            throw new AssertionError(stopped);
        }
    }

    @AfterEach
    void end() {
        held.forEach(CountDownLatch::countDown);
        for (EventLoopGroup loop : loops) {
            assertThat(loop.shutdownGracefully(0, 1, TimeUnit.SECONDS)
                            .awaitUninterruptibly(ServerScene.PATIENCE.toMillis()))
                    .isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drain_aClientIsUpWhenItIsLookedAt_isAskedToMove_andToldWhatWasRead(Transport transport) throws Exception {
        EventLoopGroup loop = loop(transport);
        try (ResilientServer server = server(loop, transport);
                ServerRaw client =
                        ServerRaw.connect(ServerScene.at("127.0.0.1", server)).shake()) {
            CompletableFuture<Void> hook = awaitedHook();
            CountDownLatch hold = hold(loop, new CountDownLatch(1));
            CompletionStage<Ending> drained = server.drain(SPAN); // it sees a handshake
            hook.complete(null); // and what it does about that comes behind this
            hold.countDown();
            assertThat(Drain.read(client.read(FrameType.DRAIN).orElseThrow()).span())
                    .isEqualTo(SPAN);
            client.data(1).ping(PROOF);
            assertThat(Frames.sequence(client.read(FrameType.PONG).orElseThrow()))
                    .isEqualTo(PROOF);
            client.close();
            assertThat(await(drained).kind()).isEqualTo(Ending.Kind.CLOSED);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drain_aHandshakeEndsBehindTheLook_isGivenUp(Transport transport) throws Exception {
        EventLoopGroup loop = loop(transport);
        try (ResilientServer server = server(loop, transport);
                ServerRaw client =
                        ServerRaw.connect(ServerScene.at("127.0.0.1", server)).shake()) {
            CompletableFuture<Void> hook = awaitedHook();
            CountDownLatch first = hold(loop, new CountDownLatch(1));
            CompletionStage<Ending> drained = server.drain(SPAN);
            CountDownLatch drains = new CountDownLatch(1);
            CountDownLatch second = hold(loop, drains);
            first.countDown();
            waitFor(drains); // the look at the handshake comes next
            hook.complete(null); // and its end behind that
            second.countDown();
            assertThat(client.read(FrameType.CLOSE)).isEmpty();
            assertThat(await(drained).kind()).isEqualTo(Ending.Kind.CLOSED);
            assertThat(server.counters().ups()).isZero();
        }
    }
}
