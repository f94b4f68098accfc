package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The search for the idle cut, with a path that is only a number. */
class IdleCutSearchTest {
    private static final Duration NEVER = Duration.ofDays(1000);
    /** Lengths are whole nanoseconds. */
    private static final double ROUNDING = 1e-8;

    private static IdleCutSearch search(long maxSeconds, double precision, int parallel) {
        return new IdleCutSearch(Duration.ofSeconds(maxSeconds), precision, parallel);
    }

    /** Plays a path that cuts after this long, as a round is played: in ascending order, up to the first cut. */
    private static int rounds(IdleCutSearch search, Duration cut, Duration max, int parallel) {
        int rounds = 0;
        for (List<Duration> lengths = search.next(); !lengths.isEmpty(); lengths = search.next()) {
            rounds++;
            IdleCutSearch.Bracket before = search.bracket();
            assertThat(lengths).hasSizeLessThanOrEqualTo(parallel).isSorted().doesNotHaveDuplicates();
            for (Duration length : lengths) {
                assertThat(length).isBetween(IdleCutSearch.LEAST, max);
                before.tolerated().ifPresent(tolerated -> assertThat(length).isGreaterThan(tolerated));
                before.cut().ifPresent(known -> assertThat(length).isLessThan(known));
                if (length.compareTo(cut) >= 0) {
                    search.onCut(length);
                    break;
                }
                search.onTolerated(length);
            }
            IdleCutSearch.Bracket after = search.bracket();
            assertThat(after).isNotEqualTo(before);
            before.tolerated()
                    .ifPresent(tolerated ->
                            assertThat(after.tolerated().orElseThrow()).isGreaterThanOrEqualTo(tolerated));
            before.cut()
                    .ifPresent(known -> assertThat(after.cut().orElseThrow()).isLessThanOrEqualTo(known));
        }
        return rounds;
    }

    /** Lengths from 1 s to the maximum that are a factor of 1 / (1 - precision) apart, at the fewest. */
    private static int gridSize(Duration max, double precision) {
        return 1 + (int) Math.ceil(Math.log(max.toNanos() / 1e9) / -Math.log(1 - precision));
    }

    /** How often the outcomes that are possible can be divided by parallel + 1. */
    private static int fewestRounds(int lengths, int parallel) {
        int rounds = 0;
        for (long told = 1; told < lengths + 1; told *= parallel + 1) {
            rounds++;
        }
        return rounds;
    }

    @Test
    void search_anyPath_findsTheCut_withinThePrecision_inTheFewestRounds() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            Duration max = Duration.ofMillis(1000 + random.nextInt(4_000_000));
            double precision = 0.01 + random.nextInt(50) / 100.0;
            int parallel = 1 + random.nextInt(64);
            Duration cut = Duration.ofNanos((long) (random.nextDouble() * 1.2 * max.toNanos()) + 1);
            IdleCutSearch search = new IdleCutSearch(max, Math.min(precision, 0.5), parallel);
            String context = "seed " + seed + ", case " + i + ": max " + max + ", precision " + precision
                    + ", parallel " + parallel + ", cut " + cut;

            int rounds = rounds(search, cut, max, parallel);

            int lengths = gridSize(max, Math.min(precision, 0.5));
            assertThat(rounds).as(context).isLessThanOrEqualTo(fewestRounds(lengths, parallel));
            IdleCutSearch.Bracket found = search.bracket();
            found.tolerated()
                    .ifPresent(tolerated -> assertThat(tolerated).as(context).isLessThan(cut));
            if (found.cut().isPresent()) {
                Duration upper = found.cut().get();
                assertThat(upper).as(context).isGreaterThanOrEqualTo(cut);
                found.tolerated()
                        .ifPresentOrElse(
                                lower -> assertThat(lower.toNanos()).as(context).isGreaterThanOrEqualTo((long)
                                        (upper.toNanos() * (1 - Math.min(precision, 0.5) - ROUNDING))),
                                () -> assertThat(upper).as(context).isEqualTo(IdleCutSearch.LEAST));
            } else {
                assertThat(found.tolerated()).as(context).contains(max);
                assertThat(cut).as(context).isGreaterThan(max);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 5", "8, 2", "20, 2", "21, 1", "64, 1"})
    void search_moreSideBySide_takesFewerRounds(int parallel, int expected) {
        Duration max = Duration.ofSeconds(8); // 21 lengths

        assertThat(rounds(search(8, 0.1, parallel), Duration.ofSeconds(4), max, parallel))
                .isLessThanOrEqualTo(expected);
        assertThat(rounds(search(8, 0.1, parallel), NEVER, max, parallel)).isLessThanOrEqualTo(expected);
    }

    @Test
    void search_pathThatNeverCuts_endsWithNoneUpToMax() {
        IdleCutSearch search = search(60, 0.1, 8);

        rounds(search, NEVER, Duration.ofSeconds(60), 8);

        assertThat(search.bracket())
                .isEqualTo(new IdleCutSearch.Bracket(Optional.of(Duration.ofSeconds(60)), Optional.empty()));
        assertThat(IdleCutFinder.text(search.bracket())).isEqualTo("tolerates 60 s, no cut found up to there");
    }

    @Test
    void search_maxOfTheLeast_asksOnce() {
        IdleCutSearch search = search(1, 0.1, 8);

        assertThat(search.next()).containsExactly(Duration.ofSeconds(1));
        search.onCut(Duration.ofSeconds(1));

        assertThat(search.next()).isEmpty();
        assertThat(IdleCutFinder.text(search.bracket())).isEqualTo("tolerates less than 1 s, cut at 1 s");
    }

    @Test
    void onClosed_betweenTwoLengths_isTheCut_andTheRestIsSearched() {
        IdleCutSearch search = search(100, 0.5, 64); // 1, 1.9, 3.7, 7.2, 13.9, 26.8, 51.8, 100
        Duration closed = Duration.ofMillis(3000);
        List<Duration> lengths = search.next();
        search.onTolerated(lengths.get(0));

        search.onClosed(closed);

        assertThat(search.bracket().cut()).contains(closed);
        assertThat(search.next()).containsExactly(lengths.get(1));
        search.onTolerated(lengths.get(1));
        assertThat(search.next()).isEmpty();
        assertThat(search.bracket())
                .isEqualTo(new IdleCutSearch.Bracket(Optional.of(lengths.get(1)), Optional.of(closed)));
    }

    @Test
    void onClosed_again_keepsTheShortest() {
        IdleCutSearch search = search(100, 0.5, 8);

        search.onClosed(Duration.ofMillis(3000));
        search.onClosed(Duration.ofMillis(3001));
        assertThat(search.bracket().cut()).contains(Duration.ofMillis(3000));
        search.onClosed(Duration.ofMillis(2999));
        assertThat(search.bracket().cut()).contains(Duration.ofMillis(2999));
    }

    @Test
    void onCut_belowAClosing_isTheCut() {
        IdleCutSearch search = search(100, 0.5, 8);
        List<Duration> lengths = search.next();

        search.onClosed(Duration.ofSeconds(50));
        search.onCut(lengths.get(2));

        assertThat(search.bracket().cut()).contains(lengths.get(2));
    }

    @Test
    void contradictions_areRefused() {
        IdleCutSearch search = search(8, 0.1, 8);
        List<Duration> lengths = search.next();
        search.onTolerated(lengths.get(3));

        assertThatIllegalStateException().isThrownBy(() -> search.onCut(lengths.get(2)));
        assertThatIllegalStateException().isThrownBy(() -> search.onClosed(lengths.get(3)));
        search.onCut(lengths.get(5));
        assertThatIllegalStateException().isThrownBy(() -> search.onTolerated(lengths.get(5)));
        assertThatIllegalArgumentException().isThrownBy(() -> search.onCut(Duration.ofMillis(1234)));
        assertThat(search.hasTolerated(lengths.get(3))).isTrue();
        assertThat(search.hasTolerated(lengths.get(3).plusNanos(1))).isFalse();
    }

    @Test
    void arguments_outOfRange_areRefusedWithTheRule() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new IdleCutSearch(Duration.ofMillis(999), 0.1, 8))
                .withMessageContaining("PT0.999S (expected: PT1S or more)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> search(8, 0.0099, 8))
                .withMessageContaining("0.01 to 0.5");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> search(8, 0.51, 8))
                .withMessageContaining("0.01 to 0.5");
        assertThatIllegalArgumentException().isThrownBy(() -> search(8, 0.1, 0)).withMessageContaining("1 or more");
    }
}
