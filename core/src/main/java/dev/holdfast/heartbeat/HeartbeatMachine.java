package dev.holdfast.heartbeat;

/**
 * When to beat, when to suspect, when to judge: the timing of one connection's heartbeat, as plain numbers. Confined to the
 * connection's event loop.
 *
 * <p>Two clocks come in with every call. {@code now} is the monotonic time; the grid of beats lies on it. {@code unstalled}
 * is the same less all time in which our own event loop did not run ({@link HeartbeatWheel#unstalledNanos}): what the peer
 * is given to answer is counted on it alone, so a stall of ours never shortens it, and a peer that is dead is found within
 * the bound plus the sum of the stalls.
 *
 * <p>{@link #next} says what is to be done; the caller does it and tells by an {@code onXxx} method. It uses
 * nothing of what it extends.
 *
 * <p>A server keeps one of these for every idle connection, so its numbers are no wider than they must be: with what stands
 * above and below it in the hierarchy it fills 64 bytes.
 */
abstract class HeartbeatMachine extends WheelNode {
    /** Where the connection stands. */
    enum State {
        /** Not started, or ended without a verdict. Nothing is done. */
        STOPPED,
        /** Nothing is outstanding; the next beat is due at its grid point. */
        QUIET,
        /** A beat is unanswered, within its timeout. */
        PROBING,
        /** One timeout or more has passed; a further probe is unanswered, within its timeout. */
        SUSPECT,
        /** All probes are unanswered, and the caller looks at the evidence. */
        JUDGING,
        /** The evidence excuses the silence for the time being; it is looked at again after a timeout. */
        EXCUSED,
        /** The verdict is spoken. Nothing leads out of here. */
        DEAD;

        private static final State[] VALUES = values();
    }

    /** What is to be done next. */
    enum Action {
        /** Nothing before {@link #wakeUpNanos}. */
        NONE,
        /** Send a beat that is due on the grid, then {@link #onBeat}. */
        BEAT,
        /** Suspect the peer and send a further probe at once, then {@link #onProbe}. */
        SUSPECT,
        /** Look at the evidence, then {@link #onExcused}, {@link #onFreshProbe}, {@link #onInbound} or {@link #onDeath}. */
        JUDGE
    }

    private static final int NANOS_PER_MILLI = 1_000_000;
    /** About a millisecond: with a power of two the long and the int wrap together. */
    private static final int SILENCE_SHIFT = 20;

    /** What the peer's pings may run ahead of the permitted rate, in pings, before they earn a strike. */
    private static final int PINGS_AHEAD = 20;
    /** What a peer has not used of the permitted rate lately may follow in a burst. */
    private static final int PING_CREDIT_MILLIS = 60_000;

    private static final int STRIKES = 3;

    // what is compared on the hot path, as numbers: a field of an enum constant is no constant to the compiler
    private static final byte STOPPED = code(State.STOPPED);
    private static final byte QUIET = code(State.QUIET);
    private static final byte DEAD = code(State.DEAD);

    /** Ordinal of the {@link State}. */
    private byte state;

    private byte attempts;
    private boolean suspected;
    private byte strikes;
    /** The grid: every other beat is a whole number of intervals away. On the monotonic clock. */
    private long nextBeatNanos;
    /** When the newest counted probe left, on the unstalled clock, in units of the settings; wraps. */
    private int probeUnits;
    /** When the peer's pings would all have come at the permitted rate, in milliseconds of the monotonic clock; wraps. */
    private int pingsDueMillis;
    /** When the last byte came in, in units of 2^20 ns of the monotonic clock; wraps. */
    private int lastInboundUnits;

    /** The times, shared by every connection of the same options. */
    abstract HeartbeatSettings settings();

    final State state() {
        return State.VALUES[state];
    }

    final boolean isQuiet() {
        return state == QUIET;
    }

    final boolean isDead() {
        return state == DEAD;
    }

    private void become(State next) {
        state = code(next);
    }

    private boolean is(State which) {
        return state == code(which);
    }

    @SuppressWarnings("EnumOrdinal") // kept in memory only
    private static byte code(State which) {
        return (byte) which.ordinal();
    }

    /** Probes of the present silence that are unanswered. */
    final int attempts() {
        return attempts;
    }

    final long nextBeatNanos() {
        return nextBeatNanos;
    }

    /** How long ago the newest counted probe left, on the unstalled clock: at most a unit less than it is. */
    final long sinceProbeNanos(long unstalled) {
        int shift = settings().probeShift;
        return (long) ((int) (unstalled >> shift) - probeUnits) << shift;
    }

    private void noteProbe(long unstalled) {
        int shift = settings().probeShift;
        probeUnits = (int) ((unstalled + (1L << shift) - 1) >> shift); // up, so that no timeout ends too soon
    }

    /** How long nothing has come in, to about a millisecond; up to 26 days. */
    final long silenceNanos(long now) {
        return (long) (units(now) - lastInboundUnits) << SILENCE_SHIFT;
    }

    /**
     * The time with which the newest byte was stamped, at the latest: what is kept of it, and the time that it is compared
     * with, are rounded down to a unit each. So it is less than two units too late, and never too soon.
     */
    final long lastInboundNanos(long now) {
        return now - silenceNanos(now) + (1L << SILENCE_SHIFT);
    }

    /** Begins. The first beat is due {@code phase} after now, which is at most an interval. */
    final void onStart(long now, long phase) {
        if (!is(State.STOPPED)) {
            throw new IllegalStateException("heartbeat: " + state() + " (expected: STOPPED to start)");
        }
        become(State.QUIET);
        attempts = 0;
        suspected = false;
        nextBeatNanos = now + phase;
        lastInboundUnits = units(now);
    }

    /** The first beat is put on a tick of the timer, so that all of them leave on one. */
    final void onAligned(long firstBeat) {
        nextBeatNanos = firstBeat;
    }

    /** Ends without a verdict. After a verdict it changes nothing. */
    final void onStop() {
        if (!is(State.DEAD)) {
            become(State.STOPPED);
        }
    }

    /** What is to be done now. Asked again after each thing done, until it says NONE. */
    final Action next(long now, long unstalled) {
        return switch (state()) {
            case STOPPED, JUDGING, DEAD -> Action.NONE;
            case QUIET -> whenQuiet(now, unstalled);
            case PROBING, SUSPECT, EXCUSED -> whenProbing(now, unstalled);
        };
    }

    private Action whenQuiet(long now, long unstalled) {
        if (settings().beats() && now - nextBeatNanos >= 0) {
            return Action.BEAT;
        }
        if (!settings().expectsAnswers() && settings().judges() && silenceNanos(now) >= settings().peerIntervalNanos) {
            startTimeout(unstalled); // the peer's own beat is overdue
        }
        return Action.NONE;
    }

    private Action whenProbing(long now, long unstalled) {
        if (sinceProbeNanos(unstalled) >= settings().timeoutNanos) {
            if (!is(State.EXCUSED) && attempts < settings().attempts) {
                return Action.SUSPECT;
            }
            become(State.JUDGING);
            return Action.JUDGE;
        }
        return settings().beatsWhileProbing() && now - nextBeatNanos >= 0 ? Action.BEAT : Action.NONE;
    }

    /** A beat of the grid was handed to the channel. Missed grid points are skipped: one beat, no burst, same grid. */
    final void onBeat(long now, long unstalled) {
        skipGridTo(now);
        if (is(State.QUIET) && settings().expectsAnswers()) {
            startTimeout(unstalled);
        }
    }

    /** The beat or probe that was due could not be made, for a reason of our own: it is not held against the peer. */
    final void onUnsent() {
        become(State.QUIET);
        attempts = 0;
    }

    /** A further probe was handed to the channel, or only counted where none is sent. */
    final void onProbe(long unstalled) {
        become(State.SUSPECT);
        suspected = true;
        attempts++;
        noteProbe(unstalled);
    }

    /** The evidence excuses the silence; it is looked at again after a timeout. */
    final void onExcused(long unstalled) {
        become(State.EXCUSED);
        noteProbe(unstalled);
    }

    /** What excused the silence is over, or somebody asked: a probe just handed to the channel gets all attempts. */
    final void onFreshProbe(long unstalled) {
        startTimeout(unstalled);
    }

    /**
     * Bytes came in, and any of them is life.
     *
     * @param now may be as old as the last tick
     * @param restartGrid whether they were more than answers to beats, and put the next beat off
     * @return whether the peer had been suspected
     */
    final boolean onInbound(long now, boolean restartGrid) {
        byte before = state;
        if (before == STOPPED || before == DEAD) {
            return false;
        }
        lastInboundUnits = units(now);
        if (restartGrid) {
            nextBeatNanos = now + settings().intervalNanos;
        }
        if (before == QUIET) {
            return false;
        }
        boolean was = suspected;
        become(State.QUIET);
        attempts = 0;
        suspected = false;
        skipGridTo(now);
        return was;
    }

    /** The verdict. */
    final void onDeath() {
        become(State.DEAD);
    }

    /** From here on the peer's pings are counted. */
    final void onCounting(long now) {
        pingsDueMillis = millis(now);
        strikes = 0;
    }

    /** The time since counting began, if no ping has come: all that is known of a connection whose handshake never ended. */
    final long sinceCountingNanos(long now) {
        return Math.max(0, millis(now) - pingsDueMillis) * (long) NANOS_PER_MILLI;
    }

    /**
     * One or more pings of the peer's came in with one read, which count as one: what its own stall, or ours, or a loss on
     * the way has bunched is not held against it. Neither is a burst after a quiet minute.
     *
     * @return whether the peer has pinged faster than permitted for so long that it has earned its last strike
     */
    final boolean onPeerPings(long now) {
        int permitted = settings().permittedPeerMillis;
        int ahead = Math.max(-PING_CREDIT_MILLIS, pingsDueMillis - millis(now));
        if (ahead > PINGS_AHEAD * permitted) {
            ahead = -PING_CREDIT_MILLIS; // quiet for so long that the clock has come around
        }
        if (ahead <= 0) {
            strikes = 0;
        }
        ahead += Math.max(1, permitted * 7 / 8); // so that what a suspicion has added is forgotten in time
        if (ahead > PINGS_AHEAD * permitted) {
            strikes++;
            ahead /= 2;
        }
        pingsDueMillis = millis(now) + ahead;
        return strikes >= STRIKES;
    }

    /** When {@link #next} may have something to do, if nothing comes in before; on the monotonic clock. */
    final long wakeUpNanos(long now, long unstalled) {
        long toBeat = settings().beats() ? nextBeatNanos - now : settings().intervalNanos;
        return now
                + switch (state()) {
                    case STOPPED, JUDGING, DEAD -> settings().intervalNanos;
                    case QUIET ->
                        settings().expectsAnswers() || !settings().judges()
                                ? toBeat
                                : Math.min(toBeat, settings().peerIntervalNanos - silenceNanos(now));
                    case PROBING, SUSPECT, EXCUSED -> {
                        long toDeadline = settings().timeoutNanos - sinceProbeNanos(unstalled);
                        yield settings().beatsWhileProbing() ? Math.min(toBeat, toDeadline) : toDeadline;
                    }
                };
    }

    private void startTimeout(long unstalled) {
        become(State.PROBING);
        attempts = 1;
        noteProbe(unstalled);
    }

    private void skipGridTo(long now) {
        long past = now - nextBeatNanos;
        if (past >= 0) {
            nextBeatNanos += (past / settings().intervalNanos + 1) * settings().intervalNanos;
        }
    }

    private static int units(long nanos) {
        return (int) (nanos >> SILENCE_SHIFT);
    }

    private static int millis(long nanos) {
        return (int) Math.floorDiv(nanos, NANOS_PER_MILLI);
    }
}
