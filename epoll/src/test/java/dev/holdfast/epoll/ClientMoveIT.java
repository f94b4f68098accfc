package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent.Closed;
import dev.holdfast.ConnectionEvent.Connecting;
import dev.holdfast.ConnectionEvent.Down;
import dev.holdfast.ConnectionEvent.Drained;
import dev.holdfast.ConnectionEvent.Draining;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.Delivery;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.Drain;
import dev.holdfast.wire.DrainReason;
import dev.holdfast.wire.FrameType;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A client that leaves one connection for another, and one that drains: nothing is lost. */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
class ClientMoveIT {
    static List<Transport> transports() {
        return ClientScene.transports();
    }

    /** A server that writes down the numbers it is told. */
    private static ResilientServer.Builder server(Transport transport, int port, List<Integer> heard) {
        return ClientScene.server(transport, port).onMessage((connection, message) -> heard.add(message.readInt()));
    }

    /** Sends numbers without end, until told to stop. */
    private static final class Stream implements AutoCloseable {
        final List<Delivery> sent = new ArrayList<>();
        private final AtomicBoolean stop = new AtomicBoolean();
        private final Thread thread;

        Stream(ResilientClient client) {
            thread = new Thread(() -> {
                for (int i = 0; !stop.get(); i++) {
                    sent.add(client.send(new byte[] {(byte) (i >> 24), (byte) (i >> 16), (byte) (i >> 8), (byte) i}));
                    LockSupport.parkNanos(200_000);
                }
            });
            thread.start();
        }

        @Override
        public void close() throws InterruptedException {
            stop.set(true);
            thread.join();
        }

        /** All are confirmed, and were heard once and in order. */
        void assertNoneLost(List<Integer> heard) throws Exception {
            for (Delivery each : sent) {
                each.confirmed().toCompletableFuture().get(10, TimeUnit.SECONDS);
            }
            assertThat(heard).hasSize(sent.size());
            for (int i = 0; i < sent.size(); i++) {
                assertThat(heard.get(i)).isEqualTo(i);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drainingServer_isLeftForTheOther_andNoMessageIsLost(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        List<Integer> heard = new CopyOnWriteArrayList<>();
        try (ResilientServer first = server(transport, 0, heard).start();
                ResilientServer second = server(transport, 0, heard).start()) {
            ResilientClient.Builder builder = ClientScene.client(
                            transport,
                            probe,
                            first.localAddress().getPort(),
                            second.localAddress().getPort())
                    .reconnect(ClientScene.reconnect().bufferBytes(4 << 20).build());
            try (ResilientClient client = builder.start()) {
                try (Stream stream = new Stream(client)) {
                    probe.await(Up.class);
                    ClientProbe.awaitThat(
                            "some messages", () -> client.counters().confirmed() > 100);
                    first.drain(Duration.ofSeconds(2)).toCompletableFuture().get(20, TimeUnit.SECONDS);
                    Up up = probe.await(Up.class, 2);
                    assertThat(up.connection().remoteAddress().getPort())
                            .isEqualTo(second.localAddress().getPort());
                    long so = client.counters().confirmed();
                    ClientProbe.awaitThat(
                            "more messages", () -> client.counters().confirmed() > so + 100);
                    stream.close();
                    stream.assertNoneLost(heard);
                }
                assertThat(probe.await(Draining.class).why()).contains("DRAIN SHUTDOWN");
                assertThat(probe.await(Drained.class).complete()).isTrue();
                assertThat(probe.await(Down.class).ending().kind()).isEqualTo(Ending.Kind.MOVED);
            }
            ClientProbe.assertSettled(probe.await(Closed.class).moment().counters());
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void reconnectNow_whileUp_moves_andNoMessageIsLost(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        List<Integer> heard = new CopyOnWriteArrayList<>();
        try (ResilientServer server = server(transport, 0, heard).start()) {
            ResilientClient.Builder builder = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .reconnect(ClientScene.reconnect().bufferBytes(4 << 20).build());
            try (ResilientClient client = builder.start();
                    Stream stream = new Stream(client)) {
                for (int i = 1; i <= 5; i++) {
                    probe.await(Up.class, i);
                    long so = client.counters().confirmed();
                    ClientProbe.awaitThat("messages", () -> client.counters().confirmed() > so + 50);
                    client.reconnectNow();
                    assertThat(probe.await(Down.class, i).ending().kind()).isEqualTo(Ending.Kind.MOVED);
                }
                probe.await(Up.class, 6);
                stream.close();
                stream.assertNoneLost(heard);
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void maximumAge_isKept_withItsJitter(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Duration age = Duration.ofSeconds(1);
        List<Integer> heard = new CopyOnWriteArrayList<>();
        try (ResilientServer server = server(transport, 0, heard).start()) {
            ResilientClient.Builder builder = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .reconnect(ClientScene.reconnect()
                            .bufferBytes(4 << 20)
                            .maxAge(age)
                            .maxAgeJitter(0.5)
                            .build());
            try (ResilientClient client = builder.start();
                    Stream stream = new Stream(client)) {
                probe.await(Up.class, 4);
                stream.close();
                stream.assertNoneLost(heard);
            }
            List<Draining> drains = probe.all(Draining.class).subList(0, 3);
            for (int i = 0; i < drains.size(); i++) {
                assertThat(drains.get(i).why()).isEqualTo("maximum age");
                Duration lived = drains.get(i)
                        .moment()
                        .at()
                        .minus(probe.all(Up.class).get(i).moment().at());
                assertThat(lived).isBetween(age.dividedBy(2), age.plusMillis(700)); // room for a busy machine
                assertThat(probe.all(Down.class).get(i).ending().kind()).isEqualTo(Ending.Kind.MOVED);
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drain_finishesWhatWasSent_andEnds(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        List<Integer> heard = new CopyOnWriteArrayList<>();
        try (ResilientServer server = server(transport, 0, heard).start()) {
            ResilientClient client = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .start();
            client.awaitUp(Duration.ofSeconds(10));
            List<Delivery> sent = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                sent.add(client.send(new byte[] {0, 0, (byte) (i >> 8), (byte) i}));
            }
            Ending ending =
                    client.drain(Duration.ofSeconds(20)).toCompletableFuture().get(20, TimeUnit.SECONDS);
            assertThat(ending.kind()).isEqualTo(Ending.Kind.CLOSED);
            assertThat(sent).allSatisfy(each -> assertThat(each.state()).isEqualTo(Delivery.State.CONFIRMED));
            assertThat(heard).hasSize(1000).isSorted();
            probe.assertLawfullyClosed();
            assertThat(probe.await(Drained.class).complete()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drainTowardsAPeerThatConfirmsNothing_isBounded_andSaysSo(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        CountDownLatch over = new CountDownLatch(1);
        Duration span = Duration.ofMillis(600);
        try (RawServer server = new RawServer(socket -> {
            new RawFrames(socket).hello().read(FrameType.DATA);
            over.await();
        })) {
            ResilientClient client =
                    ClientScene.client(transport, probe, server.port()).start();
            client.awaitUp(Duration.ofSeconds(10));
            Delivery delivery = client.send("unanswered");
            delivery.written().toCompletableFuture().get(10, TimeUnit.SECONDS);
            long start = System.nanoTime();
            client.drain(span).toCompletableFuture().get(20, TimeUnit.SECONDS);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(span, span.plusSeconds(1));
            assertThat(delivery.state()).isEqualTo(Delivery.State.UNKNOWN);
            probe.assertLawfullyClosed();
            assertThat(probe.await(Drained.class).complete()).isFalse();
        } finally {
            over.countDown();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drainOfThePeers_duringTheHandshake_isFollowedOnceUp(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        CountDownLatch asked = new CountDownLatch(1);
        try (RawServer server = new RawServer(socket -> {
            RawFrames raw = new RawFrames(socket).hello();
            raw.send(Drain.of(DrainReason.REBALANCE, Duration.ofSeconds(1)).write(UnpooledByteBufAllocator.DEFAULT));
            asked.countDown();
            raw.answerToTheEnd();
        })) {
            ResilientClient.Builder builder = ClientScene.client(transport, probe, server.port())
                    .handshake(talk -> {
                        return talk.send("wait").thenRunAsync(() -> {
                            try {
                                asked.await();
                            } catch (InterruptedException ended) {
                                Thread.currentThread().interrupt();
                            }
                        });
                    });
            try (ResilientClient client = builder.start()) {
                assertThat(probe.await(Draining.class).why()).contains("REBALANCE");
                probe.await(Connecting.class, 2);
                assertThat(client.counters().ups()).isPositive();
            }
        }
        probe.assertLawfullyClosed();
    }
}
