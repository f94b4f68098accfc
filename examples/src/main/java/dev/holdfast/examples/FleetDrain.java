package dev.holdfast.examples;

import dev.holdfast.Backoff;
import dev.holdfast.Counters;
import dev.holdfast.Delivery;
import dev.holdfast.Endpoint;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToLongFunction;

/**
 * Three servers, of which one after the other is taken out of service while messages flow: the clients are asked to move, finish what
 * they have sent, and go on elsewhere. What is sent meanwhile waits in a buffer. Nothing is lost, and nothing comes twice.
 */
public final class FleetDrain {
    private static final int SERVERS = 3;
    private static final int CLIENTS = 6;
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration DRAIN = Duration.ofSeconds(1);
    private static final long PAUSE_MILLIS = 2;

    private static final LivenessPolicy LIVENESS = LivenessPolicy.of(
            SocketOptions.builder().connectTimeout(Duration.ofSeconds(1)).build(),
            HeartbeatOptions.builder()
                    .interval(Duration.ofMillis(500))
                    .timeout(Duration.ofSeconds(2))
                    .attempts(2)
                    .build());

    /** How often each message came, whichever server it came to. */
    private final Map<String, Integer> received = new ConcurrentHashMap<>();

    private final List<ResilientServer> servers = new ArrayList<>();
    private final List<ResilientClient> clients = new ArrayList<>();
    private final List<CompletableFuture<Delivery>> sent = Collections.synchronizedList(new ArrayList<>());

    private FleetDrain() {}

    /** Prints where the clients are after each drain, and at the end what became of each message; ends with 1 if one is missing. */
    public static void main(String[] arguments) throws InterruptedException, TimeoutException {
        FleetDrain fleet = new FleetDrain();
        try {
            if (!fleet.tell()) {
                System.exit(1);
            }
        } finally {
            fleet.clients.forEach(ResilientClient::close);
            fleet.servers.forEach(ResilientServer::close);
        }
    }

    private boolean tell() throws InterruptedException, TimeoutException {
        for (int i = 0; i < SERVERS; i++) {
            servers.add(server());
        }
        for (int i = 0; i < CLIENTS; i++) {
            clients.add(client(i));
        }
        for (ResilientClient client : clients) {
            client.awaitUp(PATIENCE);
        }
        awaitOtherEnds();
        where("at first");
        ScheduledExecutorService senders = Executors.newSingleThreadScheduledExecutor();
        try {
            ScheduledFuture<?> flow =
                    senders.scheduleAtFixedRate(this::sendOne, 0, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
            for (int i = 0; i < SERVERS - 1; i++) {
                servers.get(i).drain(DRAIN).toCompletableFuture().join();
                for (ResilientClient client : clients) {
                    client.awaitUp(PATIENCE); // it has moved
                }
                awaitOtherEnds();
                where("without server " + (i + 1));
            }
            flow.cancel(false);
        } finally {
            senders.shutdown();
        }
        return senders.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS) && countAll();
    }

    private ResilientServer server() {
        return ResilientServer.builder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .liveness(LIVENESS)
                .onMessage((connection, message) ->
                        received.merge(message.toString(StandardCharsets.UTF_8), 1, Integer::sum))
                .start();
    }

    /** A client that knows all servers, each client another one first. */
    private ResilientClient client(int number) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (int i = 0; i < SERVERS; i++) {
            ResilientServer server = servers.get((number + i) % SERVERS);
            endpoints.add(new Endpoint("127.0.0.1", server.localAddress().getPort()));
        }
        return ResilientClient.builder(endpoints)
                .liveness(LIVENESS)
                .reconnect(ReconnectOptions.builder()
                        .backoff(Backoff.exponential(Duration.ofMillis(20), Duration.ofMillis(200)))
                        .bufferBytes(1 << 20) // what is sent between two connections waits
                        .bufferAge(PATIENCE)
                        .build())
                .onMessage((connection, message) -> {})
                .start();
    }

    /** The next message, on the next client. On the senders' thread. */
    private void sendOne() {
        int number = sent.size();
        Delivery delivery = clients.get(number % CLIENTS).send("message " + number);
        sent.add(delivery.confirmed().handle((confirmed, failed) -> delivery).toCompletableFuture());
    }

    /** The server knows of a connection a moment later than the client, or earlier. */
    private void awaitOtherEnds() throws InterruptedException, TimeoutException {
        for (int i = 0;
                servers.stream().mapToInt(server -> server.connections().size()).sum() != CLIENTS;
                i++) {
            if (i == PATIENCE.toMillis()) {
                throw new TimeoutException("the servers have not as many connections as there are clients");
            }
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    private void where(String when) {
        System.out.println(when + ": "
                + servers.stream()
                        .map(server -> server.connections().size() + " clients")
                        .toList());
    }

    /** Waits until of each message is known what became of it. */
    private boolean countAll() {
        CompletableFuture.allOf(sent.toArray(CompletableFuture[]::new))
                .orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                .join();
        long confirmed = sent.stream()
                .filter(each -> each.join().state() == Delivery.State.CONFIRMED)
                .count();
        long twice = received.values().stream().filter(times -> times > 1).count();
        System.out.println("sent " + sent.size() + ", confirmed " + confirmed + ", received " + received.size()
                + ", twice " + twice);
        System.out.println("connections " + total(Counters::ups) + ", deaths " + total(Counters::deaths) + ", not sent "
                + total(Counters::notSent) + ", unknown " + total(Counters::unknown));
        return confirmed == sent.size() && received.size() == sent.size() && twice == 0;
    }

    private long total(ToLongFunction<Counters> which) {
        return clients.stream().map(ResilientClient::counters).mapToLong(which).sum();
    }
}
