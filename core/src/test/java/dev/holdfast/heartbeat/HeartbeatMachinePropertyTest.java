package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatMachine.Action;
import dev.holdfast.heartbeat.HeartbeatMachine.State;
import dev.holdfast.heartbeat.HeartbeatMachineTest.Machine;
import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Random schedules of a loop that stalls and a peer that answers, talks, dies: no living peer is declared dead, no dead one
 * lives longer than the bound plus the stalls, and there is one verdict.
 */
class HeartbeatMachinePropertyTest {
    private static final long STEPS = 12_000_000;

    @Test
    void noFalseDeath_noMissedDeath_oneVerdict_withinTheBound() {
        long seed = new Random().nextLong();
        System.out.println("HeartbeatMachinePropertyTest seed " + seed);
        Random random = new Random(seed);
        Tally tally = new Tally();
        while (tally.steps < STEPS) {
            new World(new Random(random.nextLong()), tally).run("seed " + seed + ", world " + tally.worlds);
            tally.worlds++;
        }
        assertThat(tally.deaths).as("worlds with a death").isGreaterThan(1000);
        assertThat(tally.survivors).as("worlds without one").isGreaterThan(1000);
        assertThat(tally.stalls).as("stalls").isGreaterThan(10_000);
        assertThat(tally.suspects).as("suspicions").isGreaterThan(1000);
    }

    private static final class Tally {
        long steps;
        long worlds;
        long deaths;
        long survivors;
        long stalls;
        long suspects;
    }

    /** One connection: its loop ticks, stalls now and then, and reads what has come in before it judges. */
    private static final class World {
        private final Random random;
        private final Tally tally;
        private final HeartbeatSettings settings;
        private final Machine machine;
        private final PriorityQueue<Long> arrivals = new PriorityQueue<>();
        private final long tick;
        private final long answerWithin;
        private final boolean talkative;
        private final long stallOften;
        private long dies = Long.MAX_VALUE;
        private long now;
        private long stalled;
        private long lastArrival;
        private long stalledAtLastArrival;

        World(Random random, Tally tally) {
            this.random = random;
            this.tally = tally;
            int interval = 10 + random.nextInt(2000);
            int timeout = 10 + random.nextInt(500);
            int attempts = 1 + random.nextInt(4);
            HeartbeatMode mode = random.nextBoolean() ? HeartbeatMode.ALWAYS : HeartbeatMode.WHEN_QUIET;
            settings = HeartbeatMachineTest.settings(interval, timeout, attempts, mode);
            machine = new Machine(settings);
            tick = settings.tickNanos;
            answerWithin = settings.timeoutNanos * attempts - 1;
            talkative = random.nextInt(3) == 0;
            stallOften = random.nextInt(3) == 0 ? 20 : 400;
            now = random.nextLong();
            lastArrival = now;
            if (random.nextBoolean()) {
                dies = now + (long) (random.nextDouble() * 20 * settings.intervalNanos);
            }
        }

        void run(String name) {
            machine.onStart(now, 1 + (long) (random.nextDouble() * settings.intervalNanos));
            long end = now + 40 * settings.intervalNanos;
            for (int i = 0; i < 4000 && end - now > 0 && machine.state() != State.DEAD; i++) {
                step(name);
                tally.steps++;
            }
            if (machine.state() == State.DEAD) {
                tally.deaths++;
            } else {
                tally.survivors++;
                assertThat(machine.state()).as(name).isNotEqualTo(State.JUDGING);
            }
        }

        private void step(String name) {
            long gap = tick + (long) (random.nextDouble() * tick); // a tick may be late by up to one more
            boolean stall = random.nextInt((int) stallOften) == 0;
            if (stall) {
                gap = 2 * tick + (long) (random.nextDouble() * 10 * settings.timeoutNanos);
                stalled += gap - tick;
                tally.stalls++;
            }
            long before = now;
            now += gap;
            if (talkative && random.nextInt(10) == 0) {
                peerSends(before + (long) (random.nextDouble() * gap));
            }
            if (!stall || random.nextBoolean()) {
                read(); // the loop may also run its timers before its I/O
            }
            act(name);
            checkBound(name);
        }

        private void act(String name) {
            long unstalled = now - stalled;
            for (Action action = machine.next(now, unstalled);
                    action != Action.NONE;
                    action = machine.next(now, unstalled)) {
                switch (action) {
                    case BEAT -> {
                        long due = machine.nextBeatNanos();
                        assertThat(now - due)
                                .as(name + ": no beat before its time")
                                .isNotNegative();
                        machine.onBeat(now, unstalled);
                        assertThat(Math.floorMod(machine.nextBeatNanos() - due, settings.intervalNanos))
                                .as(name + ": the grid is kept")
                                .isZero();
                        assertThat(machine.nextBeatNanos() - now)
                                .as(name + ": no burst")
                                .isPositive();
                        peerAnswers();
                    }
                    case SUSPECT -> {
                        tally.suspects++;
                        machine.onProbe(unstalled);
                        peerAnswers();
                    }
                    case JUDGE -> {
                        read();
                        if (machine.state() == State.JUDGING) {
                            assertThat(dies - now)
                                    .as(name + ": a peer that answers in time is not declared dead")
                                    .isNotPositive();
                            machine.onDeath();
                        }
                    }
                    case NONE -> {}
                }
            }
        }

        /** In the time that all attempts have together, counted from the first: that is what "within the bound" means. */
        private void peerAnswers() {
            if (machine.attempts() == 1) {
                peerSends(now + (long) (random.nextDouble() * answerWithin));
            }
        }

        private void peerSends(long when) {
            if (dies - when > 0) {
                arrivals.add(when);
            }
        }

        private void read() {
            boolean any = false;
            for (Long next = arrivals.peek(); next != null && now - next >= 0; next = arrivals.peek()) {
                lastArrival = next;
                stalledAtLastArrival = stalled;
                arrivals.remove();
                any = true;
            }
            if (any) {
                machine.onInbound(now, settings.restartsGrid() && random.nextBoolean());
                lastArrival = now;
            }
        }

        /** Counted from the moment the last byte was read, with a tick of lateness for the beat and for each attempt. */
        private void checkBound(String name) {
            if (machine.state() == State.DEAD || !arrivals.isEmpty()) {
                return;
            }
            long bound = settings.intervalNanos
                    + settings.attempts * settings.timeoutNanos
                    + (settings.attempts + 1) * 2L * tick
                    + (stalled - stalledAtLastArrival);
            assertThat(now - lastArrival)
                    .as(name + ": found within the bound plus the stalls")
                    .isLessThanOrEqualTo(bound);
        }
    }
}
