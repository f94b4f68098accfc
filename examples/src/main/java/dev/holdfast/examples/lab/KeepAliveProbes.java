package dev.holdfast.examples.lab;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Keepalive probes among the packets of a connection on which nobody sent anything. */
final class KeepAliveProbes {
    /** Relative numbers: the first byte would be 1, so a probe, one below it, is 0. */
    private static final Pattern SEGMENT =
            Pattern.compile("\\.(\\d+) > \\S+: Flags \\[\\.\\], seq (\\d+), ack (\\d+),.* length (\\d+)");

    private static final int FEWEST = 3;

    private KeepAliveProbes() {}

    static String areWellFormed(List<Packets.Packet> packets, int port) {
        long probes = count(packets, port, false, 0);
        long answers = count(packets, port, true, 1);
        long withPayload = segments(packets).stream()
                .filter(each -> !each.group(4).equals("0"))
                .count();
        boolean well = probes >= FEWEST && answers >= probes && withPayload == 0;
        return well ? "" : probes + " probes, " + answers + " answers, " + withPayload + " with payload";
    }

    /**
     * Measured on Linux 6.18: under the peer's probes every second ours still go out every two. A probe lies before the
     * window, and is answered and thrown away before it could count as a sign of life (tcp_validate_incoming(),
     * net/ipv4/tcp_input.c): the answer echoes the timestamp of the segment before it. What counts is the answer to one's own.
     */
    static String comeFromBoth(List<Packets.Packet> packets, int port) {
        long theirs = count(packets, port, true, 0);
        long ours = count(packets, port, false, 0);
        return theirs >= 2 * FEWEST && ours >= FEWEST ? "" : theirs + " probes of theirs, " + ours + " of ours";
    }

    private static long count(List<Packets.Packet> packets, int port, boolean fromServer, int sequence) {
        return segments(packets).stream()
                .filter(each -> each.group(1).equals(Integer.toString(port)) == fromServer)
                .filter(each -> each.group(2).equals(Integer.toString(sequence)))
                .count();
    }

    private static List<Matcher> segments(List<Packets.Packet> packets) {
        return packets.stream()
                .map(each -> SEGMENT.matcher(each.text()))
                .filter(Matcher::find)
                .toList();
    }
}
