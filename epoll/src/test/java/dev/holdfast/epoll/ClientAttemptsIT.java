package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.AttemptBudget;
import dev.holdfast.Backoff;
import dev.holdfast.ConnectionEvent.Closed;
import dev.holdfast.ConnectionEvent.Connecting;
import dev.holdfast.ConnectionEvent.Down;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionEvent.Waiting;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Peers that refuse, hang up or say nothing: attempts stay apart, and none of them resets the backoff. */
class ClientAttemptsIT {
    private static final Duration DELAY = Duration.ofMillis(40);
    private static final int ROUNDS = 12;

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    /** Always the same wait; writes down what it was asked. */
    private static final class CountingBackoff implements Backoff {
        final List<Integer> asked = new CopyOnWriteArrayList<>();

        @Override
        public Duration delay(int failures, java.util.random.RandomGenerator random) {
            asked.add(failures);
            return DELAY;
        }

        void assertNeverReset() {
            assertThat(asked).hasSizeGreaterThanOrEqualTo(ROUNDS);
            assertThat(asked)
                    .isEqualTo(IntStream.rangeClosed(1, asked.size()).boxed().toList());
        }
    }

    private static ResilientClient start(Transport transport, ClientProbe probe, Backoff backoff, int port) {
        return ClientScene.client(transport, probe, port)
                .reconnect(ClientScene.reconnect().backoff(backoff).build())
                .start();
    }

    /** Each attempt but the first comes after a wait, and never before it is over. */
    private static void assertApart(ClientProbe probe) {
        List<Connecting> attempts = probe.all(Connecting.class);
        List<Waiting> waits = probe.all(Waiting.class);
        for (int i = 1; i < attempts.size(); i++) {
            assertThat(waits.get(i - 1).delay()).isEqualTo(DELAY);
            assertThat(attempts.get(i).moment().at())
                    .isGreaterThanOrEqualTo(waits.get(i - 1).moment().at().plus(DELAY));
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket once = new ServerSocket(0)) {
            return once.getLocalPort();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void refused_isTriedAgain_onceForEachWait(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        CountingBackoff backoff = new CountingBackoff();
        try (ResilientClient client = start(transport, probe, backoff, freePort())) {
            Ending why = probe.await(Waiting.class, ROUNDS).why().orElseThrow();
            assertThat(why.kind()).isEqualTo(Ending.Kind.CONNECT_FAILED);
            assertThat(why.reason()).containsIgnoringCase("refused");
            assertThat(client.counters().attempts()).isGreaterThanOrEqualTo(ROUNDS);
        }
        backoff.assertNeverReset();
        assertApart(probe);
        probe.assertLawfullyClosed();
        assertThat(probe.await(Closed.class).moment().counters().attempts()).isEqualTo(probe.count(Connecting.class));
        assertThat(probe.all(Up.class)).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void acceptThenClose_beforeTheHello_isNoHotLoop(Transport transport) throws Exception {
        assertNoHotLoop(transport, socket -> {}, 0);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void acceptThenReset_isNoHotLoop(Transport transport) throws Exception {
        assertNoHotLoop(transport, socket -> socket.setSoLinger(true, 0), 0);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void acceptThenClose_behindTheHello_isNoHotLoop_andDoesNotResetTheBackoff(Transport transport) throws Exception {
        assertNoHotLoop(
                transport,
                socket -> {
                    RawFrames raw = new RawFrames(socket);
                    raw.hello().read(dev.holdfast.wire.FrameType.HELLO);
                },
                ROUNDS - 1);
    }

    private static void assertNoHotLoop(Transport transport, RawServer.Script script, int ups) throws Exception {
        ClientProbe probe = new ClientProbe();
        CountingBackoff backoff = new CountingBackoff();
        try (RawServer server = new RawServer(script)) {
            try (ResilientClient client = start(transport, probe, backoff, server.port())) {
                probe.await(Waiting.class, ROUNDS);
                assertThat(client.counters().ups()).isGreaterThanOrEqualTo(ups);
            }
            List<Long> arrivals = server.arrivals();
            long took = arrivals.get(arrivals.size() - 1) - arrivals.get(0);
            // what the kernel accepted while the thread of the server slept may look bunched, the whole may not
            assertThat(Duration.ofNanos(took)).isGreaterThanOrEqualTo(DELAY.multipliedBy(arrivals.size() - 2));
        }
        backoff.assertNeverReset();
        assertApart(probe);
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void connectionThatLasted_resetsTheBackoff(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        CountingBackoff backoff = new CountingBackoff();
        Duration stable = Duration.ofMillis(100);
        try (RawServer server =
                new RawServer(socket -> new RawFrames(socket).hello().answerToTheEnd())) {
            ResilientClient.Builder builder = ClientScene.client(transport, probe, server.port())
                    .reconnect(ClientScene.reconnect()
                            .backoff(backoff)
                            .stableAfter(stable)
                            .build());
            try (ResilientClient client = builder.start()) {
                for (int i = 1; i <= 3; i++) {
                    Up up = probe.await(Up.class, i);
                    long told = System.nanoTime(); // it was up before
                    ClientProbe.awaitThat("the time", () -> System.nanoTime() - told >= stable.toNanos());
                    assertThat(up.connection().age()).isGreaterThanOrEqualTo(stable);
                    server.resetAll();
                    probe.await(Down.class, i);
                }
                probe.await(Waiting.class, 3);
                assertThat(client.counters().downs()).isEqualTo(3);
            }
        }
        assertThat(backoff.asked.subList(0, 3)).containsExactly(1, 1, 1);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void budget_spacesTheAttemptsOfAllItsClients(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        AttemptBudget budget = AttemptBudget.perSecond(20);
        ResilientClient.Builder builder = ClientScene.client(transport, probe, freePort())
                .reconnect(ClientScene.reconnect()
                        .backoff(Backoff.fixed(Duration.ofMillis(1)))
                        .budget(budget)
                        .build());
        long start = System.nanoTime();
        try (ResilientClient one = builder.start();
                ResilientClient two = builder.start();
                ResilientClient three = builder.start()) {
            ClientProbe.awaitThat("30 attempts", () -> attempts(one, two, three) >= 30);
            long attempts = attempts(one, two, three);
            Duration took = Duration.ofNanos(System.nanoTime() - start);
            assertThat(took).isGreaterThanOrEqualTo(Duration.ofMillis(55).multipliedBy(29));
            assertThat(attempts - 1).isLessThanOrEqualTo(took.toMillis() / 55);
            assertThat(List.of(one, two, three))
                    .allSatisfy(
                            client -> assertThat(client.counters().attempts()).isPositive());
        }
    }

    private static long attempts(ResilientClient... clients) {
        return java.util.Arrays.stream(clients)
                .mapToLong(client -> client.counters().attempts())
                .sum();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void acceptThenSilence_endsAtTheHandshakeLimit_andTheNextAddressIsTried(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Duration limit = Duration.ofMillis(300);
        try (RawServer silent = new RawServer(RawFrames::drop);
                ResilientServer living = ClientScene.server(transport, 0).start()) {
            ResilientClient.Builder builder = ClientScene.client(
                            transport,
                            probe,
                            silent.port(),
                            living.localAddress().getPort())
                    .reconnect(ClientScene.reconnect().handshakeLimit(limit).build());
            try (ResilientClient client = builder.start()) {
                Connecting second = probe.await(Connecting.class, 2);
                Ending failed = second.before().orElseThrow();
                assertThat(failed.kind()).isEqualTo(Ending.Kind.HANDSHAKE_FAILED);
                assertThat(failed.death().orElseThrow().cause()).isEqualTo(DeathCause.HANDSHAKE_DEADLINE);
                Duration took = second.moment()
                        .at()
                        .minus(probe.await(Connecting.class).moment().at());
                assertThat(took).isBetween(limit, limit.plusMillis(700)); // room for a busy machine
                assertThat(probe.await(Up.class).connection().remoteAddress().getPort())
                        .isEqualTo(living.localAddress().getPort());
                assertThat(client.counters().deaths()).isZero(); // it was never up
            }
        }
        probe.assertLawfullyClosed();
    }
}
