package dev.holdfast;

import dev.holdfast.wire.Drain;
import java.time.Duration;

/** Whom a link belongs to: the client's life, or the server. Called on the link's event loop. */
interface LinkOwner {
    /** The peer's kernel has accepted. */
    void onConnected(Link link);

    /** Handshakes are complete; messages of the peer follow. */
    void onUp(Link link);

    /** Something of less weight than an end. */
    void onEvent(ConnectionEvent event);

    /** The state of things, for an event. */
    ConnectionEvent.Moment moment(Link link);

    /** The peer asks us to move away. */
    void onDrainAsked(Link link, Drain drain);

    /** Somebody drains this connection by itself. */
    void onDrainWanted(Link link, Duration span);

    /** The peer has said its last word, or its FIN: nothing new should be sent. */
    void onPeerEnds(Link link);

    /** The account. */
    Counting counting();

    /** Whether a proxy's handler stands in front. */
    boolean isBehindProxy();

    /** Whether our own hook's refusal makes it senseless to try again. */
    boolean isFinal(HandshakeRefusedException refused);

    /**
     * The link is gone; called once for every link whose channel was active.
     *
     * @param wasUp whether its handshake had been complete
     */
    void onGone(Link link, Outcome outcome, boolean wasUp);

    /** The link's channel has given up its pipeline; the last call, for every link, whether it was active or not. */
    void onRemoved(Link link);
}
