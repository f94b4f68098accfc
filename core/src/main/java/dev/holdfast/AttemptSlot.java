package dev.holdfast;

import java.util.concurrent.TimeUnit;

/** One client's place in the budget of attempts. Pure; confined to the event loop. */
final class AttemptSlot {
    /** A slot that is used so much later has been missed, a few times at most: a loop that is always late must get on, too. */
    private static final long MISSED_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final int MOST_MISSED = 3;

    private final AttemptBudget budget;
    private boolean held;
    private long dueNanos;
    private int missed;

    AttemptSlot(AttemptBudget budget) {
        this.budget = budget;
    }

    /** How long to wait for it; at 0 or less it is used. A slot that is waited for is kept, whoever asks again meanwhile. */
    long waitNanos(long now) {
        boolean late = held && now - dueNanos > MISSED_NANOS && missed < MOST_MISSED;
        if (late) {
            missed++; // a loop that was late is not to make up for it with many attempts at once
        }
        if (!held || late) {
            held = true;
            dueNanos = now + budget.reserveNanos(now);
        }
        long wait = dueNanos - now;
        if (wait <= 0) {
            held = false;
            missed = 0;
        }
        return wait;
    }
}
