package dev.holdfast.examples;

import dev.holdfast.ConnectionEvent;
import dev.holdfast.Counters;
import dev.holdfast.Delivery;
import dev.holdfast.Ending;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.wire.Close;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The events of the connection layer, as they are printed. Thread-safe. */
final class ConnectionEvents {
    /** The options are much the same each time: the whole table is for the first connection, and for one that lacks some. */
    private final AtomicBoolean tableShown = new AtomicBoolean();

    /** The event with its epoch. */
    Happening of(ConnectionEvent event) {
        Happening told = told(event);
        Map<String, @Nullable Object> fields =
                Details.fields("epoch", event.moment().epoch());
        fields.putAll(told.fields());
        return new Happening(told.name(), told.text(), fields);
    }

    private Happening told(ConnectionEvent event) {
        if (event instanceof ConnectionEvent.Connecting connecting) {
            return connecting(connecting);
        } else if (event instanceof ConnectionEvent.Up up) {
            return up(up);
        } else if (event instanceof ConnectionEvent.Suspect suspect) {
            return Happening.suspect(suspect.unanswered(), suspect.silence());
        } else if (event instanceof ConnectionEvent.Alive) {
            return Happening.alive();
        } else if (event instanceof ConnectionEvent.LocalStall stall) {
            return Happening.localStall(stall.length());
        } else if (event instanceof ConnectionEvent.Down down) {
            return down(down.ending());
        } else if (event instanceof ConnectionEvent.Waiting waiting) {
            return waiting(waiting);
        } else if (event instanceof ConnectionEvent.Closed closed) {
            return closed(closed);
        }
        return ofDrain(event);
    }

    private static Happening ofDrain(ConnectionEvent event) {
        if (event instanceof ConnectionEvent.Draining draining) {
            return new Happening(
                    "draining",
                    draining.why() + ", within " + Times.text(draining.span()),
                    Details.fields(
                            "why", draining.why(), "spanMillis", draining.span().toMillis()));
        } else if (event instanceof ConnectionEvent.Drained drained) {
            return new Happening(
                    "drained",
                    drained.complete()
                            ? "all that was sent has found its fate"
                            : "not all that was sent has found its fate",
                    Details.fields("complete", drained.complete()));
        }
        boolean writable = event instanceof ConnectionEvent.Writability change && change.writable();
        return new Happening(
                "writability",
                writable ? "there is room for more" : "too much is on its way",
                Details.fields("writable", writable));
    }

    private static Happening connecting(ConnectionEvent.Connecting connecting) {
        String remote = address(connecting.address());
        Optional<String> before = connecting.before().map(Ending::reason);
        return new Happening(
                "connecting",
                remote + ", attempt " + connecting.moment().epoch()
                        + before.map(why -> "; the one before: " + why).orElse(""),
                Details.fields("remote", remote, "before", before.orElse(null)));
    }

    private Happening up(ConnectionEvent.Up up) {
        OptionReport report = up.report();
        boolean table = !report.problems().isEmpty() || !tableShown.getAndSet(true);
        return new Happening(
                "up",
                "epoch " + up.moment().epoch() + ", " + (table ? report.toString() : report.socket()),
                Details.fields(
                        "local", address(up.connection().localAddress()),
                        "remote", address(up.connection().remoteAddress()),
                        "options", Details.of(report),
                        "warnings", report.warnings()));
    }

    private static Happening down(Ending ending) {
        Map<String, @Nullable Object> fields = ending(ending);
        fields.put("cause", null);
        ending.death().ifPresent(death -> fields.putAll(Details.of(death)));
        String text = ending.death()
                .map(death -> death.cause() + ": " + death.explain())
                .orElse(ending.toString());
        return new Happening("down", text, fields);
    }

    private static Happening waiting(ConnectionEvent.Waiting waiting) {
        String why = waiting.why().map(Ending::toString).orElse("nothing was tried yet");
        return new Happening(
                "waiting",
                Times.text(waiting.delay()) + ", number " + waiting.attempt() + " in a row; " + why,
                Details.fields(
                        "attempt", waiting.attempt(),
                        "delayMillis", waiting.delay().toMillis(),
                        "kind", waiting.why().map(Ending::kind).map(Enum::name).orElse(null),
                        "why", waiting.why().map(Ending::reason).orElse(null)));
    }

    private static Happening closed(ConnectionEvent.Closed closed) {
        Counters counters = closed.moment().counters();
        Map<String, @Nullable Object> fields = ending(closed.ending());
        fields.putAll(of(counters));
        return new Happening("closed", closed.ending() + "; " + text(counters), fields);
    }

    /** The fate of a message that is not known to have arrived. */
    static Happening of(Delivery delivery, String line) {
        String reason = delivery.reason().orElse("handed to the kernel; nothing here confirms");
        return new Happening(
                delivery.state().name().toLowerCase(Locale.ROOT).replace('_', '-'),
                "message " + delivery.id() + " '" + EventLog.printable(line) + "': " + reason,
                Details.fields("message", delivery.id(), "data", line, "reason", reason));
    }

    static Map<String, @Nullable Object> of(Counters counters) {
        return Details.fields(
                "ups", counters.ups(),
                "deaths", counters.deaths(),
                "refused", counters.refused(),
                "sent", counters.sent(),
                "written", counters.written(),
                "confirmed", counters.confirmed(),
                "notSent", counters.notSent(),
                "unknown", counters.unknown(),
                "received", counters.received());
    }

    static String text(Counters counters) {
        return counters.sent() + " messages sent: " + counters.confirmed() + " confirmed, " + counters.notSent()
                + " not sent, " + counters.unknown() + " unknown";
    }

    private static Map<String, @Nullable Object> ending(Ending ending) {
        Optional<Close> close = ending.close();
        return Details.fields(
                "kind", ending.kind().name(),
                "reason", ending.reason(),
                "closeReason", close.map(Close::reason).map(Enum::name).orElse(null),
                "reconnectAfterMillis",
                        close.flatMap(Close::reconnectAfter)
                                .map(Duration::toMillis)
                                .orElse(null));
    }

    private static String address(InetSocketAddress address) {
        return new Endpoint(
                        address.isUnresolved()
                                ? address.getHostString()
                                : address.getAddress().getHostAddress(),
                        address.getPort())
                .toString();
    }
}
