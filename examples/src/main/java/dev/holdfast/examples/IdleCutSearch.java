package dev.holdfast.examples;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The search for the shortest silence that a path does not tolerate, in rounds of several lengths that are tried side by side.
 * Pure: it says what to try next and is told what came of it. Not thread-safe.
 *
 * <p>The lengths lie on a grid from {@link #LEAST} to the maximum, neighbours within the precision of each other. A round of k
 * lengths leaves one part in k + 1 of what was possible, so with n lengths on the grid it takes as many rounds as k + 1 must be
 * multiplied with itself to reach n + 1, and no plan can do with fewer.
 */
final class IdleCutSearch {
    /** The shortest silence tried: what is cut sooner is no idle timeout. */
    static final Duration LEAST = Duration.ofSeconds(1);

    private static final double FINEST = 0.01;
    private static final double COARSEST = 0.5;

    private final List<Duration> grid;
    private final int parallel;
    private int tolerated = -1;
    private int cut;
    private Optional<Duration> closedAfter = Optional.empty();

    /**
     * What is known.
     *
     * @param tolerated the longest silence that was tolerated; empty if none was
     * @param cut the shortest that was not; empty if none is known
     */
    record Bracket(Optional<Duration> tolerated, Optional<Duration> cut) {}

    /**
     * A search.
     *
     * @param max the longest silence to try
     * @param precision by how much of the cut the two ends of the result may differ, 0.01 to 0.5
     * @param parallel how many lengths a round may have
     * @throws IllegalArgumentException if one of them is out of range
     */
    IdleCutSearch(Duration max, double precision, int parallel) {
        if (max.compareTo(LEAST) < 0) {
            throw new IllegalArgumentException("idle cut: " + max + " (expected: " + LEAST + " or more)");
        }
        if (!(precision >= FINEST && precision <= COARSEST)) {
            throw new IllegalArgumentException(
                    "precision: " + precision + " (expected: " + FINEST + " to " + COARSEST + ")");
        }
        if (parallel < 1) {
            throw new IllegalArgumentException("parallel: " + parallel + " (expected: 1 or more)");
        }
        this.grid = grid(max.toNanos(), precision);
        this.parallel = parallel;
        this.cut = grid.size();
    }

    private static List<Duration> grid(long maxNanos, double precision) {
        double span = (double) maxNanos / LEAST.toNanos();
        int steps = (int) Math.ceil(Math.log(span) / -Math.log1p(-precision));
        List<Duration> grid = new ArrayList<>();
        for (int i = 0; i < steps; i++) {
            grid.add(Duration.ofNanos(Math.round(LEAST.toNanos() * Math.pow(span, (double) i / steps))));
        }
        grid.add(Duration.ofNanos(maxNanos));
        return List.copyOf(grid);
    }

    /** The lengths of the next round, in ascending order; empty when the search is over. */
    List<Duration> next() {
        int open = cut - tolerated - 1;
        int asked = Math.min(open, parallel);
        List<Duration> lengths = new ArrayList<>();
        for (int i = 1; i <= asked; i++) {
            lengths.add(grid.get(tolerated + (int) ((long) i * (open + 1) / (asked + 1))));
        }
        return lengths;
    }

    /** A silence of this length, one of {@link #next()}, was tolerated. */
    void onTolerated(Duration length) {
        int index = index(length);
        if (index >= cut) {
            throw new IllegalStateException("tolerated: " + length + " (expected: less than the cut at "
                    + bracket().cut().orElseThrow() + ")");
        }
        tolerated = Math.max(tolerated, index);
    }

    /** A silence of this length, one of {@link #next()}, was not tolerated. */
    void onCut(Duration length) {
        int index = index(length);
        if (index <= tolerated) {
            throw new IllegalStateException(
                    "cut: " + length + " (expected: more than " + grid.get(tolerated) + ", which was tolerated)");
        }
        cut = Math.min(cut, index);
    }

    /** Whether a silence has been tolerated that was at least this long. */
    boolean hasTolerated(Duration length) {
        return tolerated >= 0 && grid.get(tolerated).compareTo(length) >= 0;
    }

    /**
     * A silent connection was ended by the other side after this long: every longer silence is cut.
     *
     * @throws IllegalStateException if one as long has been tolerated
     */
    void onClosed(Duration after) {
        if (hasTolerated(after)) {
            throw new IllegalStateException("closed after " + after + " (expected: more than " + grid.get(tolerated)
                    + ", which was tolerated)");
        }
        int first = 0;
        while (first < grid.size() && grid.get(first).compareTo(after) < 0) {
            first++;
        }
        if (first <= cut) {
            cut = first;
            closedAfter = Optional.of(
                    closedAfter.filter(known -> known.compareTo(after) < 0).orElse(after));
        }
    }

    private int index(Duration length) {
        int index = grid.indexOf(length);
        if (index < 0) {
            throw new IllegalArgumentException("length: " + length + " (expected: one that was asked for)");
        }
        return index;
    }

    /** What is known so far; when {@link #next()} is empty, all that can be. */
    Bracket bracket() {
        Optional<Duration> onGrid = cut < grid.size() ? Optional.of(grid.get(cut)) : Optional.empty();
        Optional<Duration> closed = closedAfter.filter(after -> onGrid.isEmpty() || after.compareTo(onGrid.get()) <= 0);
        return new Bracket(
                tolerated < 0 ? Optional.empty() : Optional.of(grid.get(tolerated)),
                closed.isPresent() ? closed : onGrid);
    }
}
