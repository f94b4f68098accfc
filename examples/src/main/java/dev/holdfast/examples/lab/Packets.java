package dev.holdfast.examples.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What goes through the routers, recorded by tcpdump where it is installed. */
final class Packets implements AutoCloseable {
    /** Time, direction, the id of the packet, and in the next line what it is. */
    private static final Pattern PRINTED =
            Pattern.compile("(?m)^(\\d+\\.\\d{6}) \\S+ +(In|Out|P|B|M) +IP \\(.*?, id (\\d+),.*\\)\\R\\s+(.*)$");
    /** Enough for the headers. */
    private static final String BYTES = "100";
    /** The offset of the clock that tcpdump writes from the monotonic one. */
    private final long wallMinusMonotonicNanos =
            TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()) - System.nanoTime();

    private final List<Process> recorders = new ArrayList<>();
    private final List<Path> files = new ArrayList<>();
    private final Path folder;

    /**
     * A packet.
     *
     * @param nanos when, on the monotonic clock
     * @param text as tcpdump prints it, without the time
     */
    record Packet(long nanos, String text) {}

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
        List<Packet> packets = new ArrayList<>();
        Set<String> cameIn = new HashSet<>();
        Matcher matcher = PRINTED.matcher(printed);
        while (matcher.find()) {
            String text = matcher.group(4).replaceAll("cksum 0x\\w+ \\([^)]*\\), ", "");
            boolean in = matcher.group(2).equals("In");
            // the id tells a packet from its repetition
            String key = matcher.group(3) + text;
            if (in) {
                cameIn.add(key);
            }
            if (in || !cameIn.contains(key)) {
                long wallNanos = Long.parseLong(matcher.group(1).replace(".", "")) * 1000;
                packets.add(new Packet(wallNanos - offsetNanos, text));
            }
        }
        return packets;
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
