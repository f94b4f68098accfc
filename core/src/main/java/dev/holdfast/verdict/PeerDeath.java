package dev.holdfast.verdict;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * The death of a connection: why, after how long, and the evidence.
 *
 * @param peer whom the connection was with, as people know it ({@code host:port})
 * @param cause why it died
 * @param detectedAfter the time from the last byte that came from the peer, or from the connect where none had come, to
 *     the verdict
 * @param rule which rule spoke the verdict, in a few words
 * @param evidence what was known when it was spoken
 * @param error what the kernel or the transport reported; empty where the verdict is our own
 */
public record PeerDeath(
        String peer,
        DeathCause cause,
        Duration detectedAfter,
        String rule,
        Evidence evidence,
        Optional<Throwable> error) {
    /** Checks that nothing is null. */
    public PeerDeath {
        Objects.requireNonNull(peer, "peer");
        Objects.requireNonNull(cause, "cause");
        Objects.requireNonNull(detectedAfter, "detectedAfter");
        Objects.requireNonNull(rule, "rule");
        Objects.requireNonNull(evidence, "evidence");
        Objects.requireNonNull(error, "error");
    }

    /** The same death of the same peer, called otherwise. */
    public PeerDeath withPeer(String otherName) {
        return new PeerDeath(otherName, cause, detectedAfter, rule, evidence, error);
    }

    /** What happened, in one to three plain sentences. */
    public String explain() {
        String since = cause == DeathCause.CONNECT_TIMEOUT ? "the connect began." : "its last byte, or the connect.";
        return peer + (cause.leavesPeerAlive() ? " is given up: " : " is dead: ") + Sentence.of(this) + " Noticed "
                + Sentence.seconds(detectedAfter.toMillis()) + " after " + since;
    }
}
