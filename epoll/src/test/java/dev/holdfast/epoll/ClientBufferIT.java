package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Backoff;
import dev.holdfast.ConnectionEvent.Down;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionEvent.Waiting;
import dev.holdfast.ConnectionEvent.Writability;
import dev.holdfast.Delivery;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.FrameType;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What becomes of messages without a connection, and the bounds of what waits. */
class ClientBufferIT {
    private static final int OVERHEAD = 64;

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    private static int freePort() throws Exception {
        try (ServerSocket once = new ServerSocket(0)) {
            return once.getLocalPort();
        }
    }

    /** Waits so long between two rounds that only reconnectNow brings it back. */
    private static ReconnectOptions.Builder waiting() {
        return ClientScene.reconnect().backoff(Backoff.fixed(Duration.ofMinutes(5)));
    }

    private static void assertNotSent(Delivery delivery, String why) {
        ClientProbe.awaitThat("a fate", () -> delivery.state() != Delivery.State.PENDING);
        assertThat(delivery.state()).isEqualTo(Delivery.State.NOT_SENT);
        assertThat(delivery.reason().orElseThrow()).contains(why);
        assertThat(delivery.written().toCompletableFuture()).failsWithin(Duration.ofSeconds(10));
        assertThat(delivery.confirmed().toCompletableFuture()).failsWithin(Duration.ofSeconds(10));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void whileDown_sendFailsAtOnce_byDefault(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        try (ResilientClient client = ClientScene.client(transport, probe, freePort())
                .reconnect(waiting().build())
                .start()) {
            probe.await(Waiting.class);
            assertNotSent(client.send("now"), "WAITING");
            ClientProbe.assertSettled(client);
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void buffer_keepsTheOrder_andItsLimit(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        List<String> heard = new CopyOnWriteArrayList<>();
        int port = freePort();
        int most = 10;
        try (ResilientClient client = ClientScene.client(transport, probe, port)
                .reconnect(waiting().bufferBytes((long) most * (4 + OVERHEAD)).build())
                .start()) {
            probe.await(Waiting.class);
            List<Delivery> kept = new ArrayList<>();
            for (int i = 0; i < most; i++) {
                kept.add(client.send(new byte[] {0, 0, 0, (byte) i}));
            }
            assertNotSent(client.send(new byte[] {1}), "buffer is full");
            assertThat(kept).allSatisfy(each -> assertThat(each.state()).isEqualTo(Delivery.State.PENDING));
            assertThat(client.backlog()).isEqualTo((long) most * (4 + OVERHEAD));
            try (ResilientServer server = ClientScene.server(transport, port)
                    .onMessage((connection, message) -> heard.add(String.valueOf(message.readInt())))
                    .start()) {
                client.reconnectNow();
                kept.add(client.awaitUp(Duration.ofSeconds(10)).send(new byte[] {0, 0, 0, (byte) most}));
                for (Delivery each : kept) {
                    each.confirmed().toCompletableFuture().get(10, TimeUnit.SECONDS);
                }
                assertThat(heard).containsExactly("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10");
                assertThat(server.counters().received()).isEqualTo(most + 1);
            }
            ClientProbe.assertSettled(client);
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void bufferedMessage_isGivenUpAtItsAge(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Duration age = Duration.ofMillis(300);
        try (ResilientClient client = ClientScene.client(transport, probe, freePort())
                .reconnect(waiting().bufferBytes(1 << 20).bufferAge(age).build())
                .start()) {
            probe.await(Waiting.class);
            long start = System.nanoTime();
            Delivery first = client.send("first");
            ClientProbe.awaitThat(
                    "half of the age",
                    () -> System.nanoTime() - start > age.dividedBy(2).toNanos());
            Delivery second = client.send("second");
            assertNotSent(first, "waited too long");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(age);
            assertNotSent(second, "waited too long");
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isGreaterThanOrEqualTo(age.multipliedBy(3).dividedBy(2));
            ClientProbe.assertSettled(client);
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void bufferedMessages_areNotSent_atTheEnd(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        Delivery left;
        try (ResilientClient client = ClientScene.client(transport, probe, freePort())
                .reconnect(waiting().bufferBytes(1 << 20).build())
                .start()) {
            probe.await(Waiting.class);
            left = client.send("never");
        }
        assertNotSent(left, "CLOSED");
        probe.assertLawfullyClosed();
    }

    /** A peer that reads nothing until it is told to, and then confirms. */
    private static RawServer sleeper(CountDownLatch awake) throws Exception {
        return new RawServer(socket -> {
            RawFrames raw = new RawFrames(socket).hello();
            raw.read(FrameType.HELLO);
            awake.await();
            raw.answerToTheEnd();
        });
    }

    /** Sends until there is no room. */
    private static List<Delivery> fill(ResilientClient client) {
        List<Delivery> all = new ArrayList<>();
        Delivery last;
        do {
            last = client.send(new byte[64 << 10]);
            all.add(last);
        } while (last.reason().isEmpty());
        return all;
    }

    @ParameterizedTest
    @MethodSource("transports")
    void outboundLimit_failsAtOnce_andWritabilityIsTold(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        CountDownLatch awake = new CountDownLatch(1);
        try (RawServer server = sleeper(awake)) {
            try (ResilientClient client = ClientScene.client(transport, probe, server.port())
                    .outboundLimit(1 << 20)
                    .start()) {
                client.awaitUp(Duration.ofSeconds(10));
                assertThat(client.isWritable()).isTrue();
                List<Delivery> sent = fill(client);
                assertNotSent(sent.remove(sent.size() - 1), "outboundLimit 1048576");
                assertThat(sent).hasSize((1 << 20) / ((64 << 10) + OVERHEAD));
                assertThat(client.isWritable()).isFalse();
                assertThat(client.backlog()).isLessThanOrEqualTo(1 << 20);
                assertThat(probe.await(Writability.class).writable()).isFalse();
                awake.countDown();
                for (Delivery each : sent) {
                    each.confirmed().toCompletableFuture().get(20, TimeUnit.SECONDS);
                }
                assertThat(probe.await(Writability.class, 2).writable()).isTrue();
                assertThat(client.isWritable()).isTrue();
                ClientProbe.assertSettled(client);
            }
        } finally {
            awake.countDown();
        }
        probe.assertLawfullyClosed();
    }

    /** Who waits to be told that there is room is told it, also where a death has made it. */
    @ParameterizedTest
    @MethodSource("transports")
    void roomMadeByADeath_isTold(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        CountDownLatch awake = new CountDownLatch(1);
        try (RawServer server = sleeper(awake)) {
            try (ResilientClient client = ClientScene.client(transport, probe, server.port())
                    .outboundLimit(1 << 20)
                    .start()) {
                client.awaitUp(Duration.ofSeconds(10));
                List<Delivery> sent = fill(client);
                assertThat(probe.await(Writability.class).writable()).isFalse();
                server.resetAll();
                probe.await(Down.class);
                probe.await(Up.class, 2);
                ClientProbe.awaitThat(
                        "all fates",
                        () -> sent.stream()
                                .noneMatch(each -> each.state() == Delivery.State.PENDING
                                        || each.state() == Delivery.State.WRITTEN));
                assertThat(client.isWritable()).isTrue();
                probe.await(
                        "the news",
                        all -> all.stream()
                                .filter(Writability.class::isInstance)
                                .reduce((first, second) -> second)
                                .filter(last -> ((Writability) last).writable())
                                .isPresent());
                ClientProbe.assertSettled(client);
            }
        } finally {
            awake.countDown();
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void messageAboveThePeersMaximum_isRefused_andTheConnectionStays(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        int most = 2000;
        List<Integer> heard = new CopyOnWriteArrayList<>();
        try (ResilientServer server = ClientScene.server(transport, 0)
                .maxMessage(most)
                .onMessage((connection, message) -> heard.add(message.readableBytes()))
                .start()) {
            try (ResilientClient client = ClientScene.client(
                            transport, probe, server.localAddress().getPort())
                    .start()) {
                client.awaitUp(Duration.ofSeconds(10));
                assertNotSent(client.send(new byte[most + 1]), String.valueOf(most));
                client.send("x".repeat(most).getBytes(StandardCharsets.UTF_8))
                        .confirmed()
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS);
                client.send(new byte[0]).confirmed().toCompletableFuture().get(10, TimeUnit.SECONDS);
                assertThat(heard).containsExactly(most, 0);
                assertThat(client.counters().ups()).isEqualTo(1);
                assertThat(client.counters().downs()).isZero();
            }
        }
        probe.assertLawfullyClosed();
    }
}
