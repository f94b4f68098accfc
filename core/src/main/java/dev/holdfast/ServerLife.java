package dev.holdfast;

import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.SocketOptionException;
import dev.holdfast.wire.CloseReason;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.FutureListener;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Listens, drains and ends. What is not said to be otherwise is confined to the listener's event loop. */
@SuppressWarnings("FutureReturnValueIgnored") // closes tell of their end by the connections' events
final class ServerLife {
    private static final Logger log = LoggerFactory.getLogger(ResilientServer.class);
    private static final Ending HOW = Ending.of(Ending.Kind.CLOSED, "closed");

    final PeerSettings settings;
    final Counting counting = new Counting();
    final CompletableFuture<Ending> closed = new CompletableFuture<>();

    private final InetSocketAddress local;
    private final Loops loops;
    private final Door door;
    private final @Nullable ReloadingTls tls;
    private final @Nullable Duration tlsReload;
    private final long startNanos;

    /** Every connection that has a link, also in its handshake. Written by the connections' event loops, read by anybody. */
    private final Map<Long, ServerPeer> peers = new ConcurrentHashMap<>();

    /** Counts connections; of several event loops. */
    private final AtomicLong numbers = new AtomicLong();

    /** Connections whose listeners have not been told the last of them, and one for the server itself. */
    private final AtomicLong untold = new AtomicLong(1);

    private final LoopTimer reloadTimer = new LoopTimer();
    private final List<Future<?>> timers = new ArrayList<>();
    private final FutureListener<Object> onLoopEnded = done -> end();
    private boolean ended;

    ServerLife(ResilientServer.Builder builder) {
        this.local = builder.local;
        this.settings = new PeerSettings(builder, builder.handshakeLimit);
        this.tls = builder.tls == null ? null : load(builder.tls);
        this.tlsReload = builder.tlsReload;
        Admission admission =
                new Admission(builder.maxConnections, builder.maxConnectionsPerAddress, builder.maxHandshakes);
        this.door = new Door(admission, counting, new Tally(log), this::endIfEmpty);
        this.loops = Loops.of(builder, 0);
        this.startNanos = loops.next().ticker().nanoTime();
    }

    private static ReloadingTls load(TlsSource source) {
        try {
            return new ReloadingTls(source, true);
        } catch (Exception bad) {
            throw new IllegalStateException("tls: " + bad.getMessage(), bad);
        }
    }

    /** From any thread but an event loop, once. */
    void start() {
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loops.group())
                .channel(loops.transport().serverChannelType())
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .handler(door)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel child) {
                        onChild(child);
                    }
                });
        ChannelFuture bound = settings.liveness.socketOptions().bind(bootstrap, local);
        if (bound.channel().isRegistered() && bound.channel().eventLoop().inEventLoop()) {
            bound.channel().close();
            loops.end(() -> {});
            throw new IllegalStateException(
                    "start: on an event loop (expected: another thread; what it waits for runs here)");
        }
        CompletableFuture<Boolean> done =
                new CompletableFuture<>(); // Netty's own would pin a virtual thread that waits
        bound.addListener(settled -> done.complete(true));
        done.join();
        if (!bound.isSuccess()) {
            loops.end(() -> {});
            Throwable why = bound.cause();
            String rule = why instanceof SocketOptionException ? "" : " (expected: a free port of this host)";
            throw new UncheckedIOException(
                    "listen on " + local + ": " + why.getMessage() + rule,
                    why instanceof IOException failed ? failed : new IOException(why));
        }
        Duration every = tlsReload;
        if (every != null && tls != null) {
            door.execute(() -> reloadAfter(every.toNanos()));
        }
    }

    private void reloadAfter(long nanos) {
        if (ended) {
            return;
        }
        reloadTimer.schedule(
                door.listener().eventLoop(),
                nanos,
                () -> reloadTls().whenComplete((done, error) -> {
                    if (error != null) {
                        log.atError()
                                .setCause(error)
                                .log(
                                        "{}: TLS could not be loaded anew, the last good context stays in use",
                                        localAddress());
                    }
                    door.execute(() -> reloadAfter(nanos)); // only now: a source may take its time
                }));
    }

    InetSocketAddress localAddress() {
        return (InetSocketAddress) door.listener().localAddress();
    }

    OptionReport options() {
        return OptionReport.of(door.listener()).orElseThrow();
    }

    long startNanos() {
        return startNanos;
    }

    Collection<Connection> connections() {
        return peers.values().stream()
                .filter(peer -> peer.link.wasUp())
                .map(peer -> peer.link.connection)
                .toList();
    }

    CompletionStage<Void> reloadTls() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        ReloadingTls reloading = tls;
        if (reloading == null) {
            return CompletableFuture.failedStage(
                    new IllegalStateException("reloadTls: no TLS (expected: tls(...) of the builder)"));
        }
        settings.execute(() -> {
            try {
                reloading.reload();
                done.complete(null);
            } catch (Exception | Error bad) {
                done.completeExceptionally(bad);
            }
        });
        return done.minimalCompletionStage();
    }

    boolean mustNotWaitHere() {
        return CallbackQueue.isCallbackThread()
                || door.listener().eventLoop().inEventLoop()
                || peers.values().stream().anyMatch(peer -> peer.link.isOnItsLoop());
    }

    /** On the child's event loop. */
    private void onChild(Channel child) {
        Door.Guest guest = Door.guest(child);
        long number = numbers.incrementAndGet();
        ServerPeer peer = new ServerPeer(this, child.eventLoop(), guest.from, number);
        counting.attempts.incrementAndGet();
        ReloadingTls secured = tls;
        if (secured != null) {
            SslHandler handler = secured.current().newHandler(child.alloc());
            ClientTls.prepare(handler);
            child.pipeline().addLast(handler);
        }
        peer.link.addTo(child, guest.from); // what throws here closes the channel, and leaves nothing behind
        guest.peer = peer;
        untold.incrementAndGet();
        peers.put(number, peer); // before the door is looked at: a drain sees the peer, or the peer sees the drain
        if (guest.ruling == Admission.Ruling.TURN_AWAY) {
            peer.link.turnAwayWhenActive(CloseReason.OVERLOADED);
        } else if (door.isClosed()) {
            peer.link.turnAwayWhenActive(CloseReason.GOING_AWAY);
        }
    }

    /** On the child's event loop. */
    void onUp() {
        counting.ups.incrementAndGet();
        door.onUp();
    }

    /** The connection is gone, and its listeners will have been told all of it when {@link #onTold} is called. On the child's event loop. */
    void onGone(ServerPeer peer) {
        peers.remove(peer.link.epoch);
    }

    /** The listeners of one connection, or of the server, have nothing more to be told. From any thread. */
    void onTold() {
        if (untold.decrementAndGet() == 0) {
            tellClosed();
        }
    }

    /** From any thread. */
    CompletionStage<Ending> drain(Duration span, boolean spread) {
        boolean taken = door.execute(() -> {
            if (ended) {
                return;
            }
            boolean first = !door.isClosed();
            if (first && !loops.owned()) {
                // Perhaps before a child's, whose end is not told here then.
                door.listener().eventLoop().terminationFuture().addListener(onLoopEnded);
            }
            door.close();
            long reserve = Math.min(span.toNanos() / 4, settings.closeLimit.toNanos());
            long spreadNanos = spread ? span.toNanos() - reserve : 0;
            List<ServerPeer> up = new ArrayList<>();
            for (ServerPeer peer : peers.values()) {
                if (peer.link.wasUp()) {
                    up.add(peer);
                } else {
                    peer.askToMove(span); // it may come up at this moment
                }
            }
            if (first && spread) {
                askAll(up, span, spreadNanos);
            }
            schedule(() -> endAll(span.minusNanos(spreadNanos)), spreadNanos);
            if (door.isEmpty()) {
                endIfEmpty();
            }
        });
        if (!taken) {
            door.listener().eventLoop().terminationFuture().addListener(onLoopEnded);
        }
        return closed.minimalCompletionStage();
    }

    private void askAll(List<ServerPeer> up, Duration span, long spreadNanos) {
        int asked = 0;
        for (ServerPeer peer : up) {
            long at = spreadNanos / up.size() * asked++;
            Duration left = Duration.ofMillis(Math.max(1, span.minusNanos(at).toMillis()));
            schedule(() -> peer.askToMove(left), at);
        }
    }

    private void endAll(Duration span) {
        peers.values().forEach(peer -> peer.end(span, "the server closes"));
    }

    private void endIfEmpty() {
        if (door.isClosed()) {
            end();
        }
    }

    /** Once. On the listener's event loop, or when that has ended. */
    private void end() {
        if (ended) {
            return;
        }
        ended = true;
        reloadTimer.stop();
        timers.forEach(timer -> timer.cancel(false));
        Runnable over = () -> {
            settings.completeAtLast(closed, () -> closed.complete(HOW));
            onTold();
        };
        if (loops.owned()) {
            loops.end(over);
            return;
        }
        EventLoop loop = door.listener().eventLoop();
        loop.terminationFuture().removeListener(onLoopEnded);
        if (loop.isShutdown()) {
            over.run();
        } else {
            // On NIO the port is free when the selector has run once more, and a scheduled task comes after that. A
            // loop
            // that is being shut down cancels it.
            loop.schedule(() -> {}, 1, TimeUnit.MILLISECONDS).addListener(done -> over.run());
        }
    }

    /** Every listener has been told everything else. */
    private void tellClosed() {
        String name = ClientLife.address(localAddress());
        CallbackQueue callbacks = new CallbackQueue(settings.executor, settings.inboundLimit, () -> {}, () -> {});
        Happenings happenings = new Happenings(
                name, name, GlobalEventExecutor.INSTANCE.ticker(), startNanos, counting, callbacks, settings.onEvent);
        happenings.tell(new ConnectionEvent.Closed(happenings.moment(0, ConnectionState.CLOSED), HOW));
        Runnable over = () -> closed.complete(HOW);
        callbacks.add(0, over, over);
    }

    private void schedule(Runnable task, long nanos) {
        timers.add(door.listener().eventLoop().schedule(task, nanos, TimeUnit.NANOSECONDS));
    }
}
