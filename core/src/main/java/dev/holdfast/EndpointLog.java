package dev.holdfast;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;

/**
 * Makes of many deaths of one endpoint one line of the log with a count.
 *
 * <p>The first death of an endpoint for a cause is told at once. Those that follow within 10 s of a line are counted, and told by the first
 * one after the 10 s or by {@link #flush}, which the owner calls while {@link #hasCounts} says that something is untold. No count is
 * lost: the sum of {@code count} over the lines is the number of deaths. It remembers 1024 pairs of endpoint and cause; for one
 * more the one goes whose last line is the oldest, and its count is told.
 *
 * <p>Thread-safe; lines are written outside its lock. All callers take their time from the same clock.
 */
final class EndpointLog {
    static final int MAX_KEYS = 1024;
    static final long WINDOW_NANOS = 10_000_000_000L;
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final Logger log;
    private final ReentrantLock lock = new ReentrantLock(); // no monitor: a virtual thread may wait here

    /** In the order of their last lines. */
    private final Map<Key, Counts> counts = new LinkedHashMap<>();

    private int untoldKeys;

    EndpointLog(Logger log) {
        this.log = log;
        // Loaded now: when descriptors have run out there is none left to read a class file with.
        Key key = new Key("", "");
        Counts none = new Counts(0, "");
        forget(key, none);
        untoldLine(key, none, 0);
    }

    /**
     * A connection died.
     *
     * @param endpoint with whom it was, {@code host:port}
     * @param cause why, as a name
     * @param text the sentence for people; what comes from the peer in it is escaped already
     */
    void ended(String endpoint, String cause, String text, long nowNanos) {
        Key key = new Key(endpoint, cause);
        List<Line> lines = new ArrayList<>(2);
        lock.lock();
        try {
            Counts known = counts.get(key);
            if (known != null && nowNanos - known.lastLineNanos < WINDOW_NANOS) {
                known.count(text);
                return;
            }
            long more = known == null ? 0 : forget(key, known);
            lines.add(new Line(key, text, 1 + more, more, known == null ? 0 : nowNanos - known.lastLineNanos));
            evict(nowNanos, lines);
            counts.put(key, new Counts(nowNanos, text));
        } finally {
            lock.unlock();
        }
        lines.forEach(this::write);
    }

    /** Tells what was counted and not told since 10 s or more, and forgets endpoints that were quiet for so long. */
    void flush(long nowNanos) {
        List<Line> lines = new ArrayList<>();
        lock.lock();
        try {
            Map<Key, Counts> told = new LinkedHashMap<>();
            Iterator<Map.Entry<Key, Counts>> oldest = counts.entrySet().iterator();
            while (oldest.hasNext()) {
                Map.Entry<Key, Counts> entry = oldest.next();
                Counts known = entry.getValue();
                if (nowNanos - known.lastLineNanos < WINDOW_NANOS) {
                    break;
                }
                oldest.remove();
                if (known.untold > 0) {
                    lines.add(untoldLine(entry.getKey(), known, nowNanos));
                    told.put(entry.getKey(), new Counts(nowNanos, known.lastText));
                }
            }
            untoldKeys -= told.size();
            counts.putAll(told);
        } finally {
            lock.unlock();
        }
        lines.forEach(this::write);
    }

    /** Whether deaths were counted that no line has told yet. */
    boolean hasCounts() {
        lock.lock();
        try {
            return untoldKeys > 0;
        } finally {
            lock.unlock();
        }
    }

    private void evict(long nowNanos, List<Line> lines) {
        if (counts.size() < MAX_KEYS) {
            return;
        }
        Map.Entry<Key, Counts> oldest = counts.entrySet().iterator().next();
        if (oldest.getValue().untold > 0) {
            lines.add(untoldLine(oldest.getKey(), oldest.getValue(), nowNanos));
        }
        forget(oldest.getKey(), oldest.getValue());
    }

    /** Returns how many deaths nobody was told of. */
    private long forget(Key key, Counts known) {
        counts.remove(key);
        if (known.untold > 0) {
            untoldKeys--;
        }
        return known.untold;
    }

    private static Line untoldLine(Key key, Counts known, long nowNanos) {
        return new Line(key, known.lastText, known.untold, known.untold, nowNanos - known.lastLineNanos);
    }

    private void write(Line line) {
        String more = line.more == 0 ? "" : " (" + line.more + " more like this in the last " + line.seconds() + " s)";
        log.atWarn()
                .addKeyValue("endpoint", line.key.endpoint)
                .addKeyValue("cause", line.key.cause)
                .addKeyValue("count", line.count)
                .log(line.text + more);
    }

    private record Key(String endpoint, String cause) {}

    /** {@code count} deaths, {@code more} of them not told when they happened, in the {@code nanos} since the last line. */
    private record Line(Key key, String text, long count, long more, long nanos) {
        long seconds() {
            return (nanos + NANOS_PER_SECOND - 1) / NANOS_PER_SECOND;
        }
    }

    private final class Counts {
        private final long lastLineNanos;
        private String lastText;
        private long untold;

        Counts(long lastLineNanos, String lastText) {
            this.lastLineNanos = lastLineNanos;
            this.lastText = lastText;
        }

        void count(String text) {
            if (untold++ == 0) {
                untoldKeys++;
            }
            lastText = text;
        }
    }
}
