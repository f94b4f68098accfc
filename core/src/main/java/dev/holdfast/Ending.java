package dev.holdfast;

import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.wire.Close;
import java.util.Objects;
import java.util.Optional;

/**
 * How a connection ended, or an attempt to make one. Immutable.
 *
 * @param kind in one word
 * @param reason in a sentence; what came from the peer is escaped in it
 * @param death the verdict and its evidence; there for {@link Kind#PEER_DEAD}, and where the connect or the handshake failed
 *     with a cause that can be named
 * @param close the CLOSE that the peer sent; empty if it sent none
 */
public record Ending(Kind kind, String reason, Optional<PeerDeath> death, Optional<Close> close) {
    /** What kind of end it was. */
    public enum Kind {
        /** The peer was found dead, or was given up. */
        PEER_DEAD,
        /** The peer closed in the regular way. */
        PEER_CLOSED,
        /** We closed it, and want no other. */
        CLOSED,
        /** We left it for another one: its age, a DRAIN of the peer's, or somebody's wish. */
        MOVED,
        /** The name could not be resolved, or to nothing. */
        RESOLVE_FAILED,
        /** None of the addresses, or not this one, accepted the connection in time. */
        CONNECT_FAILED,
        /** TLS, HELLO or the handshake of the application did not succeed. */
        HANDSHAKE_FAILED,
        /** One side said that it makes no sense to try again. */
        REFUSED
    }

    /** Checks that nothing is null. */
    public Ending {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(reason, "reason");
        Objects.requireNonNull(death, "death");
        Objects.requireNonNull(close, "close");
    }

    static Ending of(Kind kind, String reason) {
        return new Ending(kind, reason, Optional.empty(), Optional.empty());
    }

    static Ending of(Kind kind, PeerDeath death) {
        return new Ending(kind, death.explain(), Optional.of(death), Optional.empty());
    }

    /** The kind and the sentence. */
    @Override
    public String toString() {
        return kind + ": " + reason;
    }
}
