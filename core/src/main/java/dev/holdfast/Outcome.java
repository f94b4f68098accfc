package dev.holdfast;

import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.ProtocolException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How one connection ends, as it becomes known, and whether another should follow. Pure; confined to the event loop. */
final class Outcome {
    private @Nullable Ending ending;
    private boolean forGood;
    private Duration noEarlier = Duration.ZERO;

    boolean isKnown() {
        return ending != null;
    }

    Ending ending() {
        return Objects.requireNonNull(ending);
    }

    /** Whether it makes no sense to connect again. */
    boolean isForGood() {
        return forGood;
    }

    /** How long the peer wants to be left alone. */
    Duration noEarlier() {
        return noEarlier;
    }

    /** The first reason is the one that counts. */
    void endWith(Ending reason) {
        if (ending == null) {
            ending = reason;
        }
    }

    /** Somebody wants no other connection: the move under way becomes the end. */
    void endMoveWith(Ending reason) {
        if (isMove()) {
            ending = reason;
        }
    }

    private boolean isMove() {
        Ending planned = ending;
        return planned != null && planned.kind() == Ending.Kind.MOVED;
    }

    /** We end it, and connect no more. */
    void refuse(String why) {
        forGood = true;
        endWith(Ending.of(Ending.Kind.REFUSED, why));
    }

    /** The application's handshake failed on this side. */
    void handshakeFailed(Throwable error, boolean last) {
        String why = error instanceof HandshakeRefusedException ? String.valueOf(error.getMessage()) : error.toString();
        if (last) {
            refuse(why);
        } else {
            endWith(Ending.of(Ending.Kind.HANDSHAKE_FAILED, why));
        }
    }

    /** @param draining whether an end was only planned: a death is news then */
    void died(PeerDeath death, boolean wasUp, boolean draining) {
        forGood |= !wasUp
                && death.error().orElse(null) instanceof ProtocolException broken
                && broken.reason() == CloseReason.VERSION;
        Ending.Kind kind = wasUp ? Ending.Kind.PEER_DEAD : forGood ? Ending.Kind.REFUSED : Ending.Kind.HANDSHAKE_FAILED;
        Ending died = Ending.of(kind, death);
        if (draining) {
            ending = died;
        }
        endWith(died);
    }

    /**
     * The peer has said CLOSE.
     *
     * @param client whether we had connected, so that the advice is for us
     * @param inVain whether it has refused the same credential twice
     */
    void peerSaid(Close close, boolean client, boolean wasUp, boolean inVain) {
        boolean leaveIt = inVain
                || close.reason() == CloseReason.VERSION
                || close.reconnectAfter().isEmpty();
        forGood |= client && leaveIt;
        noEarlier = close.reconnectAfter().orElse(Duration.ZERO);
        Ending.Kind kind =
                forGood ? Ending.Kind.REFUSED : wasUp ? Ending.Kind.PEER_CLOSED : Ending.Kind.HANDSHAKE_FAILED;
        String advice = close.reconnectAfter()
                .map(after -> after.isZero() ? "" : ", come back after " + after)
                .orElse(", do not come back");
        String code = close.reason() == CloseReason.UNKNOWN
                ? "code " + close.code()
                : close.reason().name();
        Ending said = new Ending(kind, "the peer said CLOSE " + code + advice, Optional.empty(), Optional.of(close));
        if (forGood) {
            endMoveWith(said); // there will be no other
        }
        endWith(said);
    }

    /** The end of its stream has come. */
    void peerClosed(boolean wasUp) {
        endWith(
                wasUp
                        ? Ending.of(Ending.Kind.PEER_CLOSED, "the peer closed")
                        : Ending.of(Ending.Kind.HANDSHAKE_FAILED, "the peer closed before the handshake was complete"));
    }
}
