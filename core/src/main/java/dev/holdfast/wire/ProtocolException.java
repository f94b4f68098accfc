package dev.holdfast.wire;

/**
 * The peer broke a rule of the protocol, or no version is common to both sides. The connection can't go on: its stream
 * is out of step or speaks another language.
 *
 * <p>The message names what was read, and the rule. What came from the peer appears in it as numbers, or as printable
 * ASCII with dots for everything else.
 */
public final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final CloseReason reason;

    ProtocolException(CloseReason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /** The reason to give in the {@link Close} that answers it. */
    public CloseReason reason() {
        return reason;
    }
}
