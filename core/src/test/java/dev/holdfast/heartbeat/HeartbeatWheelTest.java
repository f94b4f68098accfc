package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The wheel in frozen time. */
class HeartbeatWheelTest {
    private static final long MS = 1_000_000;

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final EventLoop loop = channel.eventLoop();
    private final List<Node> all = new ArrayList<>();
    private HeartbeatWheel wheel;
    private long start;

    HeartbeatWheelTest() {
        channel.freezeTime();
        wheel = HeartbeatWheel.of(loop);
        start = wheel.nowNanos();
    }

    /** Notes when it is woken up, and asks for the next time of its list. */
    private final class Node extends WheelNode {
        final HeartbeatSettings settings;
        final List<Long> wakeUps = new ArrayList<>();
        final List<Long> stalls = new ArrayList<>();
        long every;

        Node(int intervalMillis, long every) {
            this.settings = new HeartbeatSettings(
                    HeartbeatProtocol.frame(1, 2),
                    HeartbeatOptions.builder()
                            .interval(Duration.ofMillis(intervalMillis))
                            .timeout(Duration.ofMillis(intervalMillis))
                            .build(),
                    (where, event) -> {});
            this.every = every;
            all.add(this);
        }

        @Override
        long tickNanos() {
            return settings.tickNanos;
        }

        @Override
        long onWakeUp(long now, long unstalled, long stallNanos) {
            wakeUps.add(now - start);
            stalls.add(stallNanos);
            return every == LEAVE ? LEAVE : now + every;
        }

        void join(long at) {
            wheel = HeartbeatWheel.of(loop);
            wheel.add(this, start + at);
        }
    }

    private void pass(long nanos) {
        channel.advanceTimeBy(nanos, TimeUnit.NANOSECONDS);
        channel.runScheduledPendingTasks();
    }

    @AfterEach
    void empty() {
        all.forEach(wheel::remove);
        assertThat(HeartbeatWheel.wheels()).isZero();
        channel.finishAndReleaseAll();
    }

    @Test
    void wakeUps_comeUpToATickLate_neverEarly_alsoFarBeyondOneTurn() {
        Random random = new Random(42);
        List<Long> due = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            long at = 1 + (long) (random.nextDouble() * 20_000 * MS); // 2,000 ticks of 10 ms: four turns
            due.add(at);
            new Once(at).join();
        }
        for (int i = 0; i < 2_100; i++) {
            pass(10 * MS);
        }
        for (Once each : once) {
            assertThat(each.wokenUp - each.at).isBetween(0L, 10 * MS);
        }
        assertThat(once).hasSameSizeAs(due);
        assertThat(HeartbeatWheel.wheels()).isZero();
    }

    private final List<Once> once = new ArrayList<>();

    /** Like a machine: woken up too soon it asks for its time again. */
    private final class Once extends WheelNode {
        final long at;
        final HeartbeatSettings settings = new HeartbeatSettings(
                HeartbeatProtocol.frame(1, 2),
                HeartbeatOptions.builder()
                        .interval(Duration.ofMillis(100))
                        .timeout(Duration.ofMillis(100))
                        .build(),
                (where, event) -> {});
        long wokenUp = -1;

        Once(long at) {
            this.at = at;
            once.add(this);
        }

        void join() {
            wheel = HeartbeatWheel.of(loop);
            wheel.add(this, start + at);
        }

        @Override
        long tickNanos() {
            return settings.tickNanos;
        }

        @Override
        long onWakeUp(long now, long unstalled, long stallNanos) {
            if (now - start < at) {
                return start + at;
            }
            wokenUp = now - start;
            return LEAVE;
        }
    }

    @Test
    void tick_isThatOfTheMostDemanding_andSlowsDownWhenItLeaves() {
        Node slow = new Node(1000, 100 * MS);
        slow.join(100 * MS);
        assertThat(wheel.periodNanos()).isEqualTo(100 * MS);
        Node fast = new Node(50, 5 * MS);
        fast.join(5 * MS);
        assertThat(wheel.periodNanos()).isEqualTo(5 * MS);
        wheel.remove(fast);
        for (int i = 0; i < 2 * 512 + 2; i++) {
            pass(5 * MS);
        }
        assertThat(wheel.periodNanos()).isEqualTo(100 * MS);
        int before = slow.wakeUps.size();
        pass(100 * MS);
        pass(100 * MS);
        assertThat(slow.wakeUps.size()).isGreaterThan(before);
    }

    @Test
    void lateTick_isAStall_andTheUnstalledClockStandsStill() {
        Node node = new Node(100, 10 * MS);
        node.join(10 * MS);
        pass(10 * MS);
        assertThat(node.stalls).containsOnly(0L);
        long before = wheel.unstalledNanos(wheel.nowNanos());
        pass(1000 * MS);
        assertThat(node.stalls.get(node.stalls.size() - 1)).isEqualTo(990 * MS);
        assertThat(wheel.unstalledNanos(wheel.nowNanos()) - before).isEqualTo(10 * MS);
        pass(20 * MS); // a tick that is late by no more than a period is none
        assertThat(node.stalls.get(node.stalls.size() - 1)).isZero();
        assertThat(wheel.unstalledNanos(wheel.nowNanos()) - before).isEqualTo(30 * MS);
    }

    @Test
    void fasterNode_thatJoinsInAStall_keepsEverybodyTicking() {
        Node slow = new Node(1000, 100 * MS);
        slow.join(100 * MS);
        pass(100 * MS);
        channel.advanceTimeBy(1000, TimeUnit.MILLISECONDS); // no tick has run since
        Node fast = new Node(100, 10 * MS);
        fast.join(1110 * MS);
        for (int i = 0; i < 100; i++) {
            pass(10 * MS);
        }
        assertThat(fast.wakeUps).hasSizeGreaterThan(90);
        assertThat(slow.wakeUps).hasSizeGreaterThan(9);
    }

    @Test
    void fasterNode_thatJoinsLateInATick_makesNoStallOfIt() {
        Node slow = new Node(1000, 100 * MS);
        slow.join(100 * MS);
        pass(100 * MS);
        channel.advanceTimeBy(195, TimeUnit.MILLISECONDS); // late, but no stall
        long before = wheel.unstalledNanos(wheel.nowNanos());
        Node fast = new Node(100, 10 * MS);
        fast.join(300 * MS);
        assertThat(wheel.unstalledNanos(wheel.nowNanos())).isEqualTo(before);
        assertThat(wheel.nowNanos() - wheel.dueNanos())
                .as("what is read now gets no older stamp than a tick")
                .isEqualTo(5 * MS);
        pass(5 * MS);
        assertThat(fast.wakeUps).containsExactly(300 * MS);
        assertThat(slow.stalls).containsOnly(0L);
        assertThat(wheel.unstalledNanos(wheel.nowNanos()) - before).isEqualTo(5 * MS);
    }

    @Test
    void stall_inWhichAFasterNodeJoins_isBookedAtOnce_andTold() {
        Node slow = new Node(1000, 100 * MS);
        slow.join(100 * MS);
        pass(100 * MS);
        long before = wheel.unstalledNanos(wheel.nowNanos());
        long stamp = wheel.dueNanos();
        channel.advanceTimeBy(1000, TimeUnit.MILLISECONDS);
        Node fast = new Node(100, 10 * MS);
        fast.join(1110 * MS);
        assertThat(wheel.unstalledNanos(wheel.nowNanos()) - before).isEqualTo(100 * MS);
        pass(10 * MS);
        assertThat(slow.stalls).containsExactly(0L, 900 * MS);
        assertThat(wheel.unstalledNanos(wheel.nowNanos()) - before).isEqualTo(110 * MS);
        assertThat(wheel.latestNanos(stamp, 100 * MS)).isEqualTo(stamp + 1000 * MS);
        for (int i = 0; i < 10; i++) {
            pass(10 * MS);
        }
        assertThat(slow.stalls.get(2)).as("told once").isZero();
    }

    @Test
    void stallThatNoTickHasBookedYet_isLeftOutAsWell() {
        Node node = new Node(100, 10 * MS);
        node.join(10 * MS);
        pass(10 * MS);
        long before = wheel.unstalledNanos(wheel.nowNanos());
        channel.advanceTimeBy(3000, TimeUnit.MILLISECONDS); // and something of the loop runs before the tick
        assertThat(wheel.unstalledNanos(wheel.nowNanos()) - before).isEqualTo(20 * MS);
    }

    @Test
    void stamp_ofAReadInAStall_mayBeAsYoungAsItsEnd() {
        Node node = new Node(100, 10 * MS);
        node.join(10 * MS);
        pass(10 * MS);
        long before = wheel.dueNanos();
        assertThat(latest(before)).isEqualTo(before + 30 * MS);
        pass(500 * MS);
        assertThat(latest(before)).isEqualTo(before + 500 * MS);
        long after = wheel.dueNanos();
        assertThat(latest(after)).isEqualTo(after + 30 * MS);
        assertThat(latest(before - 100 * MS)).isEqualTo(before - 70 * MS);
        pass(700 * MS);
        assertThat(latest(after)).isEqualTo(after + 700 * MS);
        assertThat(latest(before)).as("the stall before is not forgotten").isEqualTo(before + 500 * MS);
    }

    private long latest(long stamp) {
        return wheel.latestNanos(stamp, 10 * MS);
    }

    @Test
    void stamp_ofAReadInALateLoop_mayBeThreePeriodsOlder_andNoMore() {
        Node node = new Node(100, 10 * MS);
        node.join(10 * MS);
        pass(20 * MS - 1); // so late, and it would be the next tick
        long stamp = wheel.dueNanos();
        assertThat(stamp).isEqualTo(start + 10 * MS);
        channel.advanceTimeBy(20 * MS, TimeUnit.NANOSECONDS); // any later is a stall
        assertThat(wheel.dueNanos())
                .as("a read is stamped so until the tick has run")
                .isEqualTo(stamp);
        long read = wheel.nowNanos();
        pass(0);
        assertThat(node.stalls).containsOnly(0L);
        assertThat(wheel.dueNanos()).isNotEqualTo(stamp);
        assertThat(latest(stamp) - read).isEqualTo(1);
    }

    @Test
    void stamp_ofTheTickThatEndsAStall_isItsOwn() {
        Node node = new Node(100, 10 * MS);
        node.join(10 * MS);
        pass(10 * MS);
        pass(505 * MS);
        assertThat(node.stalls.get(node.stalls.size() - 1)).isPositive();
        long stamp = wheel.dueNanos();
        pass(24 * MS);
        assertThat(latest(stamp)).isEqualTo(stamp + 30 * MS);
    }

    @Test
    void reads_howeverLateOrStalledTheLoop_areNoYoungerThanTheirStampAllows() {
        long seed = new Random().nextLong();
        System.out.println("HeartbeatWheelTest seed " + seed);
        Random random = new Random(seed);
        Node node = new Node(100, 10 * MS);
        node.join(10 * MS);
        for (int i = 0; i < 3000; i++) {
            boolean stalls = random.nextInt(20) == 0;
            long toTick = 1 + (long) (random.nextDouble() * (stalls ? 300 : 21) * MS);
            long toRead = (long) (random.nextDouble() * toTick);
            channel.advanceTimeBy(toRead, TimeUnit.NANOSECONDS);
            HeartbeatMachineTest.Machine machine = new HeartbeatMachineTest.Machine(node.settings);
            machine.onStart(wheel.nowNanos(), MS);
            machine.onInbound(wheel.dueNanos(), false);
            long read = wheel.nowNanos();
            pass(toTick - toRead);
            pass((long) (random.nextDouble() * 5 * MS)); // any place in the units of the clocks
            long now = wheel.nowNanos();
            long latest = wheel.latestNanos(machine.lastInboundNanos(now), 10 * MS);
            assertThat(latest).as("pass %d", i).isGreaterThanOrEqualTo(read);
        }
    }

    @Test
    void move_keepsTheTickThatItsNodeNeeds_alsoOfOneThatIsNeverWokenUp() {
        Node slow = new Node(1000, 100 * MS);
        slow.join(100 * MS);
        Node fast = new Node(50, 5 * MS);
        fast.join(50 * MS);
        for (int i = 0; i < 3 * 512; i++) {
            wheel.move(fast, wheel.nowNanos() + 50 * MS);
            pass(5 * MS);
        }
        assertThat(fast.wakeUps).isEmpty();
        assertThat(wheel.periodNanos()).isEqualTo(5 * MS);
    }

    @Test
    void manyDueAtOnce_areWokenUpInBatches_allOfThem() {
        for (int i = 0; i < 5_000; i++) {
            new Node(100, WheelNode.LEAVE).join(10 * MS);
        }
        pass(10 * MS);
        channel.runScheduledPendingTasks();
        for (int i = 0; i < 10; i++) {
            channel.runScheduledPendingTasks();
        }
        assertThat(all).allSatisfy(node -> assertThat(node.wakeUps).hasSize(1));
        assertThat(HeartbeatWheel.wheels()).isZero();
    }

    @Test
    void remove_beforeItsTime_isNeverWokenUp_andTwiceDoesNothing() {
        Node gone = new Node(100, 10 * MS);
        Node stays = new Node(100, 10 * MS);
        gone.join(50 * MS);
        stays.join(50 * MS);
        wheel.remove(gone);
        wheel.remove(gone);
        for (int i = 0; i < 20; i++) {
            pass(10 * MS);
        }
        assertThat(gone.wakeUps).isEmpty();
        assertThat(stays.wakeUps).isNotEmpty();
        assertThat(wheel.size()).isEqualTo(1);
    }

    @Test
    void move_wakesUpAtTheNewTime() {
        Node node = new Node(100, 1000 * MS);
        node.join(500 * MS);
        wheel.move(node, start + 30 * MS);
        for (int i = 0; i < 5; i++) {
            pass(10 * MS);
        }
        assertThat(node.wakeUps).containsExactly(30 * MS);
    }
}
