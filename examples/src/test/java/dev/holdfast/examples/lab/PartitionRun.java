package dev.holdfast.examples.lab;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** One client and one server, the path between them cut and healed in a loop, and what they said of it. */
final class PartitionRun implements AutoCloseable {
    private static final Duration LENGTH = Duration.ofSeconds(60);
    private static final long PERIOD = TimeUnit.SECONDS.toNanos(6);
    private static final long LONGEST = TimeUnit.MILLISECONDS.toNanos(3500);
    private static final int SHORT_ONES = 4;

    /** So much of every period the path is whole. */
    private static final long WHOLE = TimeUnit.SECONDS.toNanos(2);

    private static final Duration SETTLES = Duration.ofSeconds(15);
    private static final Cut[] CUTS = {Cut.BOTH, Cut.AWAY, Cut.BACK};

    private final String transport;
    private final List<Partition> partitions = new ArrayList<>();
    private final PartitionEnd client;
    private final PartitionEnd server;
    private final List<Told> told = new ArrayList<>();
    private final Network network;
    private final int port;
    private final Random random;

    /** Packets were lost not before {@code cutting} and not after {@code healed}, and surely between the other two. */
    record Partition(Cut cut, long cutting, long wasCut, long healing, long healed) {
        @Override
        public String toString() {
            return cut + " for " + Duration.ofNanos(healing - wasCut);
        }
    }

    /** All that one end said of itself. */
    record Told(
            String name,
            List<PartitionEnd.Line> lines,
            List<String> log,
            String state,
            PartitionCount before,
            PartitionCount after) {
        List<PartitionEnd.Line> all(String what) {
            return lines.stream().filter(line -> line.what().equals(what)).toList();
        }

        Optional<PartitionEnd.Line> first(String what, long after) {
            return all(what).stream().filter(line -> line.nanos() >= after).findFirst();
        }

        /** Within which a lost peer is noticed, by this end's own computation. */
        long bound() {
            return Long.parseLong(all("bound").get(0).details());
        }

        /** The messages in this state, or received. */
        List<Long> ledger(String state) {
            String[] words = all("ledger").stream()
                    .map(PartitionEnd.Line::details)
                    .filter(line -> line.startsWith(state))
                    .findFirst()
                    .orElseThrow()
                    .split(" ", -1);
            return Arrays.stream(words).skip(1).map(Long::parseLong).toList();
        }

        private long stalledNanos(long from, long to) {
            return Arrays.stream(all("stalls").get(0).details().split(" ", -1))
                    .filter(each -> !each.isEmpty())
                    .map(each -> each.split(":", -1))
                    .mapToLong(gap -> Math.min(to, Long.parseLong(gap[1])) - Math.max(from, Long.parseLong(gap[0])))
                    .filter(each -> each > 0)
                    .sum();
        }
    }

    PartitionRun(String transport, Network network, int port, Random random) throws IOException {
        this.transport = transport;
        this.network = network;
        this.port = port;
        this.random = random;
        server = new PartitionEnd(network.server(), "server", transport, Network.SERVER, port);
        client = new PartitionEnd(network.client(Site.PLAIN, "partition"), "client", transport, Network.SERVER, port);
    }

    /** Blocks for more than a minute. */
    void play() throws Exception {
        awaitUp(0);
        long first = System.nanoTime();
        partition(Cut.BOTH, LONGEST); // classes are loaded, buffers and threads are there
        awaitUp(first);
        quiet();
        PartitionCount clientBefore = count(client);
        PartitionCount serverBefore = count(server);
        client.tell("send");
        server.tell("send");
        long begin = System.nanoTime();
        for (int i = 0; System.nanoTime() - begin < LENGTH.toNanos(); i++) {
            // every fourth may be over before anybody notices
            long cut =
                    i % SHORT_ONES == 0 ? 1 + random.nextLong(LONGEST / 2) : random.nextLong(LONGEST * 2 / 3, LONGEST);
            sleepUntil(begin + i * PERIOD + random.nextLong(PERIOD - LONGEST - WHOLE));
            partition(CUTS[i % CUTS.length], cut);
            sleepUntil(begin + (i + 1) * PERIOD);
        }
        quiet();
        told.add(told(client, clientBefore));
        told.add(told(server, serverBefore));
    }

    private static Told told(PartitionEnd end, PartitionCount before) throws InterruptedException {
        PartitionCount after = settled(end, before);
        String state = end.ask("state");
        end.ask("stalls");
        end.ask("ledger");
        end.await(line -> line.details().equals("END"), "ledger");
        return new Told(end.name, end.lines(), end.log(), state, before, after);
    }

    /** The client, and the server. */
    List<Told> ends() {
        return told;
    }

    List<Partition> partitions() {
        return partitions;
    }

    private void awaitUp(long after) throws InterruptedException {
        client.await(line -> line.what().equals("up") && line.nanos() >= after, "up");
        server.await(line -> line.what().equals("up") && line.nanos() >= after, "up");
    }

    private void quiet() throws InterruptedException {
        client.ask("quiet");
        server.ask("quiet");
    }

    private void partition(Cut cut, long length) throws Exception {
        long cutting = System.nanoTime();
        network.cut(cut, Site.PLAIN, port);
        long wasCut = System.nanoTime();
        sleepUntil(wasCut + length);
        long healing = System.nanoTime();
        network.heal(cut, Site.PLAIN, port);
        partitions.add(new Partition(cut, cutting, wasCut, healing, System.nanoTime()));
    }

    private static void sleepUntil(long nanos) throws InterruptedException {
        for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
            TimeUnit.NANOSECONDS.sleep(left);
        }
    }

    private static PartitionCount count(PartitionEnd of) throws InterruptedException {
        return PartitionCount.parse(of.ask("count"));
    }

    /** Counts again until there is no more than before, for a while: what is given back comes back late. */
    private static PartitionCount settled(PartitionEnd of, PartitionCount before) throws InterruptedException {
        long start = System.nanoTime();
        PartitionCount now = count(of);
        while (!now.isWithin(before) && System.nanoTime() - start < SETTLES.toNanos()) {
            TimeUnit.MILLISECONDS.sleep(200);
            now = count(of);
        }
        return now;
    }

    /** How long the two did not run, in sum, within this time. */
    long stalledNanos(long from, long to) {
        return told.stream().mapToLong(end -> end.stalledNanos(from, to)).sum();
    }

    @Override
    public void close() {
        client.close();
        server.close();
    }

    @Override
    public String toString() {
        return transport;
    }
}
