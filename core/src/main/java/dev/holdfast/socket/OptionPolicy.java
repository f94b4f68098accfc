package dev.holdfast.socket;

/** What to do about an option that is not in force as asked ({@link OptionReport.Status#isInForce()}). */
public enum OptionPolicy {
    /**
     * The connect, bind or apply fails with a {@link SocketOptionException} that carries the report, and nothing stays
     * half-applied: what would be connected is closed, what was open gets its old values back.
     */
    FAIL,
    /** One warning is logged, and the connection is used as it is. The default: a report nobody reads must not be silent. */
    WARN,
    /** Only the report tells. */
    IGNORE
}
