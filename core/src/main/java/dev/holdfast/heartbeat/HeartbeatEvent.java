package dev.holdfast.heartbeat;

import dev.holdfast.verdict.PeerDeath;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/** What happens to a connection's heartbeat. */
public sealed interface HeartbeatEvent {
    /**
     * A beat was answered. Told only if {@link HeartbeatOptions.Builder#beatEvents} asks for it.
     *
     * @param sequence the beat's number, from 1
     * @param lateness how long after its due time it left, up to 35 min
     * @param roundTrip from the moment it was handed to the channel to its answer
     */
    record Beat(long sequence, Duration lateness, Duration roundTrip) implements HeartbeatEvent {
        /** Checks that nothing is null. */
        public Beat {
            Objects.requireNonNull(lateness, "lateness");
            Objects.requireNonNull(roundTrip, "roundTrip");
        }
    }

    /**
     * A beat went unanswered for its timeout; a further probe has left.
     *
     * @param unanswered probes that are unanswered, the new one not counted
     * @param silence the time since the peer's last byte
     */
    record Suspect(int unanswered, Duration silence) implements HeartbeatEvent {
        /** Checks that nothing is null. */
        public Suspect {
            Objects.requireNonNull(silence, "silence");
        }
    }

    /** A peer that had been suspected was heard. */
    record Alive() implements HeartbeatEvent {}

    /**
     * Our own event loop did not run, and something of this connection was due meanwhile. Nothing of it is held against
     * the peer.
     *
     * @param length how late the loop's timer was
     */
    record LocalStall(Duration length) implements HeartbeatEvent {
        /** Checks that nothing is null. */
        public LocalStall {
            Objects.requireNonNull(length, "length");
        }
    }

    /**
     * Both sides have exchanged their HELLOs; beats begin, unless they wait for {@link HeartbeatHandler#start}. Told once. Only with {@link HeartbeatProtocol#framed}.
     *
     * @param sendInterval how often we have promised to be heard; zero where the peer does not rely on it
     * @param receiveInterval how often the peer has promised to be heard; zero where it has not
     * @param bound within what time a dead peer is found, without ticks and stalls of our own; empty if never: the peer
     *     sends no beats and the mode is to watch only
     * @param lengthened whether that is longer than the options alone would have it, or never
     */
    record Agreed(Duration sendInterval, Duration receiveInterval, Optional<Duration> bound, boolean lengthened)
            implements HeartbeatEvent {
        /** Checks that nothing is null. */
        public Agreed {
            Objects.requireNonNull(sendInterval, "sendInterval");
            Objects.requireNonNull(receiveInterval, "receiveInterval");
            Objects.requireNonNull(bound, "bound");
        }
    }

    /**
     * The verdict. The last event of a connection.
     *
     * @param death why, after how long, and the evidence
     */
    record PeerDead(PeerDeath death) implements HeartbeatEvent {
        /** Checks that nothing is null. */
        public PeerDead {
            Objects.requireNonNull(death, "death");
        }
    }
}
