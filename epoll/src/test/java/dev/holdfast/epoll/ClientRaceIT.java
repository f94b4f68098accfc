package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionState;
import dev.holdfast.Counters;
import dev.holdfast.Delivery;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Everything at once, from eight threads, in every state: the rules hold, every stage completes, and there is one end. */
class ClientRaceIT {
    private static final int THREADS = 8;
    private static final int CALLS = 12;
    private static final int ROUNDS = Integer.getInteger("holdfast.race.rounds", 60);
    private static final Duration LIMIT = Duration.ofMillis(300);

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    /** One client, and all that was asked of it. */
    private static final class Round {
        final ClientProbe probe = new ClientProbe();
        final ResilientClient client;
        final Queue<Delivery> sent = new ConcurrentLinkedQueue<>();
        final Queue<CompletionStage<?>> stages = new ConcurrentLinkedQueue<>();

        Round(ResilientClient.Builder builder) {
            client = builder.onEvent(probe).start();
        }

        /** Anything; ends are rare. */
        void call(Random random) throws InterruptedException {
            switch (random.nextInt(40)) {
                case 0 -> stages.add(client.closeAsync());
                case 1 -> stages.add(client.drain(Duration.ofMillis(1 + random.nextInt(200))));
                case 2 -> close();
                case 3, 4, 5, 6 -> client.reconnectNow();
                case 7, 8, 9 -> stages.add(client.probe());
                case 10, 11, 12 -> stages.add(client.up());
                case 13, 14 -> awaitUp(random);
                case 15, 16 -> client.connection().ifPresent(up -> stages.add(up.drain(Duration.ofMillis(100))));
                case 17, 18 -> client.connection().ifPresent(up -> sent.add(up.send("direct")));
                case 19 ->
                    client.connection().ifPresent(up -> {
                        up.pause();
                        up.resume();
                    });
                case 20 -> assertThat(client.toString()).contains(client.state() == null ? "" : "ResilientClient");
                case 21 -> TimeUnit.MILLISECONDS.sleep(random.nextInt(5)); // lets the states go on
                default -> send(random);
            }
        }

        private void send(Random random) {
            Delivery delivery = client.send(new byte[random.nextInt(3000)]);
            sent.add(delivery);
            if (random.nextBoolean()) {
                stages.add(delivery.confirmed());
                stages.add(delivery.written());
            }
        }

        private void awaitUp(Random random) throws InterruptedException {
            try {
                client.awaitUp(Duration.ofMillis(1 + random.nextInt(20)));
            } catch (TimeoutException | IllegalStateException late) {
                // both are answers
            }
        }

        void close() {
            long start = System.nanoTime();
            client.close();
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LIMIT.plusSeconds(3));
            assertThat(client.state()).isEqualTo(ConnectionState.CLOSED);
        }

        void assertEnd(String seed) throws Exception {
            client.closed().toCompletableFuture().get(20, TimeUnit.SECONDS);
            probe.assertLawfullyClosed();
            for (CompletionStage<?> each : stages) {
                complete(each, seed);
            }
            for (Delivery each : sent) {
                complete(each.confirmed(), seed);
                assertThat(each.state())
                        .as(seed)
                        .isIn(Delivery.State.CONFIRMED, Delivery.State.NOT_SENT, Delivery.State.UNKNOWN);
            }
            ClientProbe.assertSettled(client);
            Counters counters = client.counters();
            assertThat(counters.sent()).as(seed).isEqualTo(sent.size());
            assertThat(counters.confirmed()).as(seed).isEqualTo(count(Delivery.State.CONFIRMED));
            assertThat(counters.unknown()).as(seed).isEqualTo(count(Delivery.State.UNKNOWN));
            assertThat(counters.ups()).as(seed).isEqualTo(counters.downs());
            assertThat(counters.ups()).as(seed).isEqualTo(probe.count(dev.holdfast.ConnectionEvent.Up.class));
            assertThat(client.connection()).as(seed).isEmpty();
        }

        private long count(Delivery.State state) {
            return sent.stream().filter(each -> each.state() == state).count();
        }

        private static void complete(CompletionStage<?> stage, String seed) throws Exception {
            CompletableFuture<?> all = stage.toCompletableFuture();
            try {
                all.get(20, TimeUnit.SECONDS);
            } catch (ExecutionException failed) {
                assertThat(failed.getCause()).as(seed).isInstanceOf(Exception.class);
            } catch (TimeoutException never) {
                throw new AssertionError(seed + ": a stage that never completes: " + stage, never);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void everyCall_inEveryState_fromEightThreads(Transport transport) throws Exception {
        Random seeds = new Random();
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try (Loopback net = new Loopback(transport);
                ResilientServer server =
                        ClientScene.server(transport, 0).closeLimit(LIMIT).start();
                RawServer rude = new RawServer(socket -> {})) {
            for (int i = 0; i < ROUNDS; i++) {
                long seed = Long.getLong("holdfast.race.seed", seeds.nextLong());
                String name = "seed " + seed;
                try {
                    Round round = new Round(builder(transport, net, server, rude, new Random(seed)));
                    race(round, threads, new Random(seed));
                    round.assertEnd(name);
                } catch (Exception | AssertionError failed) {
                    throw new AssertionError("-Dholdfast.race.seed=" + seed + ", round " + i, failed);
                }
            }
        } finally {
            threads.shutdownNow();
            assertThat(threads.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    /** With or without a loop of its own, a buffer, a rude peer ahead of the good one, a handshake. */
    private static ResilientClient.Builder builder(
            Transport transport, Loopback net, ResilientServer server, RawServer rude, Random random) {
        int port = server.localAddress().getPort();
        long outboundLimit = 4096L << random.nextInt(8);
        ReconnectOptions reconnect = ClientScene.reconnect()
                .backoff((failures, chance) -> Duration.ofMillis(chance.nextInt(10)))
                .stableAfter(Duration.ofMillis(1 + random.nextInt(20)))
                .bufferBytes(random.nextBoolean() ? 0 : Math.min(100_000, outboundLimit))
                .bufferAge(Duration.ofMillis(1 + random.nextInt(50)))
                .build();
        ResilientClient.Builder builder = random.nextInt(3) == 0
                ? ClientScene.client(transport, new ClientProbe(), rude.port(), port)
                : ClientScene.client(transport, new ClientProbe(), port);
        builder.reconnect(reconnect).closeLimit(LIMIT).outboundLimit(outboundLimit);
        if (random.nextBoolean()) {
            builder.eventLoopGroup(net.group, transport);
        }
        if (random.nextInt(3) == 0) {
            builder.handshake(talk -> talk.send("hello"));
        }
        return builder;
    }

    private static void race(Round round, ExecutorService threads, Random random) throws Exception {
        CountDownLatch start = new CountDownLatch(1);
        List<Future<?>> all = IntStream.range(0, THREADS)
                .mapToObj(i -> new Random(random.nextLong()))
                .<Future<?>>map(own -> threads.submit(() -> {
                    start.await();
                    for (int call = 0; call < CALLS; call++) {
                        round.call(own);
                    }
                    return null;
                }))
                .toList();
        start.countDown();
        for (Future<?> each : all) {
            each.get(60, TimeUnit.SECONDS);
        }
        round.close();
    }
}
