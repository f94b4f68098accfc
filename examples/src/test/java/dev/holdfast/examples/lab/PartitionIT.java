package dev.holdfast.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A client and a server in namespaces of their own, and the path between them cut and healed for a minute, in both directions or in
 * one, while messages flow both ways. All transports are played once, side by side. Left out where the machine lacks what the lab
 * needs, unless HOLDFAST_LAB=required is in the environment.
 */
class PartitionIT {
    private static final int FIRST_PORT = 7701;
    private static final long PATIENCE_MINUTES = 4;

    /** For processes to wake up, connect and shake hands, on a path that loses nothing. */
    private static final Duration ROOM = Duration.ofMillis(300);

    /** From the healing, or a death after it: an attempt that began before runs into its limit, and the longest delay follows. */
    private static final Duration RETURN = PartitionPeer.ATTEMPT_LIMIT.plus(PartitionPeer.LONGEST_DELAY);

    private static final List<PartitionRun> runs = new ArrayList<>();

    @BeforeAll
    static void play() throws Exception {
        Prerequisites.missing().ifPresent(PartitionIT::lacking);
        long seed = System.nanoTime();
        System.out.println("partitions, seed " + seed);
        ExecutorService threads = Executors.newCachedThreadPool();
        try (Namespaces namespaces = new Namespaces()) {
            Network network = new Network(namespaces, List.of(Site.PLAIN));
            List<Future<?>> playing = new ArrayList<>();
            for (Transport transport : Transport.all()) {
                int number = runs.size();
                PartitionRun run =
                        new PartitionRun(transport.name(), network, FIRST_PORT + number, new Random(seed + number));
                runs.add(run);
                playing.add(threads.submit(() -> {
                    run.play();
                    return run;
                }));
            }
            for (Future<?> each : playing) {
                each.get(PATIENCE_MINUTES, TimeUnit.MINUTES);
            }
        } finally {
            threads.shutdownNow();
            end();
        }
    }

    @AfterAll
    static void end() {
        runs.forEach(PartitionRun::close);
    }

    private static void lacking(String what) {
        if ("required".equals(System.getenv("HOLDFAST_LAB"))) {
            throw new AssertionError(what);
        }
        abort("left out: " + what);
    }

    static List<PartitionRun> runs() {
        return runs;
    }

    @ParameterizedTest
    @MethodSource("runs")
    void everyPartition_longerThanTheBound_isNoticedWithinIt_atBothEnds(PartitionRun run) {
        int noticed = 0;
        for (PartitionRun.Partition each : run.partitions()) {
            for (PartitionRun.Told end : run.ends()) {
                long bound = each.wasCut() + end.bound() + ROOM.toNanos();
                long latest = bound + run.stalledNanos(each.cutting(), bound);
                if (each.healing() > latest) {
                    noticed++;
                    assertThat(end.first("down", each.cutting()))
                            .as("%s: down within %s of %s", end.name(), Duration.ofNanos(latest - each.cutting()), each)
                            .hasValueSatisfying(down -> assertThat(down.nanos()).isLessThanOrEqualTo(latest));
                }
            }
        }
        assertThat(noticed).as("by both ends together").isGreaterThanOrEqualTo(8);
    }

    @ParameterizedTest
    @MethodSource("runs")
    void everyReturn_isWithinDelayConnectAndHandshake_afterHealing(PartitionRun run) {
        int returned = 0;
        for (int i = 0; i < run.partitions().size(); i++) {
            PartitionRun.Partition each = run.partitions().get(i);
            long next = i + 1 < run.partitions().size()
                    ? run.partitions().get(i + 1).cutting()
                    : Long.MAX_VALUE;
            for (PartitionRun.Told end : run.ends()) {
                long down = end.first("down", each.cutting())
                        .map(PartitionEnd.Line::nanos)
                        .orElse(next);
                long from = Math.max(each.healed(), down);
                long bound = from + RETURN.plus(ROOM).toNanos();
                long latest = bound + run.stalledNanos(each.healing(), bound);
                if (down < next && latest < next) {
                    returned++;
                    assertThat(end.first("up", down))
                            .as(
                                    "%s: up within %s of the healing of %s",
                                    end.name(), Duration.ofNanos(latest - from), each)
                            .hasValueSatisfying(up -> assertThat(up.nanos()).isLessThanOrEqualTo(latest));
                }
            }
        }
        assertThat(returned).as("of both ends together").isGreaterThanOrEqualTo(8);
    }

    @ParameterizedTest
    @MethodSource("runs")
    void nobodyDies_exceptInAPartition(PartitionRun run) {
        for (PartitionRun.Told end : run.ends()) {
            for (PartitionEnd.Line down : end.all("down")) {
                assertThat(run.partitions())
                        .as("%s: %s", end.name(), down)
                        .anyMatch(each -> each.cutting() <= down.nanos()
                                && down.nanos()
                                        <= each.healed()
                                                + end.bound()
                                                + ROOM.toNanos()
                                                + run.stalledNanos(each.healing(), down.nanos()));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("runs")
    void bothEnds_agreeAtTheEnd(PartitionRun run) {
        PartitionRun.Told client = run.ends().get(0);
        PartitionRun.Told server = run.ends().get(1);
        assertThat(client.state()).matches("\\[\\d+\\] UP").isEqualTo(server.state());
        for (PartitionRun.Told end : run.ends()) {
            List<PartitionEnd.Line> ups = end.all("up");
            assertThat(end.state()).contains(ups.get(ups.size() - 1).details());
            assertThat(ups).as(end.name()).hasSize(end.all("down").size() + 1);
        }
    }

    @ParameterizedTest
    @MethodSource("runs")
    void everyDelivery_isTerminalAndTrue(PartitionRun run) {
        assertTrue(run, run.ends().get(0), run.ends().get(1));
        assertTrue(run, run.ends().get(1), run.ends().get(0));
    }

    private static void assertTrue(PartitionRun run, PartitionRun.Told from, PartitionRun.Told to) {
        List<Long> confirmed = from.ledger("CONFIRMED");
        List<Long> notSent = from.ledger("NOT_SENT");
        List<Long> unknown = from.ledger("UNKNOWN");
        List<Long> received = to.ledger("RECEIVED");
        System.out.printf(
                "%s, %s: %d partitions, %d deaths, %d confirmed, %d not sent, %d unknown, of these %d received%n",
                run,
                from.name(),
                run.partitions().size(),
                from.all("down").size(),
                confirmed.size(),
                notSent.size(),
                unknown.size(),
                received.size() - confirmed.size());
        assertThat(from.ledger("PENDING")).isEmpty();
        assertThat(from.ledger("WRITTEN")).isEmpty();
        Set<Long> once = new HashSet<>(received);
        assertThat(once).as("nothing came twice").hasSameSizeAs(received);
        assertThat(once).containsAll(confirmed).doesNotContainAnyElementsOf(notSent);
        once.removeAll(confirmed);
        assertThat(unknown).as("what came and is not confirmed").containsAll(once);
        assertThat(confirmed).hasSizeGreaterThan(1000);
        assertThat(unknown).isNotEmpty();
    }

    @ParameterizedTest
    @MethodSource("runs")
    void nothing_leaks(PartitionRun run) {
        for (PartitionRun.Told end : run.ends()) {
            System.out.println(end.name() + ": before " + end.before() + ", after " + end.after());
            assertThat(end.after())
                    .as(end.name())
                    .matches(after -> after.isWithin(end.before()), "within " + end.before());
            assertThat(end.log()).as(end.name()).noneMatch(line -> line.contains("LEAK"));
        }
    }

    @Test
    void namespaces_afterTheRun_areGone() throws Exception {
        assertThat(Command.run(List.of("ip", "netns", "list")))
                .doesNotContain("holdfast-lab-" + ProcessHandle.current().pid() + "-");
    }
}
