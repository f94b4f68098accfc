package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AttemptSlotTest {
    private static final long MS = 1_000_000;

    private final AttemptBudget budget = AttemptBudget.perSecond(11); // every 100 ms
    private final AttemptSlot slot = new AttemptSlot(budget);

    @Test
    void waitNanos_budgetFree_isNothing() {
        assertThat(slot.waitNanos(0)).isZero();
    }

    @Test
    void waitNanos_askedAgainWhileItWaits_keepsItsPlace() {
        assertThat(budget.reserveNanos(0)).isZero();
        assertThat(slot.waitNanos(0)).isEqualTo(100 * MS);
        assertThat(slot.waitNanos(40 * MS)).isEqualTo(60 * MS);
        assertThat(slot.waitNanos(100 * MS)).isZero();
        assertThat(budget.reserveNanos(100 * MS))
                .as("the next place is the one behind")
                .isEqualTo(100 * MS);
    }

    @Test
    void waitNanos_lateByMoreThanAllowed_takesANewPlace() {
        budget.reserveNanos(0);
        slot.waitNanos(0); // due at 100 ms
        budget.reserveNanos(201 * MS); // somebody else takes 201 ms
        assertThat(slot.waitNanos(201 * MS)).isEqualTo(100 * MS);
    }

    @Test
    void waitNanos_lateByWhatIsAllowed_isUsed() {
        budget.reserveNanos(0);
        slot.waitNanos(0);
        budget.reserveNanos(200 * MS);
        assertThat(slot.waitNanos(200 * MS)).isEqualTo(-100 * MS);
    }

    @Test
    void waitNanos_lateAgainAndAgain_isUsedAtLast() {
        budget.reserveNanos(0);
        long now = 0;
        int missed = 0;
        while (slot.waitNanos(now) > 0) {
            now += 1000 * MS;
            budget.reserveNanos(now); // there is always somebody else
            missed++;
        }
        assertThat(missed).isEqualTo(4);
    }

    @Test
    void beginNanos_afterItsTime_beginsOnce() {
        assertThat(slot.waitNanos(0)).isZero();
        assertThat(slot.beginNanos(100 * MS)).isZero();
        budget.reserveNanos(100 * MS); // somebody else's
        assertThat(slot.beginNanos(100 * MS))
                .as("the next address needs a slot of its own")
                .isEqualTo(100 * MS);
        assertThat(slot.beginNanos(199 * MS)).isEqualTo(MS);
        assertThat(slot.beginNanos(300 * MS)).isZero();
    }

    @Test
    void beginNanos_namesTookLong_takesANewPlace() {
        assertThat(slot.waitNanos(0)).isZero();
        budget.reserveNanos(101 * MS); // somebody else's
        assertThat(slot.beginNanos(101 * MS)).isEqualTo(100 * MS);
        assertThat(slot.beginNanos(201 * MS)).isZero();
    }

    @Test
    void beginNanos_lateAgainAndAgain_beginsAtLast() {
        assertThat(slot.waitNanos(0)).isZero();
        long now = 1000 * MS;
        budget.reserveNanos(now);
        int missed = 0;
        while (slot.beginNanos(now) > 0) {
            now += 1000 * MS;
            budget.reserveNanos(now); // there is always somebody else
            missed++;
        }
        assertThat(missed).isEqualTo(3);
        budget.reserveNanos(now + 1000 * MS);
        assertThat(slot.beginNanos(now + 1000 * MS))
                .as("it may be late no more")
                .isEqualTo(100 * MS);
    }

    /** Whatever lateness is drawn for each, no second has more attempts than the budget says. */
    @Test
    void attempts_lateByWhatIsAllowed_areNoMoreThanTheBudgetInAnySecond() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int perSecond : new int[] {1, 2, 7, 100, 320}) {
            AttemptBudget paced = AttemptBudget.perSecond(perSecond);
            long[] begun = new long[3 * perSecond + 10];
            for (int i = 0; i < begun.length; i++) {
                begun[i] = paced.reserveNanos(0) + (random.nextInt(3) == 0 ? 100 * MS : random.nextInt(100_000_001));
            }
            Arrays.sort(begun);
            for (int i = perSecond; i < begun.length; i++) {
                assertThat(begun[i] - begun[i - perSecond]).isGreaterThanOrEqualTo(1000 * MS);
            }
        }
    }

    @Test
    void waitNanos_nameNotFound_takesANewPlace() {
        assertThat(slot.waitNanos(0)).isZero();
        assertThat(slot.waitNanos(1)).isEqualTo(100 * MS - 1);
    }
}
