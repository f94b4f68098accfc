package dev.holdfast.examples.lab;

import dev.holdfast.policy.DetectionBounds;
import dev.holdfast.policy.Detector;
import dev.holdfast.policy.FailureMode;
import java.util.Locale;

/** From when a bound counts. */
enum Moment {
    /** The connect began. */
    CONNECT,
    /** The program received the last byte, or the connection. */
    LAST_BYTE,
    /** The kernel received the last segment; on NIO, which cannot ask it, as {@link #LAST_BYTE}. */
    LAST_SEGMENT,
    /** The first write after the fault, or the last one if there was none after it. */
    WRITE,
    /** The peer's window closed. */
    WINDOW_CLOSED,
    /** The last window probe was answered. */
    LAST_PROBE,
    /** The program closed the connection. */
    CLOSE,
    /** The last fault was made. */
    FAULT;

    /** The moment from which a computed bound counts. */
    static Moment of(DetectionBounds.Bound bound) {
        if (bound.detector() == Detector.HEARTBEAT) {
            return LAST_BYTE;
        }
        return switch (bound.mode()) {
            case IDLE_PEER_VANISHED,
                    IDLE_LOCAL_QUEUE_DROP,
                    PEER_PROGRAM_HUNG,
                    PEER_REBOOTED,
                    MIDDLEBOX_FORGOT_SILENTLY,
                    MIDDLEBOX_FORGOT_WITH_RESET -> LAST_SEGMENT;
            case UNACKED_PEER_VANISHED, LOCAL_FILTER_DROP, LOCAL_QUEUE_DROP -> WRITE;
            case ZERO_WINDOW_PEER_ALIVE -> WINDOW_CLOSED;
            case ZERO_WINDOW_PEER_VANISHED ->
                bound.countedFrom().equals(FailureMode.ZERO_WINDOW_PEER_ALIVE.countedFrom())
                        ? WINDOW_CLOSED
                        : LAST_PROBE;
            case CONNECT_BLACKHOLED -> CONNECT;
            case CLOSED_PEER_VANISHED -> CLOSE;
        };
    }

    String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
