package dev.holdfast.examples.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What goes through the routers, recorded by tcpdump where it is installed. */
final class Packets implements AutoCloseable {
    /** Time, direction, the id of the packet, and in the next line what it is. */
    private static final Pattern PRINTED =
            Pattern.compile("(?m)^(\\d+\\.\\d{6}) \\S+ +(In|Out|P|B|M) +IP \\(.*?, id (\\d+),.*\\)\\R\\s+(.*)$");

    private static final Pattern FLAGS = Pattern.compile("Flags \\[[^]]*\\]");
    /** What a packet takes through the router at most, and less than its repetition. */
    private static final long PASSING_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    /** Enough for the headers. */
    private static final String BYTES = "100";
    /** The offset of the clock that tcpdump writes from the monotonic one. */
    private final long wallMinusMonotonicNanos =
            ChronoUnit.NANOS.between(Instant.EPOCH, Instant.now()) - System.nanoTime();

    private final List<Process> recorders = new ArrayList<>();
    private final List<Path> files = new ArrayList<>();
    private final Path folder;

    /**
     * A packet.
     *
     * @param nanos when, on the monotonic clock
     * @param text as tcpdump prints it, without the time
     * @param fate what the router did with it
     */
    record Packet(long nanos, String text, Fate fate) {}

    /** What a router did with a packet. */
    enum Fate {
        /** It went out as it came in. */
        PASSED("packet"),
        /** It did not go out. */
        DROPPED("dropped"),
        /** One that came in just before goes out with other addresses. */
        TRANSLATED("nat"),
        /** Nobody sent it but the router itself. */
        MADE("router");

        private final String text;

        Fate(String text) {
            this.text = text;
        }

        /** For a timeline. */
        String text() {
            return text;
        }
    }

    Packets(List<String> routers) throws IOException {
        folder = Files.createTempDirectory("holdfast-lab");
        folder.toFile().deleteOnExit(); // what close() does, for who is interrupted; the last is deleted first
        if (Command.isInstalled("tcpdump")) {
            for (String router : routers) {
                Path file = folder.resolve(router + ".pcap");
                file.toFile().deleteOnExit();
                files.add(file);
                recorders.add(Command.builder(Namespaces.inside(
                                router,
                                List.of(
                                        "tcpdump",
                                        "-i",
                                        "any",
                                        "-n",
                                        "-s",
                                        BYTES,
                                        "-U",
                                        "-Z",
                                        "root",
                                        "-w",
                                        file.toString(),
                                        "tcp or icmp")))
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start());
            }
        }
    }

    /** Ends the recording, with all of it written. */
    void stop() throws InterruptedException {
        for (Process each : recorders) {
            each.destroy();
            each.waitFor(5, TimeUnit.SECONDS);
        }
    }

    /** All packets from or to this port, in order, each once; none without tcpdump. After {@link #stop}. */
    List<Packet> of(int port) throws IOException {
        List<Packet> packets = new ArrayList<>();
        for (Path file : files) {
            String printed = Command.run(
                    List.of("tcpdump", "-n", "-tt", "-vv", "-r", file.toString(), "port", Integer.toString(port)));
            packets.addAll(parse(printed, wallMinusMonotonicNanos));
        }
        packets.sort(Comparator.comparingLong(Packet::nanos));
        return packets;
    }

    /** A router sees a packet come in and go out: that it went out as it came in is no news. */
    static List<Packet> parse(String printed, long offsetNanos) {
        List<Seen> cameIn = new ArrayList<>();
        Map<String, Deque<Seen>> wentOut = new HashMap<>();
        Matcher matcher = PRINTED.matcher(printed);
        while (matcher.find()) {
            Seen seen = Seen.of(matcher, offsetNanos);
            if (matcher.group(2).equals("In")) {
                cameIn.add(seen);
            } else {
                wentOut.computeIfAbsent(seen.key(), key -> new ArrayDeque<>()).add(seen);
            }
        }
        List<Packet> packets = new ArrayList<>();
        for (Seen each : cameIn) {
            addPassing(packets, each, wentOut.getOrDefault(each.key(), new ArrayDeque<>()));
        }
        wentOut.values().forEach(left -> left.forEach(each -> packets.add(each.as(Fate.MADE))));
        packets.sort(Comparator.comparingLong(Packet::nanos));
        return packets;
    }

    private static void addPassing(List<Packet> packets, Seen in, Deque<Seen> wentOut) {
        while (!wentOut.isEmpty() && wentOut.getFirst().nanos() < in.nanos()) {
            packets.add(wentOut.removeFirst().as(Fate.MADE));
        }
        boolean passed = !wentOut.isEmpty() && wentOut.getFirst().nanos() - in.nanos() < PASSING_NANOS;
        packets.add(in.as(passed ? Fate.PASSED : Fate.DROPPED));
        if (passed) {
            Seen out = wentOut.removeFirst();
            if (!out.text().equals(in.text())) {
                packets.add(out.as(Fate.TRANSLATED));
            }
        }
    }

    /**
     * A packet at one interface.
     *
     * @param key what it keeps on its way, and what tells it from its repetition
     */
    private record Seen(long nanos, String key, String text) {
        static Seen of(Matcher printed, long offsetNanos) {
            String text = printed.group(4).replaceAll("cksum 0x\\w+ \\([^)]*\\), ", "");
            Matcher flags = FLAGS.matcher(text);
            long wallNanos = Long.parseLong(printed.group(1).replace(".", "")) * 1000;
            return new Seen(wallNanos - offsetNanos, printed.group(3) + (flags.find() ? flags.group() : ""), text);
        }

        Packet as(Fate fate) {
            return new Packet(nanos, text, fate);
        }
    }

    @Override
    public void close() {
        recorders.forEach(Process::destroy);
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        } catch (IOException left) {
            // the system's temporary folder is cleaned by the system
        }
    }
}
