package dev.holdfast;

/** Where a connection stands. */
public enum ConnectionState {
    /** It has not been started. */
    IDLE,
    /** A round has begun: the names are being resolved. */
    RESOLVING,
    /** One of the addresses is being connected to. */
    CONNECTING,
    /** The peer's kernel has accepted; TLS, HELLO and the handshake of the application are under way. */
    HANDSHAKING,
    /** Messages flow. */
    UP,
    /** What was sent is being finished; nothing new is begun on this connection. Another one follows, or the end. */
    DRAINING,
    /** There is no connection; the next round begins when the delay has passed. */
    WAITING,
    /** It is over. Terminal. */
    CLOSED
}
