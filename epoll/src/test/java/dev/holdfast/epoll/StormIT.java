package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.AttemptBudget;
import dev.holdfast.ConnectionEvent;
import dev.holdfast.socket.Transport;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two thousand clients lose their server at the same instant: it is killed, and started again on the same port. Prints how they
 * came back, and leaves it in {@code target/storm}.
 */
class StormIT {
    private static final int CLIENTS = 2_000;

    /** Attempts a second: as many as keep a run short. */
    private static final int BUDGET = 320;

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    /** From one slot to the next. */
    private static final long SPACING = 1_100_000_000L / BUDGET;

    /** The longest first wait of the default backoff. */
    private static final long FIRST_RETRY = TimeUnit.MILLISECONDS.toNanos(100);

    /** Even moments that are independent are found uneven by chance once in a million runs; where they are paced, never. */
    private static final double EVEN = 1e-6;

    /** A busy machine. */
    private static final long ROOM = 3 * SECOND;

    /** Callbacks of all clients run on threads that come and go; none is one client's. */
    private static final int THREADS = CLIENTS / 10;

    /** The test, its tools and all classes included, in bytes for each client. */
    private static final long HEAP = 64 << 10;

    private static final Path REPORTS = Path.of("target", "storm");

    static List<Transport> transports() {
        return Transport.all();
    }

    /** A server in a process of its own. */
    private record Server(ChildJvm child, int port) implements AutoCloseable {
        static Server start(Transport transport, int port) throws Exception {
            ChildJvm child = new ChildJvm(StormServer.class);
            try {
                child.tell(transport.name() + " " + port);
                return new Server(child, Integer.parseInt(told(child, "port")));
            } catch (Exception | AssertionError failed) {
                child.close();
                throw failed;
            }
        }

        private static String told(ChildJvm child, String what) throws InterruptedException {
            child.await(
                    what, lines -> lines.stream().anyMatch(line -> line.text().startsWith(what + " ")));
            return child.lines().stream()
                    .map(ChildJvm.Line::text)
                    .filter(text -> text.startsWith(what + " "))
                    .findFirst()
                    .orElseThrow()
                    .substring(what.length() + 1);
        }

        /** When they came up, by the server's clock; all of them are up still. To be asked once. */
        long[] arrivals() throws InterruptedException {
            child.tell("report");
            long[] arrivals = Arrays.stream(told(child, "arrivals").split(" ", -1))
                    .mapToLong(Long::parseLong)
                    .toArray();
            assertThat(told(child, "up")).isEqualTo(String.valueOf(CLIENTS));
            assertThat(Integer.parseInt(told(child, "threads"))).isLessThan(THREADS);
            assertThat(arrivals).as("each came once").hasSize(CLIENTS);
            return arrivals;
        }

        /** With SIGKILL. */
        @Override
        public void close() {
            child.close();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void serverKilled_budget_bringsAllBackEvenly(Transport transport) throws Exception {
        AttemptBudget budget = AttemptBudget.perSecond(BUDGET);
        ManagementFactory.getThreadMXBean().resetPeakThreadCount();
        Server first = Server.start(transport, 0);
        try (StormClients clients = new StormClients(transport, CLIENTS, first.port(), budget)) {
            clients.awaitAllUp(1);
            first.close();
            try (Server second = Server.start(transport, first.port())) {
                clients.awaitAllUp(2);
                assertFew(clients);
                assertArrivalsAreEven(transport, second);
                assertBudgetIsKept(transport, clients);
            }
        } finally {
            first.close();
        }
    }

    /** The budget has no hole and no burst: they come evenly, from the first to the last. */
    private static void assertArrivalsAreEven(Transport transport, Server server) throws Exception {
        long[] arrivals = server.arrivals();
        long last = Arrays.stream(arrivals).max().orElseThrow();
        StormSpread spread = report(
                StormSpread.between(
                        "arrivals at a server that was killed and restarted, " + BUDGET + " a second, " + transport,
                        arrivals),
                "budget-" + transport);
        assertThat(spread.p()).as(spread::report).isGreaterThan(EVEN);
        // What began before the server listened was refused, but for what each loop was about to do; a slot may be used
        // 0.1 s late.
        long soonest = (CLIENTS - 1 - StormClients.LOOPS) * SPACING - SECOND / 10;
        assertThat(last).as(spread::report).isBetween(soonest, soonest + ROOM);
    }

    /** No client has a thread of its own, nor much memory: what it told, which the test keeps, is counted with it. */
    private static void assertFew(StormClients clients) {
        int threads = ManagementFactory.getThreadMXBean().getPeakThreadCount();
        System.gc();
        long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
        System.out.printf("%d clients: at most %d threads, %d bytes of heap each%n", CLIENTS, threads, heap / CLIENTS);
        assertThat(threads).isLessThan(THREADS);
        assertThat(heap / clients.members.size()).isLessThan(HEAP);
    }

    private static void assertBudgetIsKept(Transport transport, StormClients clients) throws IOException {
        List<StormClients.Time> attempts = clients.times(ConnectionEvent.Connecting.class);
        report(
                StormSpread.between(
                        "all attempts of both lives, " + BUDGET + " a second, " + transport,
                        attempts.stream().mapToLong(StormClients.Time::latest).toArray()),
                "attempts-" + transport);
        // Each loop may be interrupted between the beginning of an attempt and telling of it.
        int most = BUDGET + StormClients.LOOPS;
        for (int end = most; end < attempts.size(); end++) {
            long earliest = attempts.subList(end - most, end).stream()
                    .mapToLong(StormClients.Time::earliest)
                    .min()
                    .orElseThrow();
            assertThat(attempts.get(end).latest() - earliest)
                    .as("from attempt %d to the %d. behind it", end - most, most)
                    .isGreaterThanOrEqualTo(SECOND);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void serverKilled_fullJitterAlone_spreadsTheFirstRetries(Transport transport) throws Exception {
        ManagementFactory.getThreadMXBean().resetPeakThreadCount();
        Server first = Server.start(transport, 0);
        try (StormClients clients = new StormClients(transport, CLIENTS, first.port(), AttemptBudget.unlimited())) {
            clients.awaitAllUp(1);
            first.close();
            try (Server second = Server.start(transport, first.port())) {
                clients.awaitAllUp(2);
                assertFew(clients);
                second.arrivals();
                assertFirstRetriesAreSpread(transport, clients);
            }
        } finally {
            first.close();
        }
    }

    private static void assertFirstRetriesAreSpread(Transport transport, StormClients clients) throws IOException {
        long[] drawn = new long[CLIENTS];
        long[] waited = new long[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            StormClients.Member member = clients.members.get(i);
            List<ConnectionEvent> events = member.sinceDown();
            ConnectionEvent.Waiting waiting = (ConnectionEvent.Waiting) events.get(1);
            ConnectionEvent retry = events.get(2);
            assertThat(waiting.attempt()).isEqualTo(1);
            assertThat(retry).isInstanceOf(ConnectionEvent.Connecting.class);
            drawn[i] = waiting.delay().toNanos();
            waited[i] = retry.moment().at().minus(waiting.moment().at()).toNanos();
            assertThat(waited[i]).isBetween(drawn[i], drawn[i] + ROOM);
        }
        StormSpread spread = report(
                new StormSpread("first retries as drawn, " + transport, drawn, 0, FIRST_RETRY), "drawn-" + transport);
        report(new StormSpread("first retries as made, " + transport, waited, 0, FIRST_RETRY), "made-" + transport);
        assertThat(spread.p()).as(spread::report).isGreaterThan(EVEN);
    }

    private static StormSpread report(StormSpread spread, String name) throws IOException {
        System.out.println(spread.report());
        spread.write(REPORTS, name);
        return spread;
    }
}
