package dev.holdfast.heartbeat;

import io.netty.channel.ChannelDuplexHandler;

/**
 * When to beat, when to suspect, when to judge: the timing of one connection's heartbeat, as plain numbers. Confined to the
 * connection's event loop.
 *
 * <p>Two clocks come in with every call. {@code now} is the monotonic time; the grid of beats lies on it. {@code unstalled}
 * is the same less all time in which our own event loop did not run ({@link HeartbeatWheel#unstalledNanos}): what the peer
 * is given to answer is counted on it alone, so a stall of ours never shortens it, and a peer that is dead is found within
 * the bound plus the sum of the stalls.
 *
 * <p>{@link #next} says what is to be done; the caller does it and tells by an {@code onXxx} method. It extends Netty's
 * handler only because the handler built on it must, so that a connection costs one object and not two
 * (docs/adr/0006-one-object-per-connection.md). It uses nothing of it.
 */
abstract class HeartbeatMachine extends ChannelDuplexHandler {
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
        DEAD
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

    private State state = State.STOPPED;
    private byte attempts;
    private boolean suspected;
    /** The grid: every other beat is a whole number of intervals away. On the monotonic clock. */
    private long nextBeatNanos;
    /** When the newest counted probe left. On the unstalled clock. */
    private long probeNanos;
    /** When the last byte came in, in whole milliseconds of the monotonic clock; wraps, and is compared by difference. */
    private int lastInboundMillis;

    /** The times, shared by every connection of the same options. */
    abstract HeartbeatSettings settings();

    final State state() {
        return state;
    }

    /** Probes of the present silence that are unanswered. */
    final int attempts() {
        return attempts;
    }

    final long nextBeatNanos() {
        return nextBeatNanos;
    }

    /** When the newest counted probe left, on the unstalled clock. */
    final long probeNanos() {
        return probeNanos;
    }

    /** How long nothing has come in, to the millisecond. */
    final long silenceNanos(long now) {
        return (long) (millis(now) - lastInboundMillis) * NANOS_PER_MILLI;
    }

    /** Begins. The first beat is due {@code phase} after now, which is at most an interval. */
    final void onStart(long now, long phase) {
        if (state != State.STOPPED) {
            throw new IllegalStateException("heartbeat: " + state + " (expected: STOPPED to start)");
        }
        state = State.QUIET;
        attempts = 0;
        suspected = false;
        nextBeatNanos = now + phase;
        lastInboundMillis = millis(now);
    }

    /** Ends without a verdict. After a verdict it changes nothing. */
    final void onStop() {
        if (state != State.DEAD) {
            state = State.STOPPED;
        }
    }

    /** What is to be done now. Asked again after each thing done, until it says NONE. */
    final Action next(long now, long unstalled) {
        return switch (state) {
            case STOPPED, JUDGING, DEAD -> Action.NONE;
            case QUIET -> whenQuiet(now, unstalled);
            case PROBING, SUSPECT, EXCUSED -> whenProbing(now, unstalled);
        };
    }

    private Action whenQuiet(long now, long unstalled) {
        if (settings().beats() && now - nextBeatNanos >= 0) {
            return Action.BEAT;
        }
        if (!settings().expectsAnswers() && silenceNanos(now) >= settings().peerIntervalNanos) {
            startTimeout(unstalled); // the peer's own beat is overdue
        }
        return Action.NONE;
    }

    private Action whenProbing(long now, long unstalled) {
        if (unstalled - probeNanos >= settings().timeoutNanos) {
            if (state != State.EXCUSED && attempts < settings().attempts) {
                return Action.SUSPECT;
            }
            state = State.JUDGING;
            return Action.JUDGE;
        }
        return settings().beatsWhileProbing() && now - nextBeatNanos >= 0 ? Action.BEAT : Action.NONE;
    }

    /** A beat of the grid was handed to the channel. Missed grid points are skipped: one beat, no burst, same grid. */
    final void onBeat(long now, long unstalled) {
        skipGridTo(now);
        if (state == State.QUIET && settings().expectsAnswers()) {
            startTimeout(unstalled);
        }
    }

    /** A further probe was handed to the channel, or only counted where none is sent. */
    final void onProbe(long unstalled) {
        state = State.SUSPECT;
        suspected = true;
        attempts++;
        probeNanos = unstalled;
    }

    /** The evidence excuses the silence; it is looked at again after a timeout. */
    final void onExcused(long unstalled) {
        state = State.EXCUSED;
        probeNanos = unstalled;
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
        if (state == State.STOPPED || state == State.DEAD) {
            return false;
        }
        lastInboundMillis = millis(now);
        if (restartGrid) {
            nextBeatNanos = now + settings().intervalNanos;
        }
        if (state == State.QUIET) {
            return false;
        }
        boolean was = suspected;
        state = State.QUIET;
        attempts = 0;
        suspected = false;
        skipGridTo(now);
        return was;
    }

    /** The verdict. */
    final void onDeath() {
        state = State.DEAD;
    }

    /** When {@link #next} may have something to do, if nothing comes in before; on the monotonic clock. */
    final long wakeUpNanos(long now, long unstalled) {
        long toBeat = settings().beats() ? nextBeatNanos - now : Long.MAX_VALUE;
        return now
                + switch (state) {
                    case STOPPED, JUDGING, DEAD -> settings().intervalNanos;
                    case QUIET ->
                        settings().expectsAnswers()
                                ? toBeat
                                : Math.min(toBeat, settings().peerIntervalNanos - silenceNanos(now));
                    case PROBING, SUSPECT, EXCUSED -> {
                        long toDeadline = probeNanos + settings().timeoutNanos - unstalled;
                        yield settings().beatsWhileProbing() ? Math.min(toBeat, toDeadline) : toDeadline;
                    }
                };
    }

    private void startTimeout(long unstalled) {
        state = State.PROBING;
        attempts = 1;
        probeNanos = unstalled;
    }

    private void skipGridTo(long now) {
        long past = now - nextBeatNanos;
        if (past >= 0) {
            nextBeatNanos += (past / settings().intervalNanos + 1) * settings().intervalNanos;
        }
    }

    private static int millis(long nanos) {
        return (int) (nanos / NANOS_PER_MILLI);
    }
}
