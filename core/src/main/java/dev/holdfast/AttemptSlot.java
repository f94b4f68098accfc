package dev.holdfast;

import java.util.concurrent.TimeUnit;

/** One client's place in the budget of attempts. Pure; confined to the event loop. */
final class AttemptSlot {
    /** A slot that is used so much later has been missed, a few times at most: a loop that is always late must get on, too. */
    private static final long MISSED_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

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
        boolean tooLate = state == State.TAKEN && now - dueNanos > MISSED_NANOS && missed < MOST_MISSED;
        if (state != State.TAKEN || tooLate) {
            missed += tooLate ? 1 : 0; // a loop that was late is not to make up for it with many attempts at once
            state = State.TAKEN;
            dueNanos = now + budget.reserveNanos(now);
        }
        long wait = dueNanos - now;
        if (wait <= 0) {
            state = State.DUE;
        }
        return wait;
    }

    /** How long to wait, with a slot whose time has come or without one, before this is asked again; at 0 the attempt has begun. */
    long beginNanos(long now) {
        if (state != State.DUE) {
            long wait = waitNanos(now);
            if (wait > 0) {
                return wait;
            }
        }
        long wait = budget.beginNanos(now);
        if (wait == 0) {
            state = State.NONE;
            missed = 0;
        }
        return wait;
    }
}
