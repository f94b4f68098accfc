package dev.holdfast.heartbeat;

import dev.holdfast.heartbeat.HeartbeatMachine.Action;
import dev.holdfast.heartbeat.HeartbeatMachine.State;
import dev.holdfast.heartbeat.HeartbeatMachineTest.Machine;
import dev.holdfast.heartbeat.HeartbeatScript.Event;
import dev.holdfast.heartbeat.HeartbeatScript.Span;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Runs a script on a machine and watches it. Its own times are counted from the script's beginning, so they don't wrap where
 * the machine's clock does.
 *
 * <p>What nobody would do is left out: a judgement where none is asked for, and a loop that runs on without waking up a
 * machine that is due.
 */
final class ScriptedMachine {
    /** BEAT, SUSPECT and JUDGE: each of them at most once at one instant. */
    private static final int ACTIONS_AT_ONCE = 3;
    /** How long a silence is told rightly: 25 days, the longest interval and a timer's lateness. */
    private static final long LONGEST_SILENCE = 25L * 24 * 3600 * 1_000_000_000;
    /** What silence is counted in. */
    private static final long SILENCE_UNIT = 1 << 20;

    private final HeartbeatSettings settings;
    private final Machine machine;
    private final long base;
    /** How much later than its timeout a probe may be given up, for its time is kept in steps: next to nothing. */
    private final long grace;

    final Map<Action, Integer> done = new EnumMap<>(Action.class);
    int deaths;

    private long elapsed;
    private long stalled;
    private long heard;
    /** A point of the grid. */
    private long grid;
    /** The newest counted probe, and the first of its round; on the unstalled clock. */
    private long probe;

    private long firstProbe;
    private boolean suspected;
    /** Before this time there is nothing to do, so the machine has said. */
    private long nothingBefore;

    ScriptedMachine(HeartbeatScript script) {
        settings = script.settings();
        machine = new Machine(settings);
        base = script.base();
        grace = 2 * ((1L << settings.probeShift) - 1);
        check(grace <= settings.timeoutNanos >> 26, () -> "a time is kept in steps of " + (1L << settings.probeShift));
    }

    void run(HeartbeatScript script) {
        for (Event event : script.events()) {
            State before = machine.state();
            happen(event);
            check(before != State.DEAD || machine.state() == State.DEAD, () -> "back from the dead");
            checkState();
        }
    }

    private void happen(Event event) {
        switch (event.kind()) {
            case START -> start(nanos(event.span()));
            case STOP -> stop();
            case PASS -> pass(nanos(event.span()));
            case STALL -> {
                long span = Math.min(nanos(event.span()), LONGEST_SILENCE - (elapsed - heard));
                elapsed += span;
                stalled += span;
            }
            case NEXT -> next();
            case ASK -> ask();
            case ANSWER -> inbound(false);
            case MESSAGE -> inbound(settings.restartsGrid());
            case EXCUSED -> excuse();
            case FRESH -> freshProbe();
            case DEATH -> {
                deaths += machine.state() == State.DEAD ? 0 : 1;
                machine.onDeath();
                check(machine.state() == State.DEAD, () -> "no death");
            }
        }
    }

    private long now() {
        return base + elapsed;
    }

    private long unstalled() {
        return now() - stalled;
    }

    private long sinceProbe() {
        return elapsed - stalled - probe;
    }

    private long toWakeUp() {
        return machine.wakeUpNanos(now(), unstalled()) - now();
    }

    private long toNextBeat() {
        return machine.nextBeatNanos() - now();
    }

    /** What is due next and when, with the steps in which it may be kept; not while a judgement is waited for. */
    private long toNextDue() {
        long beat = settings.beats() ? toNextBeat() : Long.MAX_VALUE;
        long timeout = settings.timeoutNanos - sinceProbe() + grace;
        long peer = settings.peerIntervalNanos - (elapsed - heard) + SILENCE_UNIT;
        return switch (machine.state()) {
            case STOPPED, JUDGING, DEAD -> Long.MAX_VALUE;
            case QUIET -> settings.expectsAnswers() ? beat : Math.min(beat, peer);
            case PROBING, SUSPECT, EXCUSED -> settings.beatsWhileProbing() ? Math.min(beat, timeout) : timeout;
        };
    }

    private boolean isTiming() {
        return switch (machine.state()) {
            case PROBING, SUSPECT, EXCUSED -> true;
            case STOPPED, QUIET, JUDGING, DEAD -> false;
        };
    }

    private boolean isIdle() {
        return machine.state() == State.STOPPED || machine.state() == State.DEAD;
    }

    private long nanos(Span span) {
        long unit = switch (span.unit()) {
            case NS -> 1;
            case MS -> 1_000_000;
            case TICK -> settings.tickNanos;
            case TIMEOUT -> settings.timeoutNanos;
            case INTERVAL -> settings.intervalNanos;
            case DUE -> isIdle() ? 0 : toWakeUp();
        };
        return Math.max(0, unit * span.count() + span.more());
    }

    private void start(long span) {
        if (machine.state() != State.STOPPED) {
            try {
                machine.onStart(now(), settings.intervalNanos);
            } catch (IllegalStateException expected) {
                return;
            }
            throw new AssertionError("started twice");
        }
        long phase = Math.min(span, settings.intervalNanos);
        machine.onStart(now(), phase);
        check(machine.state() == State.QUIET, () -> "not started");
        grid = elapsed + phase;
        heard = elapsed;
        suspected = false;
        nothingBefore = elapsed;
    }

    private void stop() {
        machine.onStop();
        check(isIdle(), () -> "not stopped");
    }

    private void pass(long span) {
        long most = LONGEST_SILENCE - (elapsed - heard);
        if (isTiming()) {
            most = Math.min(most, Math.max(0, toWakeUp() + 2 * settings.tickNanos));
        }
        elapsed += Math.min(span, most);
    }

    private void next() {
        for (int i = 0; ; i++) {
            int count = i;
            Action action = ask();
            if (action == Action.NONE) {
                return;
            }
            check(i < ACTIONS_AT_ONCE, () -> count + " actions at one instant, and then " + action);
            switch (action) {
                case BEAT -> beat();
                case SUSPECT -> suspect();
                case JUDGE, NONE -> {}
            }
            done.merge(action, 1, Integer::sum);
        }
    }

    /** Asks twice: only a judgement is asked for once. */
    private Action ask() {
        State before = machine.state();
        Action action = machine.next(now(), unstalled());
        switch (action) {
            case NONE -> checkNothingIsDue(before);
            case BEAT -> {
                check(settings.beats(), () -> "a beat where none is sent");
                check(toNextBeat() <= 0, () -> "a beat " + toNextBeat() + " ns before its time");
            }
            case SUSPECT -> {
                check(sinceProbe() >= settings.timeoutNanos, () -> "suspected after " + sinceProbe() + " ns");
                check(machine.attempts() < settings.attempts, () -> "more probes than attempts");
            }
            case JUDGE -> checkJudgement(before);
        }
        check(action == Action.NONE || elapsed + grace >= nothingBefore, () -> action + " before the wake-up time");
        Action again = machine.next(now(), unstalled());
        check(again == (action == Action.JUDGE ? Action.NONE : action), () -> action + ", and then " + again);
        return action;
    }

    private void checkJudgement(State before) {
        check(machine.state() == State.JUDGING, () -> "not judging");
        if (before == State.EXCUSED) {
            check(sinceProbe() >= settings.timeoutNanos, () -> "looked again after " + sinceProbe() + " ns");
        } else {
            long probed = elapsed - stalled - firstProbe;
            check(probed >= settings.attempts * settings.timeoutNanos, () -> "judged after " + probed + " ns");
            check(machine.attempts() == settings.attempts, () -> "judged after " + machine.attempts() + " attempts");
        }
    }

    private void checkNothingIsDue(State before) {
        if (isIdle()) {
            return;
        }
        check(toWakeUp() > 0, () -> "nothing to do, and woken up " + -toWakeUp() + " ns ago");
        nothingBefore = elapsed + toWakeUp();
        boolean beatIsDue = settings.beats() && toNextBeat() <= 0;
        if (before == State.QUIET) {
            check(!beatIsDue, () -> "a beat is due, and not sent");
            boolean overdue = machine.state() == State.PROBING;
            check(!(overdue && settings.expectsAnswers()), () -> "probing without a probe");
            if (!settings.expectsAnswers()) {
                long more = elapsed - heard - settings.peerIntervalNanos;
                check(
                        overdue ? more > -SILENCE_UNIT : more < SILENCE_UNIT,
                        () -> "the peer is " + more + " ns overdue");
            }
            if (overdue) {
                probing();
            }
        } else if (isTiming()) {
            check(!(beatIsDue && settings.beatsWhileProbing()), () -> "a beat is due while probing, and not sent");
            long over = sinceProbe() - settings.timeoutNanos;
            check(over <= grace, () -> "a timeout ended " + over + " ns ago");
        }
        check(toWakeUp() <= toNextDue(), () -> "woken up " + (toWakeUp() - toNextDue()) + " ns too late");
    }

    private void beat() {
        State before = machine.state();
        machine.onBeat(now(), unstalled());
        check(toNextBeat() > 0, () -> "a burst of beats");
        if (before == State.QUIET && settings.expectsAnswers()) {
            check(machine.state() == State.PROBING, () -> "a beat, and no probe");
            probing();
        } else {
            check(machine.state() == before, () -> "a beat has led from " + before);
        }
        nothingBefore = elapsed;
    }

    private void suspect() {
        int before = machine.attempts();
        machine.onProbe(unstalled());
        check(machine.state() == State.SUSPECT && machine.attempts() == before + 1, () -> "no further probe");
        probe = elapsed - stalled;
        suspected = true;
        nothingBefore = elapsed;
    }

    private void probing() {
        check(machine.attempts() == 1, () -> "a first probe that is no first");
        probe = elapsed - stalled;
        firstProbe = probe;
    }

    private void excuse() {
        if (machine.state() == State.JUDGING) {
            machine.onExcused(unstalled());
            check(machine.state() == State.EXCUSED, () -> "not excused");
            probe = elapsed - stalled;
            nothingBefore = elapsed;
        }
    }

    /** After a judgement, or because somebody asks. */
    private void freshProbe() {
        State state = machine.state();
        if (state == State.JUDGING || (state == State.QUIET && settings.expectsAnswers())) {
            machine.onFreshProbe(unstalled());
            check(machine.state() == State.PROBING, () -> "no fresh probe");
            probing();
            nothingBefore = elapsed;
        }
    }

    private void inbound(boolean restartsGrid) {
        boolean idle = isIdle();
        boolean quiet = machine.state() == State.QUIET;
        boolean relieved = machine.onInbound(now(), restartsGrid);
        check(relieved == (suspected && !idle), () -> "suspected: " + suspected + ", and told " + relieved);
        if (idle) {
            return;
        }
        check(machine.state() == State.QUIET, () -> "heard, and not quiet");
        check(quiet || toNextBeat() > 0, () -> "a beat for each grid point that went by");
        suspected = false;
        heard = elapsed;
        if (restartsGrid) {
            grid = elapsed + settings.intervalNanos;
            check(toNextBeat() == settings.intervalNanos, () -> "the grid was not restarted");
        }
        nothingBefore = elapsed;
    }

    private void checkState() {
        if (isIdle()) {
            check(machine.next(now(), unstalled()) == Action.NONE, () -> "something to do");
            return;
        }
        int attempts = machine.attempts();
        boolean first = machine.state() == State.QUIET;
        check(first ? attempts == 0 : attempts >= 1 && attempts <= settings.attempts, () -> attempts + " attempts");
        check(
                Math.floorMod(elapsed + toNextBeat() - grid, settings.intervalNanos) == 0,
                () -> "off the grid by " + Math.floorMod(elapsed + toNextBeat() - grid, settings.intervalNanos));
        check(toNextBeat() <= settings.intervalNanos, () -> "a grid point was skipped");
        long wrong = machine.silenceNanos(now()) - (elapsed - heard);
        check(Math.abs(wrong) <= SILENCE_UNIT, () -> "silence told wrong by " + wrong + " ns");
    }

    private void check(boolean holds, Supplier<String> what) {
        if (!holds) {
            throw new AssertionError(
                    what.get() + " (" + machine.state() + " at " + elapsed + " ns, stalled " + stalled + ")");
        }
    }
}
