package dev.holdfast.epoll;

import static dev.holdfast.epoll.DeliveryLedger.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Delivery.State;
import dev.holdfast.Endpoint;
import dev.holdfast.ResilientClient;
import dev.holdfast.socket.Transport;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The server's process is killed, or stopped until it is found dead, while messages are in flight. It has written down what its
 * listener was given: what was CONFIRMED is all there, what was NOT_SENT is not, and nothing is there twice.
 */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
class DeliveryKillIT {
    private static final int KILLS = 3;
    private static final int STOPS = 1;

    @TempDir
    private Path directory;

    static List<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (Transport transport : Transport.all()) {
            cases.add(Arguments.of(transport, DeliveryWire.FRAMED, true));
            cases.add(Arguments.of(transport, DeliveryWire.ANSWERED, false));
        }
        return cases;
    }

    /** A server in a process of its own, that may be slow to come. */
    private final class Child implements AutoCloseable {
        final ChildJvm jvm = new ChildJvm(DeliveryServerProgram.class);
        final Path file;

        Child(Transport transport, DeliveryWire wire, String name) throws IOException {
            file = directory.resolve(name);
            jvm.tell(transport.name() + " " + wire + " " + file);
        }

        int port() throws InterruptedException {
            jvm.await("its port", lines -> port(lines).isPresent());
            return port(jvm.lines()).orElseThrow();
        }

        private static Optional<Integer> port(List<ChildJvm.Line> lines) {
            return lines.stream()
                    .map(ChildJvm.Line::text)
                    .filter(text -> text.startsWith("port "))
                    .map(text -> Integer.valueOf(text.substring(5)))
                    .findFirst();
        }

        void endInOrder() throws InterruptedException {
            jvm.tell("end");
            jvm.await(
                    "its end",
                    lines -> lines.stream().anyMatch(line -> line.text().equals("ended")));
        }

        void readInto(DeliveryLedger ledger) throws IOException {
            ByteBuffer ids = ByteBuffer.wrap(Files.readAllBytes(file));
            while (ids.remaining() >= Long.BYTES) {
                ledger.arrived(ids.getLong());
            }
        }

        @Override
        public void close() {
            jvm.close();
        }
    }

    private static ResilientClient client(
            Transport transport, DeliveryWire wire, boolean buffered, AtomicInteger port) {
        return wire.spokenBy(ResilientClient.builder(
                        "children",
                        () -> CompletableFuture.completedFuture(List.of(new Endpoint("127.0.0.1", port.get())))))
                .transport(transport)
                .outboundLimit(1 << 20)
                .reconnect(DeliveryWire.reconnect(buffered))
                .onMessage(ByteBuf.class, (connection, message) -> {})
                .start();
    }

    /** Something is done to a child in whose life messages flow. */
    private interface Fate {
        void befall(Child child, ResilientClient client, Runnable leave) throws Exception;
    }

    private void live(Transport transport, DeliveryWire wire, boolean buffered, int times, Fate fate) throws Exception {
        SplittableRandom random = DeliveryIT.random(transport + " " + wire);
        DeliveryLedger ledger = new DeliveryLedger(true);
        Child next = new Child(transport, wire, "0");
        AtomicInteger port = new AtomicInteger(next.port());
        try (ResilientClient client = client(transport, wire, buffered, port)) {
            for (int i = 1; i <= times; i++) {
                try (Child child = next) {
                    next = new Child(transport, wire, Integer.toString(i));
                    int other = next.port();
                    client.awaitUp(DeliveryLedger.PATIENCE);
                    long before = client.counters().confirmed();
                    try (DeliveryLedger.Senders senders = ledger.new Senders(client, random, false)) {
                        int some = 1 + random.nextInt(100);
                        await(some + " confirmed", () -> client.counters().confirmed() >= before + some);
                        LockSupport.parkNanos(random.nextInt(3_000_000));
                        fate.befall(child, client, () -> port.set(other));
                    }
                    child.close();
                    ledger.awaitFates(client);
                    child.readInto(ledger);
                }
                client.awaitUp(DeliveryLedger.PATIENCE);
            }
            ledger.awaitFates(client);
            next.readInto(ledger);
            Map<State, Integer> seen = ledger.verify(true);
            ledger.verifyCounters(client.counters());
            assertThat(client.counters().downs()).isGreaterThanOrEqualTo(times); // killed with all read, it says FIN
            assertThat(seen).containsKeys(State.CONFIRMED, State.UNKNOWN);
        } finally {
            next.close();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void serverKilledInTheMiddle_hasWrittenDownWhatWasConfirmed(
            Transport transport, DeliveryWire wire, boolean buffered) throws Exception {
        live(transport, wire, buffered, KILLS, (child, client, leave) -> {
            long downs = client.counters().downs();
            leave.run();
            child.close();
            await("the death is noticed", () -> client.counters().downs() > downs);
        });
    }

    @ParameterizedTest
    @MethodSource("cases")
    void serverStoppedUntilItIsFoundDead_hasWrittenDownWhatWasConfirmed(
            Transport transport, DeliveryWire wire, boolean buffered) throws Exception {
        live(transport, wire, buffered, STOPS, (child, client, leave) -> {
            long deaths = client.counters().deaths();
            ChildJvm.Stopped stopped = child.jvm.stop();
            leave.run();
            await("the verdict", () -> client.counters().deaths() > deaths);
            stopped.resume();
            child.endInOrder(); // it reads what its kernel still has
        });
    }
}
