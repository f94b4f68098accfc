package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Counters;
import dev.holdfast.Delivery;
import dev.holdfast.Delivery.State;
import dev.holdfast.ResilientClient;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Sends from several threads, and compares what is said of each message with what has arrived. */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
final class DeliveryLedger {
    static final Duration PATIENCE = Duration.ofSeconds(20);

    private final boolean isConfirmed;
    private final AtomicLong ids = new AtomicLong();
    private final AtomicInteger arrivals = new AtomicInteger();
    private final Map<Long, Integer> received = new ConcurrentHashMap<>();
    private final Queue<Sent> sent = new ConcurrentLinkedQueue<>();
    private final Queue<String> lies = new ConcurrentLinkedQueue<>();

    private record Sent(long id, Delivery delivery) {}

    /** @param isConfirmed whether WRITTEN is not the last word */
    DeliveryLedger(boolean isConfirmed) {
        this.isConfirmed = isConfirmed;
    }

    /** The peer's listener has been given it; called before that returns. */
    void arrived(ByteBuf message) {
        try {
            arrived(DeliveryWire.idOf(message));
        } catch (AssertionError garbled) {
            lies.add(garbled.getMessage());
        }
    }

    void arrived(long id) {
        received.merge(id, 1, Integer::sum);
        arrivals.incrementAndGet();
    }

    /** How many have arrived. */
    int arrivals() {
        return arrivals.get();
    }

    boolean hasArrived(long id) {
        return received.containsKey(id);
    }

    int size() {
        return sent.size();
    }

    /** Sends one message. */
    Delivery send(ResilientClient client, int length) {
        long id = ids.incrementAndGet();
        Delivery delivery = client.send(DeliveryWire.message(id, length));
        sent.add(new Sent(id, delivery));
        return delivery;
    }

    /** The same, and looks whether it has arrived at the moment when that is said. */
    Delivery sendWatched(ResilientClient client, int length) {
        long id = ids.incrementAndGet();
        Delivery delivery = client.send(DeliveryWire.message(id, length));
        sent.add(new Sent(id, delivery));
        delivery.confirmed().whenComplete((confirmed, error) -> {
            boolean said = delivery.confirmation().equals(java.util.Optional.of(Delivery.Confirmation.PROGRAM));
            if (said && !hasArrived(id)) {
                lies.add(id + " is confirmed and has not arrived");
            }
        });
        return delivery;
    }

    /** Threads that send, small and large, until they are closed. */
    final class Senders implements AutoCloseable {
        private final List<Thread> threads = new ArrayList<>();
        private volatile boolean enough;

        /** @param watches whether arrivals are known at once */
        Senders(ResilientClient client, SplittableRandom random, boolean watches) {
            int count = 1 + random.nextInt(4);
            for (int i = 0; i < count; i++) {
                SplittableRandom own = random.split();
                Thread thread = new Thread(() -> run(client, own, watches), "sender-" + i);
                threads.add(thread);
                thread.start();
            }
        }

        private void run(ResilientClient client, SplittableRandom random, boolean watches) {
            while (!enough) {
                int length = length(random);
                Delivery delivery =
                        watches && random.nextInt(3) == 0 ? sendWatched(client, length) : send(client, length);
                if (delivery.state() == State.NOT_SENT || !client.isWritable()) {
                    LockSupport.parkNanos(1_000_000);
                } else {
                    LockSupport.parkNanos(random.nextInt(400_000));
                }
            }
        }

        private int length(SplittableRandom random) {
            int kind = random.nextInt(100);
            int most = kind < 80 ? 200 : kind < 98 ? 4_000 : DeliveryWire.LONGEST;
            return 16 + random.nextInt(most - 16);
        }

        @Override
        public void close() throws InterruptedException {
            enough = true;
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }

    /** Waits until each message has found its fate. */
    void awaitFates(ResilientClient client) {
        await("the fate of " + size() + " messages", () -> sent.stream().allMatch(this::isOver));
        await("no room in use", () -> client.backlog() == 0);
    }

    private boolean isOver(Sent one) {
        return switch (one.delivery.state()) {
            case PENDING -> false;
            case WRITTEN -> !isConfirmed;
            case CONFIRMED, NOT_SENT, UNKNOWN -> true;
        };
    }

    /** What has arrived agrees with what is said, as far as it is known by now. */
    Map<State, Integer> verify(boolean programs) {
        Map<State, Integer> seen = new EnumMap<>(State.class);
        for (Sent one : sent) {
            State state = one.delivery.state();
            seen.merge(state, 1, Integer::sum);
            int times = received.getOrDefault(one.id, 0);
            if (times > 1
                    || (state == State.NOT_SENT && times > 0)
                    || (state == State.CONFIRMED && times == 0 && programs)) {
                lies.add(one.id + " (" + one.delivery.bytes() + " bytes) is " + state + ", "
                        + one.delivery.reason().orElse("") + one.delivery.confirmation() + ", and arrived " + times
                        + " times");
            }
        }
        assertThat(lies).isEmpty();
        return seen;
    }

    /** The client's account is that of the deliveries. */
    void verifyCounters(Counters counters) {
        Map<State, Long> seen = new EnumMap<>(State.class);
        for (Sent one : sent) {
            seen.merge(one.delivery.state(), 1L, Long::sum);
        }
        long confirmed = seen.getOrDefault(State.CONFIRMED, 0L);
        long unknown = seen.getOrDefault(State.UNKNOWN, 0L);
        assertThat(counters.sent()).isEqualTo(size());
        assertThat(counters.confirmed()).isEqualTo(confirmed);
        assertThat(counters.unknown()).isEqualTo(unknown);
        assertThat(counters.notSent()).isEqualTo(seen.getOrDefault(State.NOT_SENT, 0L));
        assertThat(counters.written()).isEqualTo(confirmed + unknown + seen.getOrDefault(State.WRITTEN, 0L));
        assertThat(counters.written() + counters.notSent()).isEqualTo(counters.sent());
    }

    static void await(String what, BooleanSupplier happened) {
        long start = System.nanoTime();
        while (!happened.getAsBoolean()) {
            if (System.nanoTime() - start > PATIENCE.toNanos()) {
                throw new AssertionError(what + ": not within " + PATIENCE);
            }
            LockSupport.parkNanos(500_000);
        }
    }
}
