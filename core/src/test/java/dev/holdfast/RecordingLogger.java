package dev.holdfast;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.KeyValuePair;
import org.slf4j.event.Level;
import org.slf4j.event.LoggingEvent;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.spi.LoggingEventAware;

/** Keeps what is logged, with its keys and values. */
@NullMarked
final class RecordingLogger extends LegacyAbstractLogger implements LoggingEventAware {
    private final transient List<LoggingEvent> events = new CopyOnWriteArrayList<>();

    List<LoggingEvent> events() {
        return events;
    }

    /** Each line as {@code LEVEL message key=value ...}. */
    List<String> lines() {
        return events.stream().map(RecordingLogger::line).toList();
    }

    private static String line(LoggingEvent event) {
        StringBuilder line = new StringBuilder(event.getLevel() + " " + event.getMessage());
        List<KeyValuePair> pairs = event.getKeyValuePairs();
        if (pairs != null) {
            pairs.forEach(pair -> line.append(' ').append(pair.key).append('=').append(pair.value));
        }
        return line.toString();
    }

    @Override
    public void log(LoggingEvent event) {
        events.add(event);
    }

    @Override
    protected void handleNormalizedLoggingCall(
            Level level,
            @Nullable Marker marker,
            @Nullable String message,
            Object @Nullable [] arguments,
            @Nullable Throwable thrown) {
        throw new UnsupportedOperationException("lines without keys and values: " + message);
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    public boolean isTraceEnabled() {
        return true;
    }

    @Override
    public boolean isDebugEnabled() {
        return true;
    }

    @Override
    public boolean isInfoEnabled() {
        return true;
    }

    @Override
    public boolean isWarnEnabled() {
        return true;
    }

    @Override
    public boolean isErrorEnabled() {
        return true;
    }
}
