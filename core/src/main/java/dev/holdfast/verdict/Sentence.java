package dev.holdfast.verdict;

import static dev.holdfast.verdict.TcpSnapshot.Field.LAST_ACK_RECV;
import static dev.holdfast.verdict.TcpSnapshot.Field.NOTSENT_BYTES;
import static dev.holdfast.verdict.TcpSnapshot.Field.PROBES;
import static dev.holdfast.verdict.TcpSnapshot.Field.RETRANSMITS;
import static dev.holdfast.verdict.TcpSnapshot.Field.SEGS_IN;
import static dev.holdfast.verdict.TcpSnapshot.Field.TOTAL_RETRANS;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a verdict rests on, in words for somebody who has been woken up by it. */
final class Sentence {
    private Sentence() {}

    /** One or two sentences, to follow "is dead: ". */
    static String of(PeerDeath death) {
        Evidence evidence = death.evidence();
        @Nullable TcpSnapshot tcp = evidence.tcpInfo().orElse(null);
        return switch (death.cause()) {
            case PATH_DEAD -> pathDead(evidence.probes(), tcp);
            case PEER_NOT_READING ->
                "its kernel answers, but its window has stayed closed with "
                        + (tcp == null ? "data" : tcp.get(NOTSENT_BYTES, 0) + " bytes")
                        + " of ours waiting: its program does not read.";
            case LOCAL_DROP ->
                "its window is open, but what we send does not leave our own host: look at our firewall"
                        + " (output chain) and queue.";
            case RESET -> "it, or a box in between that has forgotten the connection, sent a reset.";
            case UNREACHABLE -> "the network reported that it cannot be reached.";
            case LOCALLY_ABORTED -> "something on our own host ended the socket.";
            case PEER_HUNG ->
                evidence.probes()
                                .map(Sentence::hung)
                                .orElse("its kernel acknowledged all we sent, but nothing answered.")
                        + " What terminates TCP there is alive, the program does not answer.";
            case STALLED_WRITE ->
                evidence.backlog().bytes() + " bytes of ours have not moved for "
                        + seconds(evidence.backlog().unmoved().toMillis()) + ".";
            case HEARTBEAT_TIMEOUT ->
                evidence.probes().map(Sentence::silent).orElse("nothing came from it") + " (" + death.rule() + ").";
            case CONNECT_TIMEOUT -> connecting(tcp);
            case HANDSHAKE_DEADLINE -> "it accepted the connection and did not finish the handshake in time.";
            case FLOOD -> "it pings faster than permitted (" + death.rule() + ").";
            case PROTOCOL_ERROR -> "the protocol was broken: " + because(death);
            case TLS_FAILURE -> "TLS failed: " + because(death);
            case CLOSED_EARLY -> "it closed while data of ours was outstanding: " + because(death);
            case OTHER -> "the error is all that is known: " + because(death);
        };
    }

    private static String pathDead(Optional<Probes> probes, @Nullable TcpSnapshot tcp) {
        if (tcp == null) {
            return "the kernel gave up waiting for it, and NIO cannot ask the kernel more.";
        }
        String asked = probes.map(each -> left(each) + " and ").orElse("");
        long retransmits = tcp.get(RETRANSMITS, 0);
        String seen = retransmits > 0
                ? "what we sent was not acknowledged in " + retransmits
                        + (retransmits == 1 ? " retransmission" : " retransmissions")
                : tcp.get(PROBES, 0) > 0
                        ? tcp.get(PROBES, 0)
                                + " probes of the kernel stayed unanswered, the last sign of its kernel is "
                                + seconds(tcp.get(LAST_ACK_RECV, 0)) + " old"
                        : "nothing has been acknowledged since; the last sign of its kernel is "
                                + seconds(tcp.get(LAST_ACK_RECV, 0)) + " old";
        return asked + seen + ": its host or the path to it is gone.";
    }

    private static String connecting(@Nullable TcpSnapshot tcp) {
        if (tcp == null) {
            return "nothing accepted the connect in time.";
        }
        long syns = tcp.get(TOTAL_RETRANS, 0) + 1;
        String sent = syns == 1 ? "a SYN was" : syns + " SYNs were";
        long segments = tcp.get(SEGS_IN, 0);
        return segments == 0
                ? sent + " sent, and nothing came back."
                : sent + " sent, and what came back (segments: " + segments + ") accepts none of them: something there"
                        + " may still hold an old connection of the same addresses and ports (TIME_WAIT).";
    }

    private static String hung(Probes probes) {
        return left(probes)
                + probes.acknowledgedAfter()
                        .map(after -> " and its kernel acknowledged it "
                                + (after.toMillis() < 1 ? "within 1 ms" : "after " + after.toMillis() + " ms"))
                        .orElse(" and its kernel acknowledged it")
                + ", but nothing answered " + count(probes) + ".";
    }

    private static String silent(Probes probes) {
        return left(probes) + ", and nothing answered " + count(probes);
    }

    private static String left(Probes probes) {
        long late = probes.lateness().toMillis();
        return "probe " + probes.newest() + " left " + (late < Probes.ON_TIME_MILLIS ? "on time" : late + " ms late");
    }

    private static String count(Probes probes) {
        String each = millis(probes.timeout());
        return probes.unanswered() == 1 ? "it in " + each : probes.unanswered() + " probes of " + each + " each";
    }

    private static String because(PeerDeath death) {
        String why = death.error()
                .map(error -> error.getMessage() == null ? error.toString() : error.getMessage())
                .orElse("no error is known");
        return why.endsWith(".") ? why : why + ".";
    }

    private static String millis(Duration duration) {
        long millis = duration.toMillis();
        return millis % 1000 == 0 ? millis / 1000 + " s" : millis + " ms";
    }

    static String seconds(long millis) {
        return Math.round(millis / 100.0) / 10.0 + " s";
    }
}
