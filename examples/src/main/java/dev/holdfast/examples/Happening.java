package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.Drain;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An event of the heartbeat or of the framed protocol, as it is printed.
 *
 * @param name the event's
 * @param text what a person reads
 * @param fields what a program reads
 */
record Happening(String name, String text, Map<String, @Nullable Object> fields) {
    static Happening of(HeartbeatEvent event) {
        if (event instanceof HeartbeatEvent.Beat beat) {
            return new Happening(
                    "beat",
                    "number " + beat.sequence() + " left " + millis(beat.lateness()) + " late and was answered after "
                            + millis(beat.roundTrip()),
                    Details.fields(
                            "sequence", beat.sequence(),
                            "lateMicros", Details.micros(beat.lateness()),
                            "rttMicros", Details.micros(beat.roundTrip())));
        }
        if (event instanceof HeartbeatEvent.Suspect suspect) {
            return suspect(suspect.unanswered(), suspect.silence());
        }
        if (event instanceof HeartbeatEvent.LocalStall stall) {
            return localStall(stall.length());
        }
        if (event instanceof HeartbeatEvent.PeerDead dead) {
            return new Happening(
                    "dead", dead.death().cause() + ": " + dead.death().explain(), Details.of(dead.death()));
        }
        if (event instanceof HeartbeatEvent.Agreed agreed) {
            return agreed(agreed);
        }
        if (event instanceof HeartbeatEvent.Alive) {
            return alive();
        }
        return new Happening("heartbeat", event.toString(), Details.fields("told", event.toString()));
    }

    static Happening suspect(int unanswered, Duration silence) {
        return new Happening(
                "suspect",
                unanswered + " unanswered, silent for " + silence.toMillis() + " ms",
                Details.fields("unanswered", unanswered, "silenceMillis", silence.toMillis()));
    }

    static Happening alive() {
        return new Happening("alive", "heard again", Details.fields());
    }

    static Happening localStall(Duration length) {
        return new Happening(
                "local-stall",
                "we ourselves stood still for " + length.toMillis() + " ms; the peer is not blamed for it",
                Details.fields("millis", length.toMillis()));
    }

    private static Happening agreed(HeartbeatEvent.Agreed agreed) {
        String bound = agreed.bound()
                .map(within -> "a dead peer is found within " + within.toMillis() + " ms")
                .orElse("a dead peer is not found by beats");
        return new Happening(
                "agreed",
                bound + (agreed.lengthened() ? ", later than asked for" : ""),
                Details.fields(
                        "sendMillis", agreed.sendInterval().toMillis(),
                        "receiveMillis", agreed.receiveInterval().toMillis(),
                        "boundMillis", agreed.bound().map(Duration::toMillis).orElse(null),
                        "lengthened", agreed.lengthened()));
    }

    /** A CLOSE of the peer's. */
    static Happening of(Close close) {
        return new Happening(
                "close-received",
                close.reason() + " (" + close.code() + "), connect again: "
                        + close.reconnectAfter()
                                .map(after -> "after " + after.toMillis() + " ms")
                                .orElse("never"),
                Details.fields(
                        "reason", close.reason().name(),
                        "code", close.code(),
                        "reconnectAfterMillis",
                                close.reconnectAfter().map(Duration::toMillis).orElse(null)));
    }

    /** A DRAIN of the peer's. */
    static Happening of(Drain drain) {
        return new Happening(
                "drain-received",
                drain.reason() + " (" + drain.code() + "), within "
                        + drain.span().toMillis() + " ms",
                Details.fields(
                        "reason", drain.reason().name(),
                        "code", drain.code(),
                        "spanMillis", drain.span().toMillis()));
    }

    private static String millis(Duration duration) {
        return String.format(Locale.ROOT, "%.2f ms", duration.toNanos() / 1e6);
    }
}
