package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent;
import dev.holdfast.ConnectionEvent.Closed;
import dev.holdfast.ConnectionEvent.Connecting;
import dev.holdfast.ConnectionEvent.Down;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionListener;
import dev.holdfast.Counters;
import dev.holdfast.ResilientClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/** Writes down what a client tells, and checks it against the rules that always hold. */
final class ClientProbe implements ConnectionListener {
    static final Duration PATIENCE = Duration.ofSeconds(30);

    private final List<ConnectionEvent> events = new ArrayList<>();

    @Override
    public synchronized void onEvent(ConnectionEvent event) {
        events.add(event);
        notifyAll();
    }

    synchronized List<ConnectionEvent> all() {
        return List.copyOf(events);
    }

    <E extends ConnectionEvent> List<E> all(Class<E> type) {
        return all().stream().filter(type::isInstance).map(type::cast).toList();
    }

    int count(Class<? extends ConnectionEvent> type) {
        return all(type).size();
    }

    /** The first of its kind, as soon as it is there. */
    <E extends ConnectionEvent> E await(Class<E> type) throws InterruptedException {
        return await(type, 1);
    }

    /** The one with this number of its kind, from 1. */
    <E extends ConnectionEvent> E await(Class<E> type, int number) throws InterruptedException {
        await(
                number + " of " + type.getSimpleName(),
                all -> all.stream().filter(type::isInstance).count() >= number);
        return all(type).get(number - 1);
    }

    synchronized void await(String what, Predicate<List<ConnectionEvent>> happened) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!happened.test(List.copyOf(events))) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                throw new AssertionError(what + ": not within " + PATIENCE + ", but " + events);
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    /** Waits for what no event tells. */
    static void awaitThat(String what, BooleanSupplier happened) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!happened.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError(what + ": not within " + PATIENCE);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    /** Up and Down alternate, epochs rise, times do not go back, Closed is the last, if it is there. */
    void assertLawful() {
        boolean up = false;
        long attempt = 0;
        Duration at = Duration.ZERO;
        List<ConnectionEvent> all = all();
        for (int i = 0; i < all.size(); i++) {
            ConnectionEvent event = all.get(i);
            if (event instanceof Connecting connecting) {
                assertThat(connecting.moment().epoch()).as("epoch, %s", all).isGreaterThan(attempt);
                attempt = connecting.moment().epoch();
            } else if (event instanceof Up fresh) {
                assertThat(up).as("up twice, %s", all).isFalse();
                assertThat(fresh.connection().epoch()).as("epoch, %s", all).isEqualTo(attempt);
                up = true;
            } else if (event instanceof Down down) {
                assertThat(up).as("down twice, %s", all).isTrue();
                assertThat(down.connection().epoch()).as("epoch, %s", all).isEqualTo(attempt);
                up = false;
            } else if (event instanceof Closed) {
                assertThat(up).as("closed while up, %s", all).isFalse();
                assertThat(i).as("Closed is the last, %s", all).isEqualTo(all.size() - 1);
            }
            assertThat(event.moment().at()).as("time, %s", all).isGreaterThanOrEqualTo(at);
            at = event.moment().at();
        }
    }

    /** The same, and Closed is there. */
    void assertLawfullyClosed() throws InterruptedException {
        await(Closed.class);
        assertLawful();
        assertThat(count(Closed.class)).as("%s", all()).isEqualTo(1);
    }

    /** What became of every message is known; a message is counted a moment after its stages complete. */
    static void assertSettled(ResilientClient client) {
        awaitThat("no backlog, " + client.counters(), () -> client.backlog() == 0);
        assertSettled(client.counters());
    }

    static void assertSettled(Counters counters) {
        assertThat(counters.confirmed() + counters.notSent() + counters.unknown())
                .as("%s", counters)
                .isEqualTo(counters.sent());
        assertThat(counters.written()).as("%s", counters).isEqualTo(counters.confirmed() + counters.unknown());
    }
}
