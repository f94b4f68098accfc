package dev.holdfast;

import java.time.Duration;
import java.util.Locale;

/** Events as a line for people. */
final class EventText {
    private EventText() {}

    static String of(ConnectionEvent.Moment moment) {
        return String.format(Locale.ROOT, "%.3f s %s", moment.at().toNanos() / 1e9, moment.name())
                + (moment.epoch() == 0 ? "" : " #" + moment.epoch());
    }

    static String of(ConnectionEvent event) {
        return event.moment() + ": " + text(event);
    }

    private static String text(ConnectionEvent event) {
        if (event instanceof ConnectionEvent.Connecting connecting) {
            return "connecting to " + ClientLife.address(connecting.address())
                    + connecting.before().map(before -> " after " + before).orElse("");
        } else if (event instanceof ConnectionEvent.Up up) {
            return "up, " + ClientLife.address(up.connection().remoteAddress());
        } else if (event instanceof ConnectionEvent.Suspect suspect) {
            return "suspect, " + suspect.unanswered() + " unanswered, silent for " + millis(suspect.silence());
        } else if (event instanceof ConnectionEvent.Alive) {
            return "alive";
        } else if (event instanceof ConnectionEvent.LocalStall stall) {
            return "local stall of " + millis(stall.length());
        } else if (event instanceof ConnectionEvent.Writability writability) {
            return writability.writable() ? "writable" : "not writable";
        } else if (event instanceof ConnectionEvent.Draining draining) {
            return "draining within " + millis(draining.span()) + ", " + draining.why();
        } else if (event instanceof ConnectionEvent.Drained drained) {
            return drained.complete() ? "drained" : "drained in part, the span is over";
        } else if (event instanceof ConnectionEvent.Down down) {
            return "down, " + down.ending();
        } else if (event instanceof ConnectionEvent.Waiting waiting) {
            return "waiting for " + millis(waiting.delay()) + " before attempt " + waiting.attempt()
                    + waiting.why().map(why -> ", " + why).orElse("");
        } else if (event instanceof ConnectionEvent.Closed closed) {
            return "closed, " + closed.ending();
        }
        throw new IllegalArgumentException("event: " + event.getClass());
    }

    private static String millis(Duration time) {
        return time.toMillis() + " ms";
    }
}
