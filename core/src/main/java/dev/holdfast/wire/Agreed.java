package dev.holdfast.wire;

import java.util.Objects;

/**
 * The user event that {@link HelloHandler} fires down the pipeline, once, when both HELLOs are there and a version is common
 * to both: from now on frames of ours may be sent. Immutable.
 *
 * @param theirs what the peer said; its {@link Hello#maxPayload()} is the limit of the messages that we send
 * @param agreement what both HELLOs come to
 */
public record Agreed(Hello theirs, Agreement agreement) {
    /** Checks that nothing is null. */
    public Agreed {
        Objects.requireNonNull(theirs, "theirs");
        Objects.requireNonNull(agreement, "agreement");
    }
}
