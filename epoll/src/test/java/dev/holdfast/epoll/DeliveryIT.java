package dev.holdfast.epoll;

import static dev.holdfast.epoll.DeliveryLedger.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Connection;
import dev.holdfast.ConnectionState;
import dev.holdfast.Delivery.State;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.testing.TestCertificates;
import io.netty.buffer.ByteBuf;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Messages in flight at every moment of an end: what was CONFIRMED is all there, what was NOT_SENT is not, UNKNOWN is either, and
 * nothing is there twice. With one's own pipeline, where a beat is answered in the pipeline, the server's listener runs there, too.
 */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
class DeliveryIT {
    private static final int ENDS = 17;
    private static final int CLIENTS = 4;

    /** How a connection may end while messages are in flight. */
    private enum End {
        RESET,
        RESET_TOWARDS_THE_CLIENT,
        RESET_TOWARDS_THE_SERVER,
        SERVER_DRAINS_ONE,
        SERVER_CLOSES,
        CLIENT_DRAINS_ONE,
        RECONNECT_NOW
    }

    static List<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (Transport transport : Transport.all()) {
            for (DeliveryWire wire : DeliveryWire.values()) {
                cases.add(Arguments.of(transport, wire, false));
                cases.add(Arguments.of(transport, wire, true));
            }
        }
        return cases;
    }

    /** A server that keeps account, a relay in front of it, and a client. */
    private static final class World implements AutoCloseable {
        final DeliveryLedger ledger;
        final DeliveryRelay relay;
        final ResilientClient client;
        final SplittableRandom random;
        private final Transport transport;
        private final DeliveryWire wire;
        private final boolean confirmedByProgram;
        private ResilientServer server;

        private final @Nullable TestCertificates authority;

        World(Transport transport, DeliveryWire wire, boolean buffered, SplittableRandom random) throws Exception {
            this(transport, wire, buffered, random, null);
        }

        /** @param authority of the server's certificate; without one there is no TLS */
        World(
                Transport transport,
                DeliveryWire wire,
                boolean buffered,
                SplittableRandom random,
                @Nullable TestCertificates authority)
                throws Exception {
            this.authority = authority;
            this.transport = transport;
            this.wire = wire;
            this.random = random;
            this.confirmedByProgram = wire != DeliveryWire.ONE_WAY;
            this.ledger = new DeliveryLedger(wire.isConfirmed(transport));
            this.server = newServer();
            this.relay = new DeliveryRelay(server.localAddress().getPort());
            ResilientClient.Builder builder = wire.spokenBy(ResilientClient.builder("127.0.0.1", relay.port()));
            if (authority != null) {
                builder.tls(SslContextBuilder.forClient()
                        .trustManager(authority.certificate())
                        .build());
            }
            this.client = builder.transport(transport)
                    .outboundLimit(1 << 20)
                    .closeLimit(Duration.ofSeconds(2))
                    .reconnect(DeliveryWire.reconnect(buffered))
                    .onMessage(ByteBuf.class, (connection, message) -> {})
                    .start();
        }

        private ResilientServer newServer() {
            ResilientServer.Builder builder = wire.spokenBy(ResilientServer.builder(Loopback.anyPort()))
                    .transport(transport)
                    .closeLimit(Duration.ofMillis(200));
            if (wire != DeliveryWire.FRAMED) {
                builder.executor(Runnable::run);
            }
            if (authority != null) {
                TestCertificates.Identity identity = authority.server("127.0.0.1");
                builder.tls(() -> SslContextBuilder.forServer(identity.key(), identity.certificate())
                        .build());
            }
            return builder.onMessage(ByteBuf.class, (connection, message) -> ledger.arrived(message))
                    .start();
        }

        /** Sends in the middle of an end, and waits until there is another connection. */
        void live(End end) throws Exception {
            client.awaitUp(DeliveryLedger.PATIENCE);
            long downs = client.counters().downs();
            int before = ledger.arrivals();
            try (DeliveryLedger.Senders senders = ledger.new Senders(client, random, confirmedByProgram)) {
                int some = random.nextInt(60);
                await("the arrival of " + some, () -> ledger.arrivals() >= before + some);
                end(end);
                await(end + " is noticed", () -> client.counters().downs() > downs);
            }
            ledger.awaitFates(client);
            ledger.verify(confirmedByProgram);
            ledger.verifyCounters(client.counters());
        }

        private void end(End end) throws Exception {
            switch (end) {
                case RESET -> relay.cutAfter(DeliveryRelay.Cut.BOTH, random.nextInt(100_000));
                case RESET_TOWARDS_THE_CLIENT -> relay.cutAfter(DeliveryRelay.Cut.CLIENT, random.nextInt(100_000));
                case RESET_TOWARDS_THE_SERVER -> relay.cutAfter(DeliveryRelay.Cut.SERVER, random.nextInt(100_000));
                case SERVER_DRAINS_ONE -> {
                    // The server may learn of the client's connection later than the client, and of an earlier one's
                    // end, too.
                    long downs = client.counters().downs();
                    Duration span = Duration.ofMillis(1 + random.nextInt(100));
                    await("a connection of the server's drains", () -> {
                        server.connections().stream()
                                .filter(each -> each.state() == ConnectionState.UP)
                                .forEach(each -> each.drain(span));
                        return client.counters().downs() > downs;
                    });
                }
                case SERVER_CLOSES -> {
                    ResilientServer old = server;
                    server = newServer();
                    relay.leadTo(server.localAddress().getPort());
                    if (random.nextBoolean()) {
                        old.close();
                    } else {
                        old.drain(Duration.ofMillis(200)).toCompletableFuture().get(20, TimeUnit.SECONDS);
                    }
                }
                case CLIENT_DRAINS_ONE -> {
                    Duration span = Duration.ofMillis(1 + random.nextInt(100));
                    // The last one may just have been found dead.
                    await("a connection of the client's", () -> {
                        Optional<Connection> one = client.connection();
                        one.ifPresent(each -> each.drain(span));
                        return one.isPresent();
                    });
                }
                case RECONNECT_NOW -> client.reconnectNow();
            }
        }

        @Override
        public void close() throws IOException {
            client.close();
            relay.close();
            server.close();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyEndInTheMiddle_nobodyIsToldALie(Transport transport, DeliveryWire wire, boolean buffered)
            throws Exception {
        SplittableRandom random = random(transport + " " + wire + (buffered ? " buffered" : ""));
        DeliveryLedger ledger;
        boolean programs = wire != DeliveryWire.ONE_WAY;
        try (World world = new World(transport, wire, buffered, random)) {
            ledger = world.ledger;
            for (int i = 0; i < ENDS; i++) {
                world.live(End.values()[i < End.values().length ? i : random.nextInt(End.values().length)]);
            }
        }
        Map<State, Integer> seen = ledger.verify(programs); // with what has arrived since
        say(seen);
        assertThat(seen).containsKey(wire.isConfirmed(transport) ? State.CONFIRMED : State.WRITTEN);
        if (wire.isConfirmed(transport)) {
            assertThat(seen).containsKey(State.UNKNOWN);
        }
    }

    static List<Transport> transports() {
        return Transport.all();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void everyEndInTheMiddle_overTls_nobodyIsToldALie(Transport transport) throws Exception {
        SplittableRandom random = random(transport + " TLS");
        DeliveryLedger ledger;
        try (World world =
                new World(transport, DeliveryWire.FRAMED, true, random, new TestCertificates("deliveries"))) {
            ledger = world.ledger;
            for (End end : End.values()) {
                world.live(end);
            }
        }
        assertThat(ledger.verify(true)).containsKeys(State.CONFIRMED, State.UNKNOWN);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void clientsThatEndInTheMiddle_areToldTheTruth(Transport transport, DeliveryWire wire, boolean buffered)
            throws Exception {
        SplittableRandom random = random(transport + " " + wire + (buffered ? " buffered" : ""));
        Map<State, Integer> all = new EnumMap<>(State.class);
        for (int i = 0; i < CLIENTS; i++) {
            DeliveryLedger ledger;
            try (World world = new World(transport, wire, buffered, random)) {
                ledger = world.ledger;
                world.client.awaitUp(DeliveryLedger.PATIENCE);
                try (DeliveryLedger.Senders senders =
                        ledger.new Senders(world.client, random, wire != DeliveryWire.ONE_WAY)) {
                    int some = random.nextInt(60);
                    await("the arrival of " + some, () -> ledger.arrivals() >= some);
                    if (random.nextBoolean()) {
                        world.client.close();
                    } else {
                        world.client.drain(Duration.ofMillis(1 + random.nextInt(300)));
                    }
                    world.client.closed().toCompletableFuture().get(20, TimeUnit.SECONDS);
                }
                ledger.awaitFates(world.client);
                ledger.verifyCounters(world.client.counters());
            }
            ledger.verify(wire != DeliveryWire.ONE_WAY)
                    .forEach((state, count) -> all.merge(state, count, Integer::sum));
        }
        say(all);
        assertThat(all).containsKey(State.NOT_SENT); // what came after the end
    }

    @SuppressWarnings("SystemOut")
    static SplittableRandom random(String what) {
        long seed = ThreadLocalRandom.current().nextLong();
        System.out.println(what + ": seed " + seed);
        return new SplittableRandom(seed);
    }

    @SuppressWarnings("SystemOut")
    private static void say(Map<State, Integer> seen) {
        System.out.println(seen);
    }
}
