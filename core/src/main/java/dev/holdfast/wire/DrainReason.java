package dev.holdfast.wire;

/**
 * Why a side asks the other to move away, as it says in a {@link Drain}.
 *
 * <p>Codes from 0x8000 to 0xFFFF are for applications; they, and codes of newer versions, are {@link #UNKNOWN} here, and
 * their number is in {@link Drain#code()}.
 */
public enum DrainReason {
    /** The sender's program shuts down. */
    SHUTDOWN(1),
    /** The sender's program is about to start again, with a new version for instance. */
    RESTART(2),
    /** The load is to be spread anew. */
    REBALANCE(3),
    /** The connection has reached its maximum age. */
    MAX_AGE(4),
    /** The sender has too much to do. */
    OVERLOADED(5),
    /** A code that this version does not know. Never sent: it has no number of its own. */
    UNKNOWN(-1);

    private static final DrainReason[] VALUES = values();

    private final int code;

    DrainReason(int code) {
        this.code = code;
    }

    /** The reason's number on the wire, or -1 for {@link #UNKNOWN}. */
    public int code() {
        return code;
    }

    /** The reason of a number, {@link #UNKNOWN} if it has none. */
    public static DrainReason of(int code) {
        for (DrainReason reason : VALUES) {
            if (reason.code == code) {
                return reason;
            }
        }
        return UNKNOWN;
    }
}
