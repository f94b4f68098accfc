package dev.holdfast.epoll;

import static dev.holdfast.epoll.ServerScene.await;
import static dev.holdfast.epoll.ServerScene.awaitThat;
import static dev.holdfast.epoll.ServerScene.take;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Connection;
import dev.holdfast.ConnectionEvent;
import dev.holdfast.ConnectionState;
import dev.holdfast.Delivery;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.FrameType;
import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who may come in, how long he may take for it, and what he may send: by plain sockets that behave badly. */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
class ServerLimitsIT {
    /** A busy machine, and the second that a goodbye may take. */
    private static final Duration ROOM = Duration.ofSeconds(2);

    private static final Duration LIMIT = Duration.ofMillis(400);

    private final BlockingQueue<ConnectionEvent> events = new LinkedBlockingQueue<>();

    static List<Transport> transports() {
        return Transport.all();
    }

    private ResilientServer.Builder server(Transport transport) {
        return ServerScene.server(transport).onEvent(events::add);
    }

    private static InetSocketAddress local(ResilientServer server) {
        return ServerScene.at("127.0.0.1", server);
    }

    private static ResilientClient.Builder client(Transport transport, ResilientServer server) {
        return ServerScene.client(transport, "127.0.0.1", server.localAddress().getPort());
    }

    /** Up at both ends. */
    private static ServerRaw up(String from, ResilientServer server) throws IOException {
        long before = server.counters().ups();
        ServerRaw client = ServerRaw.connect(from, local(server)).shake();
        awaitThat("one more is up", () -> server.counters().ups() > before);
        return client;
    }

    private static void awaitConnections(ResilientServer server, int count) {
        awaitThat(count + " connections", () -> server.connections().size() == count);
    }

    private static void assertTurnedAway(String from, ResilientServer server) throws IOException {
        assertThat(isTurnedAway(from, server)).isTrue();
    }

    /** Whether a place is given back is known when the next one comes in; the last one's end may be under way. */
    private static ServerRaw upAsSoonAsThereIsRoom(ResilientServer server) throws IOException {
        long start = System.nanoTime();
        while (System.nanoTime() - start < ServerScene.PATIENCE.toNanos()) {
            int ups = (int) server.counters().ups();
            ServerRaw raw = ServerRaw.connect(local(server)).hello();
            if (raw.read(FrameType.HELLO).isPresent()) {
                awaitThat("up or turned away", () -> server.counters().ups() > ups || isOver(raw));
                if (server.counters().ups() > ups) {
                    return raw;
                }
            }
            raw.close();
        }
        throw new AssertionError("no room within " + ServerScene.PATIENCE);
    }

    /**
     * Let in, and silent. The door hears of the end of others' handshakes a moment later than they do: until then it turns away, or
     * drops, who comes.
     */
    private static ServerRaw admitted(ResilientServer server) throws IOException {
        long start = System.nanoTime();
        while (System.nanoTime() - start < ServerScene.PATIENCE.toNanos()) {
            long attempts = server.counters().attempts();
            long refused = server.counters().refused();
            ServerRaw raw = ServerRaw.connect(local(server));
            awaitThat("let in or not", () -> {
                var now = server.counters();
                return now.attempts() > attempts || now.refused() > refused;
            });
            if (server.counters().refused() == refused) { // counted first
                return raw;
            }
            raw.readToEnd();
            raw.close();
        }
        throw new AssertionError("not let in within " + ServerScene.PATIENCE);
    }

    /** Whether it is told that there is no room; it may also be dropped, see {@link #admitted}. */
    private static boolean isTurnedAway(String from, ResilientServer server) throws IOException {
        long before = server.counters().refused();
        try (ServerRaw tooMany = ServerRaw.connect(from, local(server)).hello()) {
            Optional<ByteBuf> close = tooMany.read(FrameType.CLOSE);
            tooMany.readToEnd();
            assertThat(server.counters().refused()).isEqualTo(before + 1);
            close.ifPresent(
                    told -> assertThat(Close.read(told)).isEqualTo(Close.of(CloseReason.OVERLOADED, Duration.ZERO)));
            return close.isPresent();
        }
    }

    private static boolean isOver(ServerRaw raw) {
        try {
            return raw.socket.getInputStream().available() > 0; // nothing but a CLOSE: no beat is due for long
        } catch (IOException ended) {
            return true;
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void maxConnections_oneMore_isToldOverloaded_andAClientComesBackWhenThereIsRoom(Transport transport)
            throws Exception {
        BlockingQueue<ConnectionEvent> told = new LinkedBlockingQueue<>();
        try (ResilientServer server = server(transport).maxConnections(2).start();
                ServerRaw first = up("127.0.0.1", server);
                ServerRaw second = up("127.0.0.2", server)) {
            assertTurnedAway("127.0.0.3", server);
            try (ResilientClient client =
                    client(transport, server).onEvent(told::add).start()) {
                Ending why = take(told, ConnectionEvent.Waiting.class).why().orElseThrow();
                assertThat(why.close().map(Close::reason)).contains(CloseReason.OVERLOADED);
                assertThat(server.counters().ups()).isEqualTo(2);
                second.close();
                awaitThat("it is let in", () -> server.counters().ups() == 3);
                client.awaitUp(ServerScene.PATIENCE);
                await(client.send("hello").confirmed());
                assertThat(first.socket.isClosed()).isFalse();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void maxConnectionsPerAddress_countsEachAddressByItself(Transport transport) throws Exception {
        try (ResilientServer server =
                        server(transport).maxConnectionsPerAddress(2).start();
                ServerRaw one = up("127.0.0.1", server);
                ServerRaw two = up("127.0.0.1", server)) {
            assertTurnedAway("127.0.0.1", server);
            try (ServerRaw other = up("127.0.0.2", server);
                    ServerRaw another = up("127.0.0.2", server)) {
                assertTurnedAway("127.0.0.2", server);
                assertTurnedAway("127.0.0.1", server);
                assertThat(other.socket.getLocalAddress()).isEqualTo(another.socket.getLocalAddress());
            }
            awaitConnections(server, 2);
            one.close();
            awaitConnections(server, 1);
            upAsSoonAsThereIsRoom(server).close();
            two.close();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void maxHandshakes_oneMore_isClosedWithoutAWord_untilOneIsOver(Transport transport) throws Exception {
        try (ResilientServer server = server(transport)
                        .maxHandshakes(2)
                        .handshakeLimit(Duration.ofMinutes(1))
                        .start();
                ServerRaw silent = ServerRaw.connect(local(server));
                ServerRaw silentToo = ServerRaw.connect("127.0.0.2", local(server))) {
            assertThat(silent.read(FrameType.HELLO)).isPresent(); // they are in
            assertThat(silentToo.read(FrameType.HELLO)).isPresent();
            try (ServerRaw third = ServerRaw.connect(local(server))) {
                assertThat(third.read()).isEmpty();
            }
            assertThat(server.counters().refused()).isEqualTo(1);
            silent.hello(); // its handshake is over, it stays
            awaitConnections(server, 1);
            ServerRaw next = upAsSoonAsThereIsRoom(server);
            silentToo.reset(); // and this one never had one
            awaitConnections(server, 2);
            next.close();
        }
    }

    /** Every way to go that a client has, also before it was ever up. */
    private enum Exit {
        REGULAR {
            @Override
            void go(ServerRaw client) throws IOException {
                client.shake().close();
            }
        },
        RESET {
            @Override
            void go(ServerRaw client) throws IOException {
                client.shake().reset();
            }
        },
        HALF_CLOSED {
            @Override
            void go(ServerRaw client) throws IOException {
                client.shake().socket.shutdownOutput();
                client.readToEnd();
            }
        },
        GARBAGE {
            @Override
            void go(ServerRaw client) throws IOException {
                client.shake().send(new byte[] {1, 2, 3, 4, 99, 5, 6, 7, 8}).readToEnd();
            }
        },
        NEVER_SAID_ANYTHING {
            @Override
            void go(ServerRaw client) throws IOException {
                client.close();
            }
        },
        RESET_BEFORE_HELLO {
            @Override
            void go(ServerRaw client) throws IOException {
                client.reset();
            }
        },
        GARBAGE_BEFORE_HELLO {
            @Override
            void go(ServerRaw client) throws IOException {
                client.send("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII))
                        .readToEnd();
            }
        },
        TIMED_OUT {
            @Override
            void go(ServerRaw client) throws IOException {
                client.readToEnd();
            }
        };

        abstract void go(ServerRaw client) throws IOException;
    }

    @ParameterizedTest
    @MethodSource("transports")
    void places_areGivenBack_afterEveryKindOfEnd(Transport transport) throws Exception {
        try (ResilientServer server = server(transport)
                .maxConnections(1)
                .maxConnectionsPerAddress(1)
                .maxHandshakes(2) // so that who is turned away has one
                .handshakeLimit(LIMIT)
                .start()) {
            for (Exit exit : Exit.values()) {
                for (int i = 0; i < 3; i++) { // more often than there are places
                    ServerRaw leaving = admitted(server);
                    exit.go(leaving);
                    leaving.close();
                    upAsSoonAsThereIsRoom(server).close();
                    awaitConnections(server, 0);
                }
            }
            for (int i = 0; i < 5; i++) { // who is turned away takes no place for long
                ServerRaw in = upAsSoonAsThereIsRoom(server);
                long start = System.nanoTime();
                while (!isTurnedAway("127.0.0.2", server)) { // dropped
                    assertThat(System.nanoTime() - start).isLessThan(ServerScene.PATIENCE.toNanos());
                }
                in.close();
                awaitConnections(server, 0);
            }
        }
    }

    /** From the accept, known not to be before {@code start}, to the end of the stream. */
    private static void assertGoneInTime(ServerRaw client, long start) throws IOException {
        assertThat(client.readClose().reason()).isEqualTo(CloseReason.HANDSHAKE_TIMEOUT);
        Duration told = Duration.ofNanos(System.nanoTime() - start);
        client.readToEnd();
        assertThat(told).isBetween(LIMIT, LIMIT.plus(ROOM));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LIMIT.plus(ROOM));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void whoSaysNothing_isGoneAtTheHandshakeLimit(Transport transport) throws Exception {
        try (ResilientServer server = server(transport).handshakeLimit(LIMIT).start()) {
            long start = System.nanoTime();
            try (ServerRaw silent = ServerRaw.connect(local(server))) {
                assertGoneInTime(silent, start);
            }
            assertThat(events).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void whoSaysHelloByteByByte_gainsNoTime(Transport transport) throws Exception {
        try (ResilientServer server = server(transport).handshakeLimit(LIMIT).start()) {
            long start = System.nanoTime();
            try (ServerRaw slow = ServerRaw.connect(local(server))) {
                byte[] hello = ServerRaw.helloBytes();
                long step = LIMIT.toNanos() * 2 / hello.length;
                int sent = 0;
                while (sent < hello.length && slow.socket.getInputStream().available() <= hello.length) {
                    slow.send(new byte[] {hello[sent++]});
                    long next = start + sent * step;
                    while (System.nanoTime() - next < 0) {
                        LockSupport.parkNanos(next - System.nanoTime());
                    }
                }
                assertThat(sent).isBetween(2, hello.length - 1);
                assertGoneInTime(slow, start);
            }
            assertThat(server.counters().ups()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void whoseHookNeverAnswers_isGoneAtTheSameLimit(Transport transport) throws Exception {
        CompletableFuture<Void> never = new CompletableFuture<>();
        try (ResilientServer server = server(transport)
                .handshakeLimit(LIMIT)
                .handshake(handshake -> never)
                .start()) {
            long start = System.nanoTime();
            try (ServerRaw waiting = ServerRaw.connect(local(server)).shake()) {
                assertGoneInTime(waiting, start);
            }
            never.complete(null); // too late
            assertThat(server.connections()).isEmpty();
            assertThat(server.counters().ups()).isZero();
        }
        assertThat(events).noneMatch(ConnectionEvent.Up.class::isInstance);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void aStallOfOurOwn_isNotHeldAgainstWhoHasSaidHello(Transport transport) throws Exception {
        EventLoopGroup one = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        try (ResilientServer server = server(transport)
                        .handshakeLimit(LIMIT)
                        .eventLoopGroup(one, transport)
                        .start();
                ServerRaw client = ServerRaw.connect(local(server))) {
            assertThat(client.read(FrameType.HELLO)).isPresent();
            CompletableFuture<Void> blocked = new CompletableFuture<>();
            one.next().execute(() -> {
                blocked.complete(null);
                LockSupport.parkNanos(LIMIT.multipliedBy(2).toNanos());
            });
            await(blocked);
            client.hello(); // in time, but nobody reads it
            awaitConnections(server, 1);
        } finally {
            one.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void frameAboveTheLimit_ofTheHandshake_orOfMessages_isRefusedByItsHeader(Transport transport) throws Exception {
        CompletableFuture<Void> later = new CompletableFuture<>();
        try (ResilientServer server = server(transport)
                .maxMessage(1 << 20)
                .maxHandshakeMessage(4096)
                .handshake(handshake -> later)
                .start()) {
            try (ServerRaw early =
                    ServerRaw.connect(local(server)).shake().data(4096).dataHeader(4097)) {
                assertThat(early.readClose().reason()).isEqualTo(CloseReason.FRAME_TOO_LARGE);
                early.readToEnd();
            }
            later.complete(null);
            try (ServerRaw client = up("127.0.0.1", server)) {
                client.data(1 << 20);
                assertThat(client.read(FrameType.DATA).orElseThrow().readableBytes())
                        .isEqualTo((1 << 20) + 8);
                client.dataHeader((1 << 20) + 1);
                assertThat(client.readClose().reason()).isEqualTo(CloseReason.FRAME_TOO_LARGE);
                client.readToEnd();
            }
            Ending how = take(events, ConnectionEvent.Down.class).ending();
            assertThat(how.kind()).as(how.toString()).isEqualTo(Ending.Kind.PEER_DEAD);
            assertThat(how.death().orElseThrow().cause()).isEqualTo(DeathCause.PROTOCOL_ERROR);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void messageThatTheServerDoesNotTake_isNotSent_andTheClientKnowsWhy(Transport transport) throws Exception {
        try (ResilientServer server = server(transport).maxMessage(2048).start();
                ResilientClient client = client(transport, server).start()) {
            client.awaitUp(ServerScene.PATIENCE);
            Delivery tooLarge = client.send(new byte[2049]);
            awaitThat("its fate", () -> tooLarge.state() == Delivery.State.NOT_SENT);
            assertThat(tooLarge.reason().orElseThrow()).contains("2049", "2048");
            await(client.send(new byte[2048]).confirmed());
            assertThat(client.counters().downs()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void floodOfPings_endsThatConnectionByName_andNoOther(Transport transport) throws Exception {
        try (ResilientServer server = server(transport)
                        .liveness(
                                ServerScene.liveness(ServerScene.beats().permittedPeerInterval(Duration.ofMillis(500))))
                        .start();
                ResilientClient bystander = client(transport, server)
                        .liveness(ServerScene.liveness(ServerScene.beats().interval(Duration.ofSeconds(1))))
                        .start()) {
            bystander.awaitUp(ServerScene.PATIENCE);
            awaitConnections(server, 1);
            try (ServerRaw flooding = up("127.0.0.1", server)) {
                // Pings of one read count as one: each waits for the answer to the one before.
                boolean on = true;
                for (long i = 0; on && i < 10_000; i++) {
                    try {
                        flooding.ping(i);
                    } catch (IOException gone) {
                        on = false;
                    }
                    var next = flooding.read();
                    while (next.isPresent() && next.get().type() == FrameType.PING) {
                        next = flooding.read();
                    }
                    on &= next.isPresent();
                    if (on && next.orElseThrow().type() == FrameType.CLOSE) {
                        assertThat(Close.read(next.orElseThrow().whole()).reason())
                                .isEqualTo(CloseReason.TOO_MANY_PINGS);
                        on = false;
                    }
                }
                assertThat(on).isFalse();
            }
            Ending how = take(events, ConnectionEvent.Down.class).ending();
            assertThat(how.death().orElseThrow().cause()).as(how.toString()).isEqualTo(DeathCause.FLOOD);
            await(bystander.send("still here").confirmed());
            assertThat(bystander.counters().downs()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void garbage_andAHalfClosedConnection_areNamed_andDisturbNoOther(Transport transport) throws Exception {
        try (ResilientServer server = server(transport).start();
                ResilientClient bystander = client(transport, server).start()) {
            bystander.awaitUp(ServerScene.PATIENCE);
            awaitConnections(server, 1);
            try (ServerRaw garbage = up("127.0.0.1", server)) {
                garbage.send(new byte[] {0, 0, 0, 1, 99, 5, 6, 7, 8});
                assertThat(garbage.readClose().reason()).isEqualTo(CloseReason.PROTOCOL_ERROR);
                garbage.readToEnd();
            }
            Ending broken = take(events, ConnectionEvent.Down.class).ending();
            assertThat(broken.death().orElseThrow().cause())
                    .as(broken.toString())
                    .isEqualTo(DeathCause.PROTOCOL_ERROR);
            try (ServerRaw half = up("127.0.0.1", server)) {
                half.data(10);
                assertThat(half.read(FrameType.DATA)).isPresent();
                half.socket.shutdownOutput();
                assertThat(half.readClose().reason()).isEqualTo(CloseReason.NORMAL);
                half.readToEnd();
            }
            Ending closed = take(events, ConnectionEvent.Down.class).ending();
            assertThat(closed.kind()).as(closed.toString()).isEqualTo(Ending.Kind.PEER_CLOSED);
            await(bystander.send("still here").confirmed());
            assertThat(bystander.counters().downs()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void connections_showStateAgeRoundTripLastHeardAndBacklog(Transport transport) throws Exception {
        try (ResilientServer server = server(transport).start();
                ResilientClient client = client(transport, server).start()) {
            client.awaitUp(ServerScene.PATIENCE);
            awaitConnections(server, 1);
            Connection there = server.connections().iterator().next();
            awaitThat("a beat's answer", () -> there.roundTrip().isPresent());
            assertThat(there.state()).isEqualTo(ConnectionState.UP);
            assertThat(there.age()).isGreaterThanOrEqualTo(there.roundTrip().orElseThrow());
            assertThat(there.lastHeard()).isLessThan(Duration.ofSeconds(3)); // it beats every 200 ms
            assertThat(there.localAddress()).isEqualTo(ServerScene.at("127.0.0.1", server));
            assertThat(there.remoteAddress())
                    .isEqualTo(client.connection().orElseThrow().localAddress());
            assertThat(there.options().toString()).isNotEmpty();
            List<Delivery> open = new ArrayList<>();
            client.connection().orElseThrow().pause();
            for (int i = 0; i < 10; i++) {
                open.add(there.send(new byte[1000]));
            }
            assertThat(there.backlog()).isBetween(0L, 10 * 1064L);
            client.connection().orElseThrow().resume();
            for (Delivery one : open) {
                await(one.confirmed());
            }
            awaitThat("no backlog", () -> there.backlog() == 0);
        }
        assertThat(events).anyMatch(ConnectionEvent.Closed.class::isInstance);
    }
}
