package dev.holdfast.wire;

/**
 * Why a side closes the connection, as it says in a {@link Close}.
 *
 * <p>Codes from 0x8000 to 0xFFFF are for applications; they, and codes of newer versions, are {@link #UNKNOWN} here, and
 * their number is in {@link Close#code()}.
 */
public enum CloseReason {
    /** The sender needs the connection no longer. */
    NORMAL(1),
    /** The sender's program or host is going away, or has drained. */
    GOING_AWAY(2),
    /** The receiver of this CLOSE sent something that the protocol forbids. */
    PROTOCOL_ERROR(3),
    /** The two sides have no version in common. */
    VERSION(4),
    /** The receiver of this CLOSE sent a frame above the limit it had been told. */
    FRAME_TOO_LARGE(5),
    /** The receiver of this CLOSE sent PINGs faster than permitted. */
    TOO_MANY_PINGS(6),
    /** The sender takes no more connections, or no more from this address. */
    OVERLOADED(7),
    /** The receiver of this CLOSE did not finish its handshake in time. */
    HANDSHAKE_TIMEOUT(8),
    /** The application's own handshake refused the peer: a wrong credential, for instance. */
    REFUSED(9),
    /** The beat interval agreed upon would lengthen a bound that the sender must keep. */
    BEAT_INTERVAL(10),
    /** The sender failed, for no fault of the receiver's. */
    INTERNAL_ERROR(11),
    /** A code that this version does not know. Never sent: it has no number of its own. */
    UNKNOWN(-1);

    private static final CloseReason[] VALUES = values();

    private final int code;

    CloseReason(int code) {
        this.code = code;
    }

    /** The reason's number on the wire, or -1 for {@link #UNKNOWN}. */
    public int code() {
        return code;
    }

    /** The reason of a number, {@link #UNKNOWN} if it has none. */
    public static CloseReason of(int code) {
        for (CloseReason reason : VALUES) {
            if (reason.code == code) {
                return reason;
            }
        }
        return UNKNOWN;
    }
}
