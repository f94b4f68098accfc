package dev.holdfast.examples;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.netty.util.concurrent.Ticker;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Prints what happens, one event a line, each with the time since the log was made; in JSON an object a line. Safe from
 * any thread.
 */
final class EventLog {
    /** How events are printed. */
    enum Format {
        text,
        json
    }

    private static final Gson JSON =
            new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

    private final PrintStream out;
    private final Format format;
    private final Ticker ticker = Ticker.systemTicker();
    private final long startNanos = ticker.nanoTime();

    EventLog(PrintStream out, Format format) {
        this.out = out;
        this.format = format;
    }

    /** Milliseconds on the monotonic clock since the log was made. */
    long elapsedMillis() {
        return TimeUnit.NANOSECONDS.toMillis(ticker.nanoTime() - startNanos);
    }

    /**
     * Prints an event.
     *
     * @param text what a person reads, a line or several
     * @param fields what a program reads
     */
    synchronized void print(String event, String text, Map<String, ?> fields) {
        long millis = elapsedMillis();
        if (format == Format.json) {
            Map<String, @Nullable Object> object = Details.fields("event", event, "elapsedMillis", millis);
            object.putAll(fields);
            out.println(JSON.toJson(object));
        } else {
            out.printf(Locale.ROOT, "%5d.%03d s  %-11s %s%n", millis / 1000, millis % 1000, event, text);
        }
        out.flush();
    }

    /** Prints a warning. */
    void warn(String warning) {
        print("warning", warning, Details.fields("warning", warning));
    }

    /** Text from a peer, made safe for a terminal: what is no printable character is escaped. */
    static String printable(String text) {
        StringBuilder safe = new StringBuilder(text.length());
        text.codePoints().forEach(point -> {
            if (point == '\t' || (!Character.isISOControl(point) && Character.isDefined(point))) {
                safe.appendCodePoint(point);
            } else {
                safe.append(String.format(Locale.ROOT, "\\u%04x", point));
            }
        });
        return safe.toString();
    }
}
