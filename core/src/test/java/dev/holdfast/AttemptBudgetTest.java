package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
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

    /** As many slots as attempts a second take so long. */
    private static final long SLOTS = 1_100_000_000L;

    /** Rounded up where a second can't be divided evenly. */
    @ParameterizedTest
    @CsvSource({"1, 1100000000", "3, 366666667", "7, 157142858", "100, 11000000", "99999, 11001", "100000, 11000"})
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
        assertThat(budget.reserveNanos(start)).isEqualTo(SLOTS / 2);
        assertThat(budget.reserveNanos(start + 1)).isEqualTo(SLOTS - 1);
        assertThat(budget.reserveNanos(start + 3 * SECOND)).isZero();
        assertThat(budget.reserveNanos(start + 3 * SECOND)).isEqualTo(SLOTS / 2);
    }

    @Test
    void reserve_clockWraps_spacingStays() {
        AttemptBudget budget = AttemptBudget.perSecond(10);
        long start = Long.MAX_VALUE - 3 * SLOTS / 10 - 7;

        for (int i = 0; i < 20; i++) {
            assertThat(budget.reserveNanos(start)).isEqualTo(i * SLOTS / 10);
        }
        assertThat(budget.reserveNanos(start + SLOTS)).isEqualTo(SLOTS);
    }

    @ParameterizedTest
    @CsvSource({"10999999, 1", "11000000, 0", "11000001, 0"})
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
            assertThat(budget.reserveNanos(later)).isEqualTo(i * SLOTS / 100);
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
                        .mapToObj(i -> i * SLOTS / 100_000)
                        .toList());
    }

    @Test
    void unlimited_allAtOnce_nobodyWaits() {
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
