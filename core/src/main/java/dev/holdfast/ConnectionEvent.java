package dev.holdfast;

import dev.holdfast.socket.OptionReport;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;

/**
 * What happens to a connection. Told to the {@link ConnectionListener} one by one, in order, each with the state of things at
 * its time; {@code toString()} is a line for people. {@link Up} and {@link Down} alternate, for every client and for every connection of a server; {@link Closed} comes
 * once, and last.
 */
public sealed interface ConnectionEvent {
    /**
     * When it was, and where things stood then.
     *
     * @param name of the client: what it was built with; on a server the address of the connection's peer, or its own
     * @param epoch the number of the attempt, from 1; on a server the number of the connection; 0 where there is none yet
     * @param at since the start, by a clock that never jumps
     * @param state the state just entered, or the present one
     * @param counters the numbers at that time
     */
    record Moment(String name, long epoch, Duration at, ConnectionState state, Counters counters) {
        /** Time, name and epoch, for people. */
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /** When it was, and where things stood then. */
    Moment moment();

    /**
     * An attempt begins.
     *
     * @param address the one that is being connected to
     * @param before how the attempt before it failed, where that was in the same round
     */
    record Connecting(Moment moment, InetSocketAddress address, Optional<Ending> before) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /**
     * Messages flow: connect and handshakes are complete.
     *
     * @param connection the new one
     * @param report what was really applied to its socket
     */
    record Up(Moment moment, Connection connection, OptionReport report) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /**
     * A beat went unanswered.
     *
     * @param unanswered probes without an answer, the newest not counted
     * @param silence since the peer's last byte
     */
    record Suspect(Moment moment, Connection connection, int unanswered, Duration silence) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /** A peer that had been suspected was heard. */
    record Alive(Moment moment, Connection connection) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /** Our own event loop did not run for so long; nothing of it is held against the peer. */
    record LocalStall(Moment moment, Connection connection, Duration length) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /** Whether the connection takes more, see {@link Connection#isWritable()}. */
    record Writability(Moment moment, Connection connection, boolean writable) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /**
     * What was sent is being finished, and nothing new should be begun: somebody drains, or the peer asks for it.
     *
     * @param why in a few words
     * @param span how long it may take
     */
    record Draining(Moment moment, Connection connection, String why, Duration span) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /**
     * The end of a drain; {@link Down} follows. Not told where the connection died instead.
     *
     * @param complete whether everything that was sent was confirmed, or at least written where nothing can be confirmed
     */
    record Drained(Moment moment, Connection connection, boolean complete) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /** The connection is gone. */
    record Down(Moment moment, Connection connection, Ending ending) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /**
     * There is no connection, and the next round begins after the delay.
     *
     * @param attempt the number of rounds and short-lived connections that failed in a row
     * @param delay how long it takes until then, at least: the budget's slot may come later
     * @param why how the last attempt ended; empty before the first
     */
    record Waiting(Moment moment, int attempt, Duration delay, Optional<Ending> why) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }

    /** It is over; the last event. */
    record Closed(Moment moment, Ending ending) implements ConnectionEvent {
        @Override
        public String toString() {
            return EventText.of(this);
        }
    }
}
