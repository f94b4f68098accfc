package dev.holdfast;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A handshake was refused. The client ends with it instead of trying again, except where it says otherwise. */
public final class HandshakeRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient @Nullable Object credential;

    private HandshakeRefusedException(String message, @Nullable Object credential) {
        super(message);
        this.credential = credential;
    }

    /** It makes no sense to try again. */
    public static HandshakeRefusedException forGood(String message) {
        return new HandshakeRefusedException(message, null);
    }

    /**
     * This credential was refused. Another may be accepted, so the client tries again; if the next attempt is refused with an
     * equal one, it ends.
     *
     * @param credential what identifies it, best not the secret itself: it is compared by {@code equals} and kept until the next
     *     attempt
     */
    public static HandshakeRefusedException ofCredential(Object credential, String message) {
        return new HandshakeRefusedException(message, java.util.Objects.requireNonNull(credential, "credential"));
    }

    /** What was refused; empty if it is for good. */
    public Optional<Object> credential() {
        return Optional.ofNullable(credential);
    }
}
