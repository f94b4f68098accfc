package dev.holdfast;

/** One client's place in the budget of attempts. Pure; confined to the event loop. */
final class AttemptSlot {
    /** A loop that is always late must get on, too. */
    private static final int MOST_MISSED = 3;

    private final AttemptBudget budget;
    private State state = State.NONE;
    private long dueNanos;
    private int missed;

    private enum State {
        NONE,
        /** It is waited for. */
        TAKEN,
        /** Its time has come; the attempt has not begun. */
        DUE
    }

    AttemptSlot(AttemptBudget budget) {
        this.budget = budget;
    }

    /** How long to wait for it; at 0 or less its time has come. A slot that is waited for is kept, whoever asks again meanwhile. */
    long waitNanos(long now) {
        if (state != State.TAKEN || isMissed(now)) {
            state = State.TAKEN;
            dueNanos = now + budget.reserveNanos(now);
        }
        long wait = dueNanos - now;
        if (wait <= 0) {
            state = State.DUE;
        }
        return wait;
    }

    /** How long to wait before this is asked again; at 0 or less the attempt begins, and the slot is used. */
    long beginNanos(long now) {
        if (state != State.DUE || isMissed(now)) { // the next address has no slot yet, or the names took their time
            long wait = waitNanos(now);
            if (wait > 0) {
                return wait;
            }
        }
        state = State.NONE;
        missed = 0;
        return 0;
    }

    /** A loop that was late is not to make up for it with many attempts at once. */
    private boolean isMissed(long now) {
        boolean late = now - dueNanos > AttemptBudget.LATE_NANOS && missed < MOST_MISSED;
        missed += late ? 1 : 0;
        return late;
    }
}
