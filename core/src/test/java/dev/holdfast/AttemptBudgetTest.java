package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AttemptBudgetTest {
    private static final long SECOND = 1_000_000_000L;

    /** Rounded up where a second can't be divided evenly. */
    @ParameterizedTest
    @CsvSource({"1, 1000000000", "3, 333333334", "7, 142857143", "100, 10000000", "99999, 10001", "100000, 10000"})
    void reserve_allAtOnce_areSpacedExactly(int perSecond, long spacing) {
        AttemptBudget budget = AttemptBudget.perSecond(perSecond);

        for (int i = 0; i < 1000; i++) {
            assertThat(budget.reserveNanos(5)).isEqualTo(i * spacing);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -1, -SECOND, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE - SECOND / 2})
    void reserve_anyTime_firstGoesNowAndOthersFollow(long start) {
        AttemptBudget budget = AttemptBudget.perSecond(2);

        assertThat(budget.reserveNanos(start)).isZero();
        assertThat(budget.reserveNanos(start)).isEqualTo(SECOND / 2);
        assertThat(budget.reserveNanos(start + 1)).isEqualTo(SECOND - 1);
        assertThat(budget.reserveNanos(start + 3 * SECOND)).isZero();
        assertThat(budget.reserveNanos(start + 3 * SECOND)).isEqualTo(SECOND / 2);
    }

    @Test
    void reserve_clockWraps_spacingStays() {
        AttemptBudget budget = AttemptBudget.perSecond(10);
        long start = Long.MAX_VALUE - 3 * SECOND / 10 - 7;

        for (int i = 0; i < 20; i++) {
            assertThat(budget.reserveNanos(start)).isEqualTo(i * SECOND / 10);
        }
        assertThat(budget.reserveNanos(start + SECOND)).isEqualTo(SECOND);
    }

    @ParameterizedTest
    @CsvSource({"9999999, 1", "10000000, 0", "10000001, 0"})
    void reserve_aroundTheSlot_waitsUntilIt(long later, long wait) {
        AttemptBudget budget = AttemptBudget.perSecond(100);
        assertThat(budget.reserveNanos(0)).isZero();

        assertThat(budget.reserveNanos(later)).isEqualTo(wait);
    }

    @Test
    void reserve_afterIdle_hasNoBurst() {
        AttemptBudget budget = AttemptBudget.perSecond(100);
        assertThat(budget.reserveNanos(0)).isZero();

        long later = 3600 * SECOND;
        for (int i = 0; i < 100; i++) {
            assertThat(budget.reserveNanos(later)).isEqualTo(i * SECOND / 100);
        }
    }

    @Test
    void reserve_eightThreads_slotsAreUniqueAndDense()
            throws InterruptedException, ExecutionException, TimeoutException {
        AttemptBudget budget = AttemptBudget.perSecond(100_000);
        int threads = 8;
        int each = 20_000;
        CountDownLatch start = new CountDownLatch(1);
        Callable<List<Long>> task = () -> {
            start.await();
            List<Long> slots = new ArrayList<>();
            for (int i = 0; i < each; i++) {
                slots.add(budget.reserveNanos(42));
            }
            return slots;
        };

        ExecutorService pool = Executors.newFixedThreadPool(threads);
        List<Long> slots = new ArrayList<>();
        try {
            List<Future<List<Long>>> parts = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                parts.add(pool.submit(task));
            }
            start.countDown();
            for (Future<List<Long>> part : parts) {
                List<Long> own = part.get(30, TimeUnit.SECONDS);
                assertThat(own).isSorted();
                slots.addAll(own);
            }
        } finally {
            pool.shutdownNow();
        }
        assertThat(slots.stream().sorted().toList())
                .containsExactlyElementsOf(LongStream.range(0, (long) threads * each)
                        .mapToObj(i -> i * SECOND / 100_000)
                        .toList());
    }

    @ParameterizedTest
    @CsvSource({"0, 10000000", "9999999, 1", "10000000, 0", "10000001, 0", "3600000000000, 0"})
    void begin_aroundTheSpacing_waitsUntilItIsOver(long later, long wait) {
        for (long start : new long[] {0, -SECOND, Long.MIN_VALUE, Long.MAX_VALUE - 5_000_000}) {
            AttemptBudget budget = AttemptBudget.perSecond(100);
            assertThat(budget.beginNanos(start)).isZero();

            assertThat(budget.beginNanos(start + later)).isEqualTo(wait);
        }
    }

    @Test
    void begin_inVain_movesNothing() {
        AttemptBudget budget = AttemptBudget.perSecond(100);
        budget.beginNanos(0);
        for (int i = 0; i < 100; i++) {
            assertThat(budget.beginNanos(SECOND / 200)).isEqualTo(SECOND / 200);
        }
        assertThat(budget.beginNanos(-1))
                .as("read on another processor, a little earlier")
                .isEqualTo(SECOND / 100 + 1);

        assertThat(budget.beginNanos(SECOND / 100)).isZero();
    }

    @Test
    void begin_eightThreads_oneBegins() throws InterruptedException, ExecutionException, TimeoutException {
        AttemptBudget budget = AttemptBudget.perSecond(100);
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try {
            for (int round = 0; round < 2000; round++) {
                long now = round * SECOND;
                List<Callable<Long>> tasks = Collections.nCopies(8, () -> budget.beginNanos(now));
                int begun = 0;
                for (Future<Long> each : pool.invokeAll(tasks)) {
                    begun += each.get(30, TimeUnit.SECONDS) == 0 ? 1 : 0;
                }
                assertThat(begun).isEqualTo(1);
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void unlimited_allAtOnce_nobodyWaits() {
        assertThat(AttemptBudget.unlimited().beginNanos(7)).isZero();
        assertThat(AttemptBudget.unlimited().beginNanos(7)).isZero();
        for (int i = 0; i < 100; i++) {
            assertThat(AttemptBudget.unlimited().reserveNanos(Long.MAX_VALUE - i))
                    .isZero();
        }
        assertThat(AttemptBudget.unlimited()).hasToString("AttemptBudget[unlimited]");
    }

    @Test
    void shared_always_isTheSameHundredASecond() {
        assertThat(AttemptBudget.shared())
                .isSameAs(AttemptBudget.shared())
                .hasToString("AttemptBudget[100 per second]");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 100_001, Integer.MAX_VALUE, Integer.MIN_VALUE})
    void perSecond_outOfRange_isRefused(int attempts) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AttemptBudget.perSecond(attempts))
                .withMessage("attempts per second: " + attempts + " (expected: 1 to 100000)");
    }
}
