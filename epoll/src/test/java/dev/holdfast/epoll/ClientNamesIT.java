package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Backoff;
import dev.holdfast.ConnectionEvent.Closed;
import dev.holdfast.ConnectionEvent.Connecting;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionEvent.Waiting;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.resolver.InetNameResolver;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.Promise;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Names: they change, their resolver hangs, fails, or answers when nobody waits any more. */
@SuppressWarnings("FutureReturnValueIgnored") // what a connect comes to is told by the events
class ClientNamesIT {
    private static final String NAME = "service.test";
    private static final Duration LIMIT = Duration.ofMillis(300);
    private static final RawServer.Script LIVING =
            socket -> new RawFrames(socket).hello().answerToTheEnd();

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    /** Answers only when the test does. */
    private static final class Questions extends InetNameResolver {
        private final BlockingQueue<Promise<List<InetAddress>>> asked = new LinkedBlockingQueue<>();

        Questions() {
            super(ImmediateEventExecutor.INSTANCE);
        }

        @Override
        protected void doResolve(String host, Promise<InetAddress> promise) {
            promise.setFailure(new UnsupportedOperationException("one address of many"));
        }

        @Override
        protected void doResolveAll(String host, Promise<List<InetAddress>> promise) {
            assertThat(host).isEqualTo(NAME);
            asked.add(promise);
        }

        Promise<List<InetAddress>> next() throws InterruptedException {
            Promise<List<InetAddress>> next = asked.poll(30, TimeUnit.SECONDS);
            assertThat(next).as("a question").isNotNull();
            return next;
        }

        void answer(String... addresses) throws InterruptedException, UnknownHostException {
            answer(next(), addresses);
        }

        static void answer(Promise<List<InetAddress>> question, String... addresses) throws UnknownHostException {
            List<InetAddress> answer = new CopyOnWriteArrayList<>();
            for (String address : addresses) {
                answer.add(InetAddress.getByName(address));
            }
            question.setSuccess(answer);
        }

        /** Each question at once. */
        void answerUntilUp(ClientProbe probe, String address) throws UnknownHostException {
            List<InetAddress> answer = List.of(InetAddress.getByName(address));
            ClientProbe.awaitThat("an answer in time", () -> {
                Promise<List<InetAddress>> next = asked.poll();
                if (next != null) {
                    next.setSuccess(answer);
                }
                return probe.count(Up.class) > 0;
            });
        }
    }

    private static ResilientClient.Builder client(Transport transport, ClientProbe probe, Questions names, int port) {
        return ClientScene.set(ResilientClient.builder(NAME, port), transport, probe)
                .resolver(names);
    }

    private static String upAt(ClientProbe probe, int number) throws InterruptedException {
        return probe.await(Up.class, number)
                .connection()
                .remoteAddress()
                .getAddress()
                .getHostAddress();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void addressThatChanges_isFollowedInTheNextRound(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Questions names = new Questions();
        try (RawServer old = new RawServer("127.0.0.2", 0, LIVING);
                RawServer fresh = new RawServer("127.0.0.3", old.port(), LIVING)) {
            try (ResilientClient client =
                    client(transport, probe, names, old.port()).start()) {
                names.answer("127.0.0.2");
                assertThat(upAt(probe, 1)).isEqualTo("127.0.0.2");
                old.resetAll();
                names.answer("127.0.0.3");
                assertThat(upAt(probe, 2)).isEqualTo("127.0.0.3");
                assertThat(old.arrivals()).hasSize(1);
                fresh.resetAll();
                names.answer("127.0.0.3", "127.0.0.2");
                assertThat(upAt(probe, 3)).isEqualTo("127.0.0.2"); // the other one was lost last
                assertThat(client.counters().attempts()).isEqualTo(3);
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void resolverThatHangs_hasItsLimit_andNobodyElseWaits(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        ClientProbe others = new ClientProbe();
        Questions names = new Questions();
        try (Loopback net = new Loopback(transport);
                ResilientServer server = ClientScene.server(transport, 0).start()) {
            int port = server.localAddress().getPort();
            ResilientClient.Builder builder = client(transport, probe, names, port)
                    .eventLoopGroup(net.group, transport)
                    .reconnect(ClientScene.reconnect().resolveLimit(LIMIT).build());
            ResilientClient.Builder other =
                    ClientScene.client(transport, others, port).eventLoopGroup(net.group, transport);
            try (ResilientClient client = builder.start();
                    ResilientClient busy = other.start()) {
                busy.awaitUp(Duration.ofSeconds(10));
                for (int i = 1; i <= 3; i++) {
                    names.next();
                    Waiting waiting = probe.await(Waiting.class, i);
                    assertThat(waiting.why().orElseThrow().kind()).isEqualTo(Ending.Kind.RESOLVE_FAILED);
                    assertThat(waiting.why().orElseThrow().reason()).contains("resolve limit " + LIMIT);
                    assertThat(waiting.moment().at()).isGreaterThanOrEqualTo(LIMIT.multipliedBy(i));
                    busy.send("go on").confirmed().toCompletableFuture().get(10, TimeUnit.SECONDS);
                }
                assertThat(client.counters().attempts()).isZero();
            }
        }
        probe.assertLawfullyClosed();
        others.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void lateAnswer_belongsToNobody(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Questions names = new Questions();
        try (RawServer wrong = new RawServer("127.0.0.2", 0, LIVING);
                RawServer right = new RawServer("127.0.0.3", wrong.port(), LIVING)) {
            ResilientClient.Builder builder = client(transport, probe, names, right.port())
                    .reconnect(ClientScene.reconnect().resolveLimit(LIMIT).build());
            try (ResilientClient client = builder.start()) {
                Promise<List<InetAddress>> first = names.next();
                probe.await(Waiting.class);
                Promise<List<InetAddress>> second = names.next();
                Questions.answer(first, "127.0.0.2");
                Questions.answer(second, "127.0.0.3");
                names.answerUntilUp(probe, "127.0.0.3"); // ours may be late, too
                assertThat(upAt(probe, 1)).isEqualTo("127.0.0.3");
                assertThat(client.counters().attempts()).isEqualTo(1);
            }
            assertThat(wrong.arrivals()).isEmpty();
            assertThat(right.arrivals()).hasSize(1);
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void answerBehindTheEnd_isIgnored(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Questions names = new Questions();
        try (RawServer server = new RawServer(LIVING)) {
            ResilientClient client =
                    client(transport, probe, names, server.port()).start();
            Promise<List<InetAddress>> question = names.next();
            client.close();
            Questions.answer(question, "127.0.0.1");
            probe.assertLawfullyClosed();
            assertThat(server.arrivals()).isEmpty();
            assertThat(probe.await(Closed.class).ending().kind()).isEqualTo(Ending.Kind.CLOSED);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void resolverThatFails_isAskedAgain(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Questions names = new Questions();
        try (RawServer server = new RawServer(LIVING)) {
            try (ResilientClient client =
                    client(transport, probe, names, server.port()).start()) {
                names.next().setFailure(new UnknownHostException("no such name"));
                Waiting waiting = probe.await(Waiting.class);
                assertThat(waiting.why().orElseThrow().kind()).isEqualTo(Ending.Kind.RESOLVE_FAILED);
                assertThat(waiting.why().orElseThrow().reason()).contains(NAME).contains("no such name");
                names.next().setSuccess(List.of());
                assertThat(probe.await(Waiting.class, 2).why().orElseThrow().kind())
                        .isEqualTo(Ending.Kind.RESOLVE_FAILED);
                names.answer("127.0.0.1");
                probe.await(Up.class);
                assertThat(client.counters().attempts()).isEqualTo(1);
            }
        }
        probe.assertLawfullyClosed();
    }

    /** Stands where a proxy's handler would: sends the connection elsewhere. */
    private static final class Detour extends ChannelOutboundHandlerAdapter {
        private final List<SocketAddress> wanted;
        private final int port;

        Detour(List<SocketAddress> wanted, int port) {
            this.wanted = wanted;
            this.port = port;
        }

        @Override
        public void connect(ChannelHandlerContext mine, SocketAddress to, SocketAddress from, ChannelPromise promise) {
            wanted.add(to);
            mine.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), from, promise);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void proxy_isToldTheName_andNothingIsResolvedHere(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Questions names = new Questions();
        List<SocketAddress> wanted = new CopyOnWriteArrayList<>();
        try (RawServer server = new RawServer(LIVING)) {
            ResilientClient.Builder builder = client(transport, probe, names, 7)
                    .reconnect(ClientScene.reconnect()
                            .backoff(Backoff.fixed(Duration.ofMillis(5)))
                            .build())
                    .proxy(() -> new Detour(wanted, server.port()));
            try (ResilientClient client = builder.start()) {
                probe.await(Up.class);
                server.resetAll();
                probe.await(Up.class, 2);
                assertThat(client.counters().attempts()).isEqualTo(2);
            }
        } catch (IOException unexpected) {
            throw new AssertionError(unexpected);
        }
        InetSocketAddress name = InetSocketAddress.createUnresolved(NAME, 7);
        assertThat(wanted).containsExactly(name, name);
        assertThat(probe.all(Connecting.class))
                .allSatisfy(each -> assertThat(each.address()).isEqualTo(name));
        assertThat(names.asked).isEmpty();
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void proxySupplierThatThrows_failsTheAttempt_andAnotherFollows(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (RawServer server = new RawServer(LIVING)) {
            List<SocketAddress> calls = new CopyOnWriteArrayList<>();
            ResilientClient.Builder builder = client(transport, probe, new Questions(), 7)
                    .proxy(() -> {
                        calls.add(new InetSocketAddress(0));
                        if (calls.size() == 1) {
                            throw new IllegalStateException("no proxy today");
                        }
                        return new Detour(calls, server.port());
                    });
            try (ResilientClient client = builder.start()) {
                Waiting waiting = probe.await(Waiting.class);
                assertThat(waiting.moment().at()).isLessThan(Duration.ofSeconds(10)); // not the round's limit
                probe.await(Up.class);
                assertThat(client.counters().attempts()).isEqualTo(2);
            }
        }
        probe.assertLawfullyClosed();
    }
}
