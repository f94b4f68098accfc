package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Duration;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BackoffTest {
    private static final Duration DAY = Duration.ofDays(1);
    private static final RandomGenerator LARGEST = new Extreme(true);
    private static final RandomGenerator SMALLEST = new Extreme(false);

    /** The limit doubles with each failure until it reaches the maximum, the first retry included. */
    @ParameterizedTest
    @CsvSource({
        "1, PT0.1S",
        "2, PT0.2S",
        "3, PT0.4S",
        "9, PT25.6S",
        "10, PT30S",
        "11, PT30S",
        "63, PT30S",
        "64, PT30S",
        "65, PT30S",
        "2147483647, PT30S"
    })
    void exponential_largestChance_isTheLimit(int failures, Duration limit) {
        Backoff backoff = Backoff.exponential(Duration.ofMillis(100), Duration.ofSeconds(30));

        assertThat(backoff.delay(failures, LARGEST)).isEqualTo(limit);
        assertThat(backoff.delay(failures, SMALLEST)).isEqualTo(Duration.ZERO);
    }

    @ParameterizedTest
    @CsvSource({"PT0.001S, PT24H", "PT24H, PT24H", "PT0.001S, PT0.001S", "PT12H, PT24H"})
    void exponential_anyFailures_growsAndNeverOverflows(Duration first, Duration max) {
        Backoff backoff = Backoff.exponential(first, max);

        Duration last = first;
        for (int failures = 1; failures <= 200; failures++) {
            Duration limit = backoff.delay(failures, LARGEST);
            assertThat(limit).isBetween(last, max);
            last = limit;
        }
        assertThat(last).isEqualTo(max);
    }

    /** Ten bins of equal width: with 100,000 delays each holds 10,000, with a standard deviation of 95. */
    @Test
    void exponential_manyDelays_areSpreadEvenly() {
        long seed = new SplittableRandom().nextLong();
        RandomGenerator random = new SplittableRandom(seed);
        Backoff backoff = Backoff.exponential(Duration.ofMillis(100), Duration.ofSeconds(30));

        int[] bins = new int[10];
        for (int i = 0; i < 100_000; i++) {
            long nanos = backoff.delay(3, random).toNanos();
            assertThat(nanos).as("seed %d", seed).isBetween(0L, 400_000_000L);
            bins[(int) Math.min(9, nanos / 40_000_000)]++;
        }
        for (int bin : bins) {
            assertThat(bin).as("seed %d", seed).isBetween(9_400, 10_600); // 6 sigma: once in 50 million runs
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
    void exponential_noFailure_isRefused(int failures) {
        Backoff backoff = Backoff.exponential(Duration.ofMillis(100), Duration.ofSeconds(30));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> backoff.delay(failures, LARGEST))
                .withMessage("failures: " + failures + " (expected: 1 or more)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "PT-1S", "PT0.000999999S", "PT0.0015S", "PT24H0.001S", "PT240000H"})
    void durations_outOfRange_areRefused(Duration value) {
        String rule = ": " + value + " (expected: whole milliseconds from PT0.001S to PT24H)";
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Backoff.fixed(value))
                .withMessage("backoff delay" + rule);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Backoff.exponential(value, DAY))
                .withMessage("backoff first" + rule);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Backoff.exponential(Duration.ofMillis(1), value))
                .withMessage("backoff max" + rule);
    }

    @Test
    void exponential_firstAboveMax_isRefusedNamingBoth() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Backoff.exponential(Duration.ofMillis(1001), Duration.ofSeconds(1)))
                .withMessage("backoff first: PT1.001S, max: PT1S (expected: first of at most max)");
    }

    @Test
    void durations_null_areRefused() {
        assertThatNullPointerException().isThrownBy(() -> Backoff.fixed(nothing()));
        assertThatNullPointerException().isThrownBy(() -> Backoff.exponential(nothing(), DAY));
        assertThatNullPointerException().isThrownBy(() -> Backoff.exponential(DAY, nothing()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0.001S", "PT1S", "PT24H"})
    void fixed_anyFailures_isAlwaysTheSame(Duration delay) {
        assertThat(Backoff.fixed(delay).delay(1, LARGEST)).isEqualTo(delay);
        assertThat(Backoff.fixed(delay).delay(Integer.MAX_VALUE, SMALLEST)).isEqualTo(delay);
    }

    @Test
    void values_sameNumbers_areEqualAndReadable() {
        assertThat(Backoff.fixed(DAY)).isEqualTo(Backoff.fixed(DAY)).hasToString("fixed(PT24H)");
        assertThat(Backoff.exponential(DAY, DAY))
                .isEqualTo(Backoff.exponential(DAY, DAY))
                .hasToString("exponential(PT24H, PT24H)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "PT0.000000001S", "PT24H"})
    void nanos_customInRange_isTaken(Duration delay) {
        assertThat(BackoffDelay.nanos((failures, random) -> delay, 1, LARGEST)).isEqualTo(delay.toNanos());
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT-0.000000001S", "PT24H0.000000001S", "PT-2562047788015215H", "PT2562047788015215H"})
    void nanos_customOutOfRange_isNamed(Duration delay) {
        assertThatIllegalStateException()
                .isThrownBy(() -> BackoffDelay.nanos(new Custom(delay), 7, LARGEST))
                .withMessage("backoff mine after 7 failures: " + delay + " (expected: PT0S to PT24H)");
    }

    @Test
    void nanos_customNull_isNamed() {
        assertThatIllegalStateException()
                .isThrownBy(() -> BackoffDelay.nanos(new Custom(nothing()), 7, LARGEST))
                .withMessage("backoff mine after 7 failures: null (expected: PT0S to PT24H)");
    }

    @Test
    void nanos_customThrows_isNamedAndChained() {
        var thrown = new ArithmeticException("mine");
        Backoff backoff = (failures, random) -> {
            throw thrown;
        };
        assertThatIllegalStateException()
                .isThrownBy(() -> BackoffDelay.nanos(backoff, 7, LARGEST))
                .withMessageContaining("failed after 7 failures")
                .withCause(thrown);
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        return null;
    }

    private record Custom(Duration answer) implements Backoff {
        @Override
        public Duration delay(int failures, RandomGenerator random) {
            return answer;
        }

        @Override
        public String toString() {
            return "mine";
        }
    }

    /** Always the largest, or always the smallest number below the bound. */
    private record Extreme(boolean largest) implements RandomGenerator {
        @Override
        public long nextLong() {
            throw new UnsupportedOperationException();
        }

        @Override
        public long nextLong(long bound) {
            return largest ? bound - 1 : 0;
        }
    }
}
