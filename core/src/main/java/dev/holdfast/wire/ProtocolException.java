package dev.holdfast.wire;

/**
 * The peer broke a rule of the protocol, has no version in common with us, or did not send its HELLO in time. The
 * connection can't go on: its stream is out of step, speaks another language or never began.
 *
 * <p>The message names what was read, and the rule. What came from the peer appears in it as numbers, or as printable
 * ASCII with dots for everything else.
 */
public final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final CloseReason reason;

    /**
     * An exception to be fired from the head of the pipeline, for a refusal: {@link HelloHandler} says CLOSE with the reason.
     *
     * @param message what was seen and what was expected, with nothing unescaped of the peer's in it
     */
    public ProtocolException(CloseReason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /** The reason to give in the {@link Close} that answers it. */
    public CloseReason reason() {
        return reason;
    }
}
