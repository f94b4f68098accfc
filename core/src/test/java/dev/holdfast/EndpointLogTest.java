package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointLogTest {
    private static final long SECOND = 1_000_000_000L;

    private final RecordingLogger recorded = new RecordingLogger();
    private final EndpointLog log = new EndpointLog(recorded);

    private static String line(String text, String endpoint, String cause, long count) {
        return "WARN " + text + " endpoint=" + endpoint + " cause=" + cause + " count=" + count;
    }

    @Test
    void ended_first_isToldAtOnce() {
        log.ended("a:1", "RESET", "a:1 is dead", 0);

        assertThat(recorded.lines()).containsExactly(line("a:1 is dead", "a:1", "RESET", 1));
        assertThat(log.hasCounts()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE - 5 * SECOND})
    void ended_manyInTheWindow_areToldByTheFirstAfterIt(long start) {
        log.ended("a:1", "RESET", "first", start);
        log.ended("a:1", "RESET", "second", start);
        log.ended("a:1", "RESET", "third", start + 10 * SECOND - 1);
        assertThat(recorded.lines()).hasSize(1);
        assertThat(log.hasCounts()).isTrue();

        log.ended("a:1", "RESET", "fourth", start + 10 * SECOND);

        assertThat(recorded.lines())
                .containsExactly(
                        line("first", "a:1", "RESET", 1),
                        line("fourth (2 more like this in the last 10 s)", "a:1", "RESET", 3));
        assertThat(log.hasCounts()).isFalse();

        log.ended("a:1", "RESET", "fifth", start + 20 * SECOND - 1);
        assertThat(recorded.lines()).hasSize(2); // a window begins with each line
    }

    @Test
    void ended_onceAfterTheWindow_saysNothingOfMore() {
        log.ended("a:1", "RESET", "first", 0);
        log.ended("a:1", "RESET", "second", 10 * SECOND);
        assertThat(recorded.lines()).last().isEqualTo(line("second", "a:1", "RESET", 1));
    }

    @Test
    void ended_longAfterTheWindow_namesTheTimeSinceTheLastLine() {
        log.ended("a:1", "RESET", "first", 0);
        log.ended("a:1", "RESET", "second", 1);
        log.ended("a:1", "RESET", "third", 61 * SECOND + 1);
        assertThat(recorded.lines())
                .last()
                .isEqualTo(line("third (1 more like this in the last 62 s)", "a:1", "RESET", 2));
    }

    @Test
    void ended_otherEndpointOrCause_hasItsOwnLine() {
        log.ended("a:1", "RESET", "one", 0);
        log.ended("b:1", "RESET", "two", 1);
        log.ended("a:1", "PATH_DEAD", "three", 2);

        assertThat(recorded.lines())
                .containsExactly(
                        line("one", "a:1", "RESET", 1),
                        line("two", "b:1", "RESET", 1),
                        line("three", "a:1", "PATH_DEAD", 1));
    }

    @Test
    void flush_windowNotOver_tellsNothing() {
        log.ended("a:1", "RESET", "first", 0);
        log.ended("a:1", "RESET", "second", 1);
        log.flush(10 * SECOND - 1);

        assertThat(recorded.lines()).hasSize(1);
        assertThat(log.hasCounts()).isTrue();
    }

    @Test
    void flush_windowOver_tellsTheCountAndTheLastText() {
        log.ended("a:1", "RESET", "first", 0);
        log.ended("a:1", "RESET", "second", 1);
        log.ended("a:1", "RESET", "third", 2);
        log.ended("b:1", "RESET", "alone", 3);
        log.flush(10 * SECOND + 3);

        assertThat(recorded.lines())
                .containsExactly(
                        line("first", "a:1", "RESET", 1),
                        line("alone", "b:1", "RESET", 1),
                        line("third (2 more like this in the last 11 s)", "a:1", "RESET", 2));
        assertThat(log.hasCounts()).isFalse();

        log.flush(100 * SECOND);
        assertThat(recorded.lines()).hasSize(3);
    }

    @Test
    void flush_told_beginsANewWindow() {
        log.ended("a:1", "RESET", "first", 0);
        log.ended("a:1", "RESET", "second", 1);
        log.flush(10 * SECOND);
        log.ended("a:1", "RESET", "third", 20 * SECOND - 1);
        assertThat(recorded.lines()).hasSize(2);
        log.flush(20 * SECOND);
        assertThat(recorded.lines())
                .last()
                .isEqualTo(line("third (1 more like this in the last 10 s)", "a:1", "RESET", 1));
    }

    @Test
    void flush_quietEndpoint_isForgotten() {
        log.ended("a:1", "RESET", "first", 0);
        log.flush(10 * SECOND);
        log.ended("a:1", "RESET", "second", 10 * SECOND + 1);
        assertThat(recorded.lines())
                .containsExactly(line("first", "a:1", "RESET", 1), line("second", "a:1", "RESET", 1));
    }

    @Test
    void ended_oneKeyTooMany_theOldestGoesAndItsCountIsTold() {
        log.ended("old:1", "RESET", "old", 0);
        log.ended("old:1", "RESET", "older", 1);
        for (int i = 1; i < EndpointLog.MAX_KEYS; i++) {
            log.ended("host-" + i + ":1", "RESET", "new", 2);
        }
        assertThat(recorded.lines()).hasSize(EndpointLog.MAX_KEYS);

        log.ended("last:1", "RESET", "last", SECOND);

        assertThat(recorded.lines()).hasSize(EndpointLog.MAX_KEYS + 2).contains(line("last", "last:1", "RESET", 1));
        assertThat(recorded.lines())
                .last()
                .isEqualTo(line("older (1 more like this in the last 1 s)", "old:1", "RESET", 1));
        assertThat(log.hasCounts()).isFalse();
        log.ended("old:1", "RESET", "again", SECOND);
        assertThat(recorded.lines()).last().isEqualTo(line("again", "old:1", "RESET", 1));
        log.ended("last:1", "RESET", "still known", SECOND);
        assertThat(log.hasCounts()).isTrue();
    }

    /** An endpoint that has just been told about is not the oldest, however early it was first seen. */
    @Test
    void ended_toldAgain_isNotTheOldest() {
        log.ended("a:1", "RESET", "first", 0);
        for (int i = 1; i < EndpointLog.MAX_KEYS; i++) {
            log.ended("host-" + i + ":1", "RESET", "new", SECOND);
        }
        log.ended("a:1", "RESET", "told again", 10 * SECOND);
        log.ended("last:1", "RESET", "last", 10 * SECOND);
        int lines = recorded.lines().size();
        log.ended("a:1", "RESET", "counted", 10 * SECOND + 1);
        assertThat(recorded.lines()).hasSize(lines);
    }

    /** Whatever happens, the counts of all lines are the number of deaths. */
    @Test
    void counts_randomDeaths_noneIsLost() {
        long seed = new SplittableRandom().nextLong();
        var random = new SplittableRandom(seed);
        long now = random.nextLong();
        int deaths = 20_000;
        for (int i = 0; i < deaths; i++) {
            log.ended("host-" + random.nextInt(1500) + ":1", random.nextBoolean() ? "RESET" : "FIN", "dead", now);
            now += random.nextInt(20_000_000);
            if (random.nextInt(500) == 0) {
                log.flush(now);
            }
        }
        log.flush(now + 10 * SECOND);

        assertThat(log.hasCounts()).as("seed %d", seed).isFalse();
        long told = recorded.events().stream()
                .mapToLong(event -> (long) event.getKeyValuePairs().get(2).value)
                .sum();
        assertThat(told).as("seed %d", seed).isEqualTo(deaths);
        assertThat(recorded.lines()).as("seed %d: nothing was counted", seed).hasSizeLessThan(deaths);
    }
}
