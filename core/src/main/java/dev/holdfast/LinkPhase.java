package dev.holdfast;

/** How far a connection has come. */
enum LinkPhase {
    /** The transport, TLS or HELLO is not complete. */
    OPENING(ConnectionState.HANDSHAKING),
    /** The application's handshake. */
    SHAKING(ConnectionState.HANDSHAKING),
    /** Messages flow. */
    UP(ConnectionState.UP),
    /** No new messages of ours; what was sent is to be confirmed. */
    DRAINING(ConnectionState.DRAINING),
    /** We say the last word and read to the peer's. */
    PARTING(ConnectionState.DRAINING),
    /** It is gone. Terminal. */
    ENDED(ConnectionState.CLOSED);

    /** As the user sees it. */
    final ConnectionState state;

    LinkPhase(ConnectionState state) {
        this.state = state;
    }

    /** Whether messages flow, or have. */
    boolean isOpen() {
        return this == UP || this == DRAINING || this == PARTING;
    }

    /** Whether frames of ours may still go. */
    boolean maySpeak() {
        return this == SHAKING || this == UP || this == DRAINING;
    }
}
