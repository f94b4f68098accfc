package dev.holdfast.heartbeat;

import dev.holdfast.verdict.PeerDeath;
import java.io.IOException;

/** A write was pending when the peer was found dead. */
public final class PeerDeadException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient PeerDeath death;

    PeerDeadException(PeerDeath death) {
        super(death.explain(), death.error().orElse(null));
        this.death = death;
    }

    /** Why the peer is dead. */
    public PeerDeath death() {
        return death;
    }
}
