package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AttemptSlotTest {
    private static final long MS = 1_000_000;

    private final AttemptBudget budget = AttemptBudget.perSecond(10); // every 100 ms
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
        assertThat(slot.beginNanos(70 * MS)).isZero();
        assertThat(slot.beginNanos(70 * MS))
                .as("the next attempt needs a slot of its own")
                .isEqualTo(30 * MS);
        assertThat(slot.beginNanos(100 * MS))
                .as("the slot has come, the spacing not")
                .isEqualTo(70 * MS);
        assertThat(slot.beginNanos(170 * MS)).isZero();
    }

    @Test
    void beginNanos_namesTookLong_keepsTheSlot() {
        assertThat(slot.waitNanos(0)).isZero();
        budget.reserveNanos(5000 * MS); // somebody else's
        assertThat(slot.beginNanos(5000 * MS)).isZero();
    }

    @Test
    void beginNanos_twoLate_beginOneByOne() {
        AttemptSlot other = new AttemptSlot(budget);
        assertThat(slot.waitNanos(0)).isZero();
        assertThat(other.waitNanos(0)).isEqualTo(100 * MS);
        assertThat(other.waitNanos(110 * MS)).isEqualTo(-10 * MS);

        assertThat(slot.beginNanos(110 * MS)).isZero();
        assertThat(other.beginNanos(110 * MS)).isEqualTo(100 * MS);
        assertThat(other.beginNanos(210 * MS)).isZero();
    }

    @Test
    void waitNanos_nameNotFound_takesANewPlace() {
        assertThat(slot.waitNanos(0)).isZero();
        assertThat(slot.waitNanos(1)).isEqualTo(100 * MS - 1);
    }
}
