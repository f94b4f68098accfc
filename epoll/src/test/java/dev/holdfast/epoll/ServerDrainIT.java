package dev.holdfast.epoll;

import static dev.holdfast.epoll.ServerScene.await;
import static dev.holdfast.epoll.ServerScene.awaitThat;
import static dev.holdfast.epoll.ServerScene.take;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.Connection;
import dev.holdfast.ConnectionEvent;
import dev.holdfast.Ending;
import dev.holdfast.Endpoint;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.Drain;
import dev.holdfast.wire.DrainReason;
import dev.holdfast.wire.FrameType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.LengthFieldPrepender;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A server that goes away: it asks its clients one by one, and closes what remains. */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
class ServerDrainIT {
    /** A busy machine. */
    private static final Duration ROOM = Duration.ofSeconds(2);

    private static final Duration SPAN = Duration.ofSeconds(2);

    /** What the goodbyes leave of it, in nanoseconds. */
    private static final long SPREAD = SPAN.minusMillis(500).toNanos();

    private final BlockingQueue<ConnectionEvent> events = new LinkedBlockingQueue<>();

    static List<Transport> transports() {
        return Transport.all();
    }

    private ResilientServer.Builder server(Transport transport) {
        return ServerScene.server(transport).closeLimit(Duration.ofMillis(500)).onEvent(events::add);
    }

    private static InetSocketAddress local(ResilientServer server) {
        return ServerScene.at("127.0.0.1", server);
    }

    /** What one of many clients saw: when it was asked and what it was told, and when the end came. Times since the call. */
    private record Seen(Duration asked, Drain drain, Duration closed, CloseReason reason) {}

    private static Seen watch(ServerRaw client, long start, AtomicInteger allAsked) {
        try (client) {
            ByteBuf drain = client.read(FrameType.DRAIN).orElseThrow();
            Duration asked = Duration.ofNanos(System.nanoTime() - start);
            allAsked.incrementAndGet();
            CloseReason reason = client.readClose().reason();
            client.socket.shutdownOutput();
            client.readToEnd();
            return new Seen(asked, Drain.read(drain), Duration.ofNanos(System.nanoTime() - start), reason);
        } catch (IOException broken) {
            throw new AssertionError(broken);
        }
    }

    private static List<ServerRaw> clients(ResilientServer server, int count) throws IOException {
        List<ServerRaw> clients = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            clients.add(ServerRaw.connect(local(server)).shake());
        }
        awaitThat("all are up", () -> server.connections().size() == count);
        return clients;
    }

    private static void assertNothingIsAccepted(ResilientServer server) {
        assertThatThrownBy(() -> ServerRaw.connect(local(server)).close()).isInstanceOf(ConnectException.class);
    }

    private static void assertOver(ResilientServer server) {
        assertThat(server.connections()).isEmpty();
        assertNothingIsAccepted(server);
    }

    private static boolean hasLoops() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().startsWith("holdfast-loop"));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drain_asksEvenlyOverTheSpan_tellsWhatIsLeft_andClosesTheRest(Transport transport) throws Exception {
        int count = 40;
        ExecutorService watchers = Executors.newCachedThreadPool();
        EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        AtomicInteger asked = new AtomicInteger();
        try (ResilientServer server =
                server(transport).eventLoopGroup(loop, transport).start()) {
            List<ServerRaw> clients = clients(server, count);
            long start = System.nanoTime();
            List<CompletableFuture<Seen>> watched = clients.stream()
                    .map(client -> CompletableFuture.supplyAsync(() -> watch(client, start, asked), watchers))
                    .toList();
            CompletionStage<Ending> drained = server.drain(SPAN);
            List<CompletableFuture<Integer>> marks = marks(loop.next(), asked, count);
            awaitThat("it listens no more", () -> !accepts(server));
            List<Seen> seen = new ArrayList<>();
            for (CompletableFuture<Seen> one : watched) {
                seen.add(await(one));
            }
            assertThat(await(drained).kind()).isEqualTo(Ending.Kind.CLOSED);
            Duration took = Duration.ofNanos(System.nanoTime() - start);
            seen.sort(Comparator.comparing((Seen one) -> one.drain().span()).reversed());
            assertEven(seen);
            for (int i = 0; i < count; i++) {
                assertThat(await(marks.get(i)))
                        .as("asked when number " + i + " was due")
                        .isGreaterThan(i);
            }
            assertThat(seen).allSatisfy(one -> {
                assertThat(one.reason()).isEqualTo(CloseReason.GOING_AWAY);
                assertThat(one.closed()).isLessThan(SPAN.plus(ROOM));
            });
            assertThat(took).isLessThan(SPAN.plus(ROOM));
            assertOver(server);
            assertThat(events.stream().filter(ConnectionEvent.Down.class::isInstance))
                    .hasSize(count);
        } finally {
            watchers.shutdownNow();
            loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
        }
    }

    /**
     * How many have been asked when the next one is due, by timers on the server's own event loop. They come behind its own, and wait for
     * who has still to hear of it: so a machine that stands still makes nobody late, and a server that puts them off does.
     */
    @SuppressWarnings("FutureReturnValueIgnored") // each tells of itself
    private static List<CompletableFuture<Integer>> marks(EventLoop loop, AtomicInteger asked, int count) {
        List<CompletableFuture<Integer>> marks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            marks.add(new CompletableFuture<>());
        }
        long end = System.nanoTime() + SPAN.plus(ROOM).toNanos();
        loop.execute(
                () -> { // behind the beginning of the drain
                    for (int i = 0; i < count; i++) {
                        int number = i;
                        Runnable look = () -> {
                            while (asked.get() <= number && System.nanoTime() - end < 0) {
                                LockSupport.parkNanos(100_000);
                            }
                            marks.get(number).complete(asked.get());
                        };
                        loop.schedule(() -> loop.execute(look), SPREAD / count * i, TimeUnit.NANOSECONDS);
                    }
                });
        return marks;
    }

    private static boolean accepts(ResilientServer server) {
        try (ServerRaw one = ServerRaw.connect(local(server))) {
            return one.socket.isConnected();
        } catch (IOException refused) {
            return false;
        }
    }

    /**
     * Number i of n is due at i/n of what the goodbyes leave of the span: never before, and at most {@link #ROOM} after. What it
     * is told is left of the span then, to the millisecond.
     */
    private static void assertEven(List<Seen> seen) {
        for (int i = 0; i < seen.size(); i++) {
            Seen one = seen.get(i);
            Duration due = Duration.ofNanos(SPREAD / seen.size() * i);
            assertThat(one.drain().reason()).isEqualTo(DrainReason.SHUTDOWN);
            assertThat(one.asked()).as("number " + i).isBetween(due, due.plus(ROOM));
            assertThat(one.drain().span())
                    .as("left for number " + i)
                    .isEqualTo(Duration.ofMillis(SPAN.minus(due).toMillis()));
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drain_ofClientsThatMove_endsBeforeTheSpan_andLosesNothing(Transport transport) throws Exception {
        BlockingQueue<String> arrived = new LinkedBlockingQueue<>();
        try (ResilientServer leaving = server(transport)
                        .onMessage((connection, message) -> arrived.add(message.toString(UTF_8)))
                        .start();
                ResilientServer staying = ServerScene.server(transport)
                        .onMessage((connection, message) -> arrived.add(message.toString(UTF_8)))
                        .start();
                ResilientClient client = ResilientClient.builder(List.of(
                                new Endpoint("127.0.0.1", leaving.localAddress().getPort()),
                                new Endpoint("127.0.0.1", staying.localAddress().getPort())))
                        .transport(transport)
                        .liveness(ServerScene.liveness(ServerScene.beats()))
                        .onMessage((connection, message) -> {})
                        .start()) {
            client.awaitUp(ServerScene.PATIENCE);
            awaitThat("it is there", () -> leaving.connections().size() == 1);
            var before = client.send("before");
            await(before.written()); // a message that meets the DRAIN on its way out is NOT_SENT, rightly
            Ending how = await(leaving.drain(Duration.ofMinutes(1)));
            assertThat(how.kind()).isEqualTo(Ending.Kind.CLOSED);
            awaitThat("it has moved", () -> staying.connections().size() == 1);
            client.awaitUp(ServerScene.PATIENCE);
            await(client.send("after").confirmed());
            await(before.confirmed());
            assertThat(arrived).containsExactly("before", "after");
            assertThat(client.counters().unknown()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drain_withAPipelineOfOnesOwn_isDoneFromHere(Transport transport) throws Exception {
        int count = 5;
        try (ResilientServer server = server(transport)
                .pipeline(
                        pipeline -> pipeline.addLast(
                                new LengthFieldBasedFrameDecoder(1 << 20, 0, 4, 0, 4), new LengthFieldPrepender(4)),
                        HeartbeatProtocol.frame(0x01, 0x41))
                .liveness(ServerScene.liveness(ServerScene.beats().interval(Duration.ofSeconds(10))))
                .start()) {
            List<ServerRaw> clients = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                clients.add(ServerRaw.connect(local(server)));
            }
            awaitThat("all are up", () -> server.connections().size() == count);
            for (Connection connection : server.connections()) {
                connection.send(Unpooled.wrappedBuffer(new byte[] {7, 7}));
            }
            long start = System.nanoTime();
            CompletionStage<Ending> drained = server.drain(SPAN);
            for (ServerRaw client : clients) {
                assertThat(client.socket.getInputStream().readAllBytes()) // to the FIN; a beat asks for a confirmation
                        .startsWith(0, 0, 0, 2, 7, 7);
                client.close();
            }
            assertThat(await(drained).kind()).isEqualTo(Ending.Kind.CLOSED);
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isBetween(Duration.ofNanos(SPREAD / count * (count - 1)), SPAN.plus(ROOM));
            assertOver(server);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drain_thenDrainSooner_thenClose_endsWithTheSoonest(Transport transport) throws Exception {
        try (ResilientServer server = server(transport).start()) {
            List<ServerRaw> clients = clients(server, 3);
            long start = System.nanoTime();
            CompletionStage<Ending> first = server.drain(Duration.ofHours(1));
            CompletionStage<Ending> second = server.drain(Duration.ofMinutes(30));
            assertThat(clients.get(0).read(FrameType.DRAIN)).isPresent();
            assertThat(server.connections()).hasSize(3);
            CompletionStage<Ending> third = server.closeAsync();
            for (ServerRaw client : clients) {
                assertThat(client.readClose().reason()).isEqualTo(CloseReason.GOING_AWAY);
                client.close();
            }
            for (CompletionStage<Ending> stage : List.of(first, second, third, server.closed())) {
                assertThat(await(stage).kind()).isEqualTo(Ending.Kind.CLOSED);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isLessThan(Duration.ofMillis(500).plus(ROOM));
            assertOver(server);
        }
        awaitThat("its threads are gone", () -> !hasLoops());
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drain_withoutConnections_orWithHandshakesOnly_endsAtOnce(Transport transport) throws Exception {
        try (ResilientServer empty = server(transport).start()) {
            assertThat(await(empty.drain(Duration.ofHours(1))).kind()).isEqualTo(Ending.Kind.CLOSED);
            assertOver(empty);
            await(empty.drain(Duration.ofHours(1))); // again, after the end
            empty.close();
        }
        CompletableFuture<Void> never = new CompletableFuture<>();
        try (ResilientServer shaking = server(transport)
                        .handshakeLimit(Duration.ofHours(1))
                        .handshake(handshake -> never)
                        .start();
                ServerRaw one = ServerRaw.connect(local(shaking)).shake();
                ServerRaw other = ServerRaw.connect(local(shaking))) {
            awaitThat("both are in", () -> shaking.counters().attempts() == 2);
            await(shaking.drain(Duration.ofHours(1)));
            one.readToEnd();
            other.readToEnd();
            assertOver(shaking);
        }
        awaitThat("their threads are gone", () -> !hasLoops());
    }

    @ParameterizedTest
    @MethodSource("transports")
    void close_ofConnectionsThatDoNotAnswer_isBounded(Transport transport) throws Exception {
        try (ResilientServer server = server(transport).start()) {
            List<ServerRaw> clients = clients(server, 3); // they read nothing and never close
            for (Connection connection : server.connections()) {
                for (int i = 0; i < 12; i++) {
                    connection.send(new byte[1 << 20]); // more than the kernel takes
                }
            }
            long start = System.nanoTime();
            Ending how = await(server.closeAsync());
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isLessThan(Duration.ofMillis(500).plus(ROOM));
            assertThat(how.kind()).isEqualTo(Ending.Kind.CLOSED);
            assertThat(server.counters().unknown()).isPositive();
            assertThat(server.counters().notSent()).isPositive();
            assertThat(server.counters().unknown()
                            + server.counters().notSent()
                            + server.counters().confirmed())
                    .isEqualTo(server.counters().sent());
            for (ServerRaw client : clients) {
                client.close();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void close_fromACallback_doesNotWaitForItself(Transport transport) throws Exception {
        CompletableFuture<ResilientServer> self = new CompletableFuture<>();
        CompletableFuture<Duration> took = new CompletableFuture<>();
        try (ResilientServer server = server(transport)
                .onMessage((connection, message) -> {
                    long start = System.nanoTime();
                    self.join().close();
                    took.complete(Duration.ofNanos(System.nanoTime() - start));
                })
                .start()) {
            self.complete(server);
            try (ServerRaw client = clients(server, 1).get(0)) {
                client.data(1);
                assertThat(await(took)).isLessThan(Duration.ofMillis(400));
                client.readClose();
            }
            await(server.closed());
        }
    }

    /** The server's own end is told last, whatever its connections are doing. */
    @ParameterizedTest
    @MethodSource("transports")
    void closed_isTheLastEvent_afterEveryDown(Transport transport) throws Exception {
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(4, transport.ioHandlerFactory());
        try {
            for (int round = 0; round < 30; round++) {
                BlockingQueue<ConnectionEvent> told = new LinkedBlockingQueue<>();
                int count = 4;
                try (ResilientServer server = server(transport)
                        .eventLoopGroup(loops, transport)
                        .onEvent(told::add)
                        .start()) {
                    List<ServerRaw> clients = clients(server, count);
                    CompletionStage<Ending> closed = server.closeAsync();
                    for (ServerRaw client : clients) {
                        client.close();
                    }
                    await(closed);
                }
                List<ConnectionEvent> all = new ArrayList<>();
                int downs = 0;
                while (all.stream().noneMatch(ConnectionEvent.Closed.class::isInstance) || downs < count) {
                    ConnectionEvent event = take(told, "Closed and " + count + " Downs");
                    downs += event instanceof ConnectionEvent.Down ? 1 : 0;
                    all.add(event);
                }
                assertThat(all.get(all.size() - 1))
                        .as("round %d: %s", round, all)
                        .isInstanceOf(ConnectionEvent.Closed.class);
            }
        } finally {
            loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
        }
    }

    /** Somebody shuts the shared loops down, the listener's perhaps before a client's, while the server drains, or before. */
    @ParameterizedTest
    @MethodSource("transports")
    void drain_ofAServerWhoseLoopsEnd_ends(Transport transport) throws Exception {
        for (boolean before : new boolean[] {true, false}) {
            for (int threads = 1; threads <= 3; threads++) {
                EventLoopGroup loops = new MultiThreadIoEventLoopGroup(threads, transport.ioHandlerFactory());
                List<ConnectionEvent.Closed> told = new CopyOnWriteArrayList<>();
                ResilientServer server = server(transport)
                        .eventLoopGroup(loops, transport)
                        .onEvent(event -> {
                            if (event instanceof ConnectionEvent.Closed closed) {
                                told.add(closed);
                            }
                        })
                        .start();
                List<ServerRaw> clients = clients(server, 3);
                CompletionStage<Ending> drained = before ? server.drain(Duration.ofMinutes(1)) : null;
                loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
                assertThat(await(drained == null ? server.drain(SPAN) : drained).kind())
                        .isEqualTo(Ending.Kind.CLOSED);
                assertThat(await(server.closeAsync()).kind()).isEqualTo(Ending.Kind.CLOSED);
                assertThat(told).hasSizeLessThanOrEqualTo(1);
                for (ServerRaw client : clients) {
                    client.close();
                }
            }
        }
    }

    /** Clients that wait at the door of a server that is just starting: each of them counts from the first. */
    @ParameterizedTest
    @MethodSource("transports")
    void start_underARushOfClients_losesNoPlace(Transport transport) throws Exception {
        ExecutorService rush = Executors.newFixedThreadPool(4);
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(2, transport.ioHandlerFactory());
        InetSocketAddress door; // an address of its own: no client's port is in its way
        try (ResilientServer first = ServerScene.set(
                        ResilientServer.builder(new InetSocketAddress("127.0.0.3", 0)), transport)
                .start()) {
            door = first.localAddress();
        }
        try {
            for (int round = 0; round < 20; round++) {
                CompletableFuture<Void> over = new CompletableFuture<>();
                List<CompletableFuture<Void>> running = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    running.add(CompletableFuture.runAsync(() -> rush(door, over), rush));
                }
                try (ResilientServer server = ServerScene.set(ResilientServer.builder(door), transport)
                        .eventLoopGroup(loops, transport)
                        .maxConnections(10)
                        .maxHandshakes(10)
                        .onEvent(events::add)
                        .start()) {
                    awaitThat("some have come", () -> server.counters().ups() >= 4);
                    over.complete(null);
                    for (CompletableFuture<Void> one : running) {
                        await(one);
                    }
                    awaitThat("all are gone", () -> server.connections().isEmpty());
                    List<ServerRaw> all = new ArrayList<>();
                    long start = System.nanoTime();
                    while (server.connections().size() < 10) { // places may just be given back: then another tries
                        assertThat(System.nanoTime() - start)
                                .as("round %d, %s", round, server)
                                .isLessThan(ServerScene.PATIENCE.toNanos());
                        ServerRaw one = ServerRaw.connect(door).hello();
                        if (one.read(FrameType.HELLO).isPresent()) {
                            all.add(one);
                        } else {
                            one.close();
                        }
                    }
                    for (ServerRaw one : all) {
                        one.close();
                    }
                }
            }
        } finally {
            rush.shutdownNow();
            loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
        }
    }

    private static void rush(InetSocketAddress door, CompletableFuture<Void> over) {
        while (!over.isDone()) {
            try (ServerRaw one = ServerRaw.connect(door)) {
                one.hello().read(FrameType.HELLO); // nothing comes if too many handshakes of others are not over yet
            } catch (IOException notYet) {
                // it will start
            }
        }
    }
}
