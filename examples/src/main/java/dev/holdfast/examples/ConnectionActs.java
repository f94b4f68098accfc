package dev.holdfast.examples;

import dev.holdfast.ConnectionEvent;
import dev.holdfast.Delivery;
import dev.holdfast.Endpoint;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.PeerDeath;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The last acts of the demo: one client and two servers. The first server's program hangs, the client comes back at the second; the second
 * drains, the client moves to the first, which has recovered.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the end of a group is awaited, that of its loops' tasks is not
final class ConnectionActs implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 15;
    private static final Duration DRAIN = Duration.ofSeconds(2);

    private final BlockingQueue<ConnectionEvent> events = new LinkedBlockingQueue<>();
    private final ConnectionEvents told = new ConnectionEvents();
    private final CountDownLatch hung = new CountDownLatch(1);
    private final CountDownLatch recovered = new CountDownLatch(1);
    private final EventLoopGroup hanging;
    private final ResilientServer first;
    private final ResilientServer second;
    private final ResilientClient client;

    ConnectionActs(Transport transport, SocketOptions options) {
        LivenessPolicy policy = LivenessPolicy.of(options, HeartbeatActs.HEARTBEAT);
        hanging = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        first = server(policy).eventLoopGroup(hanging, transport).start();
        second = server(policy).transport(transport).start();
        client = ResilientClient.builder(List.of(endpoint(first), endpoint(second)))
                .liveness(policy)
                .transport(transport)
                .onMessage((connection, message) -> {})
                .onEvent(events::add)
                .start();
    }

    private static ResilientServer.Builder server(LivenessPolicy policy) {
        return ResilientServer.builder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .liveness(policy)
                .onMessage((connection, message) -> {});
    }

    private static Endpoint endpoint(ResilientServer server) {
        return new Endpoint("127.0.0.1", server.localAddress().getPort());
    }

    /** The first server hangs with a message of ours: whose death it was, and empty if nobody noticed. */
    Optional<PeerDeath> death() throws InterruptedException {
        if (!(until(ConnectionEvent.Up.class) instanceof ConnectionEvent.Up)) {
            return Optional.empty();
        }
        say(send("one"));
        hanging.execute(this::hang);
        hung.await();
        Demo.say("  ... now the first server's program hangs");
        CompletableFuture<String> fate = send("two");
        ConnectionEvent event = until(ConnectionEvent.Down.class);
        say(fate);
        return event instanceof ConnectionEvent.Down down ? down.ending().death() : Optional.empty();
    }

    private void hang() {
        hung.countDown();
        try {
            recovered.await();
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    /** Another connection follows, by itself: whether it came, and carries messages. */
    boolean isBack() throws InterruptedException {
        boolean up = until(ConnectionEvent.Up.class) instanceof ConnectionEvent.Up;
        recovered.countDown();
        return up && say(send("three")).equals(confirmed("three"));
    }

    /** The second server asks its clients to move: whether ours did, and nothing was lost by it. */
    boolean moves() throws InterruptedException {
        CompletableFuture<String> fate = send("four");
        CompletableFuture<Boolean> gone =
                second.drain(DRAIN).thenApply(ending -> true).toCompletableFuture();
        boolean complete =
                until(ConnectionEvent.Drained.class) instanceof ConnectionEvent.Drained end && end.complete();
        boolean up = until(ConnectionEvent.Up.class) instanceof ConnectionEvent.Up;
        boolean arrived =
                say(fate).equals(confirmed("four")) && say(send("five")).equals(confirmed("five"));
        boolean drained = gone.completeOnTimeout(false, PATIENCE_SECONDS, TimeUnit.SECONDS)
                .join();
        Demo.say("  the server that drained is " + (drained ? "gone" : "still there") + "; the client had "
                + client.counters().ups() + " connections and "
                + client.counters().deaths() + " death");
        return complete && up && arrived && drained;
    }

    private static String confirmed(String message) {
        return text(message, Delivery.State.CONFIRMED);
    }

    private static String text(String message, Delivery.State state) {
        return "  the message '" + message + "' is " + state;
    }

    private CompletableFuture<String> send(String message) {
        Delivery delivery = client.send(message);
        return delivery.confirmed()
                .handle((confirmed, failed) -> text(message, delivery.state()))
                .toCompletableFuture();
    }

    private static String say(CompletableFuture<String> fate) {
        String line = fate.completeOnTimeout(
                        "  nobody knows what became of a message", PATIENCE_SECONDS, TimeUnit.SECONDS)
                .join();
        Demo.say(line);
        return line;
    }

    /** Tells what happens until an event of this kind; that is the result, or null if it does not come. */
    private @Nullable ConnectionEvent until(Class<? extends ConnectionEvent> kind) throws InterruptedException {
        while (true) {
            ConnectionEvent event = events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (event == null) {
                Demo.say("  but nothing happens");
                return null;
            }
            Demo.say("  " + line(event));
            if (kind.isInstance(event)) {
                return event;
            }
        }
    }

    private String line(ConnectionEvent event) {
        if (event instanceof ConnectionEvent.Up up) {
            return "up: epoch " + event.moment().epoch() + ", at the "
                    + (up.connection().remoteAddress().getPort()
                                    == first.localAddress().getPort()
                            ? "first"
                            : "second")
                    + " server";
        } else if (event instanceof ConnectionEvent.Down down
                && down.ending().death().isPresent()) {
            return "down: the verdict";
        } else if (event instanceof ConnectionEvent.Waiting waiting) {
            return "waiting: " + Times.text(waiting.delay());
        }
        Happening happening = told.of(event);
        return happening.name() + ": " + happening.text();
    }

    @Override
    public void close() {
        recovered.countDown();
        client.close();
        first.close();
        second.close();
        hanging.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
