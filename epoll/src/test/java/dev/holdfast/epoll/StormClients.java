package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.AttemptBudget;
import dev.holdfast.ConnectionEvent;
import dev.holdfast.ConnectionState;
import dev.holdfast.Ending;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.ResilientClient;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Very many clients of one server, on a few event loops, and all that they told. */
final class StormClients implements AutoCloseable {
    static final int LOOPS = 2;

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** Nothing but beats, which every transport can do, and slow ones: the storm is the matter here. */
    static final LivenessPolicy LIVENESS = LivenessPolicy.of(
            SocketOptions.builder().build(),
            HeartbeatOptions.builder()
                    .interval(Duration.ofSeconds(10))
                    .timeout(Duration.ofSeconds(5))
                    .build());

    final List<Member> members = new ArrayList<>();

    private final EventLoopGroup group;

    StormClients(Transport transport, int size, int port, AttemptBudget budget) {
        group = new MultiThreadIoEventLoopGroup(LOOPS, transport.ioHandlerFactory());
        for (int i = 0; i < size; i++) {
            members.add(new Member(ResilientClient.builder("127.0.0.1", port)
                    .eventLoopGroup(group, transport)
                    .liveness(LIVENESS)
                    .reconnect(ReconnectOptions.builder().budget(budget).build())
                    .onMessage((connection, message) -> {})));
        }
    }

    /** One client, and what it told. */
    static final class Member {
        private final ResilientClient client;
        private final Queue<ConnectionEvent> told = new ConcurrentLinkedQueue<>();

        /** Between these two lies the moment that its events count from. */
        private final long startedAfter;

        private final long startedBefore;

        Member(ResilientClient.Builder builder) {
            builder.onEvent(told::add);
            startedAfter = System.nanoTime();
            client = builder.start();
            startedBefore = System.nanoTime();
        }

        private Time time(ConnectionEvent event) {
            long at = event.moment().at().toNanos();
            return new Time(startedAfter + at, startedBefore + at);
        }

        <E extends ConnectionEvent> List<E> told(Class<E> type) {
            return told.stream().filter(type::isInstance).map(type::cast).toList();
        }

        /** What it told since its last connection went down, that included. */
        List<ConnectionEvent> sinceDown() {
            List<ConnectionEvent> all = List.copyOf(told);
            int down = all.size() - 1;
            while (down > 0 && !(all.get(down) instanceof ConnectionEvent.Down)) {
                down--;
            }
            return all.subList(down, all.size());
        }

        /** Whether it has come up so often, and has told of it. */
        boolean isUp(int times) {
            return client.state() == ConnectionState.UP
                    && told(ConnectionEvent.Up.class).size() == times;
        }
    }

    /** When something was, by {@code System.nanoTime()}: between these two. */
    record Time(long earliest, long latest) {}

    /** When all the events of a type were, in order. */
    List<Time> times(Class<? extends ConnectionEvent> type) {
        return members.stream()
                .flatMap(member -> member.told(type).stream().map(member::time))
                .sorted(Comparator.comparing(Time::latest))
                .toList();
    }

    /** Waits until every client has come up so often, and is up. */
    void awaitAllUp(int times) {
        long start = System.nanoTime();
        for (Member each : members) {
            while (!each.isUp(times)) {
                if (System.nanoTime() - start > PATIENCE.toNanos()) {
                    throw new AssertionError("up for the " + times + ". time: not within " + PATIENCE + ", "
                            + members.stream()
                                    .filter(member -> member.isUp(times))
                                    .count() + " are, one is not: "
                            + each.told);
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }
        }
    }

    /** Ends all clients, and then the loops that they shared. */
    @Override
    public void close() {
        List<CompletionStage<Ending>> ends =
                members.stream().map(member -> member.client.closeAsync()).toList();
        long end = System.nanoTime() + PATIENCE.toNanos();
        for (CompletionStage<Ending> each : ends) {
            assertThat(each.toCompletableFuture())
                    .succeedsWithin(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
        }
        assertThat(group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly(10, TimeUnit.SECONDS))
                .isTrue();
    }
}
