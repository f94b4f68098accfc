package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Delivery.Confirmation;
import dev.holdfast.Delivery.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class OutboundTest {
    private static final int LIMIT = 4096;
    private static final int SEQUENCES = 20_000;

    private final Counting counting = new Counting();
    private final List<Boolean> told = new ArrayList<>();
    private final Outbound outbound = outbound(LIMIT);

    private Outbound outbound(long limit) {
        Outbound[] made = new Outbound[1];
        made[0] = new Outbound(limit, counting, Runnable::run, () -> told.add(made[0].isWritable()));
        return made[0];
    }

    private Delivery filled(int cost) {
        Delivery delivery = outbound.begin(cost - Outbound.OVERHEAD);
        assertThat(delivery.state()).isEqualTo(State.PENDING);
        return delivery;
    }

    private void settle(Delivery delivery) {
        outbound.confirmed(delivery, Confirmation.PROGRAM);
    }

    @Test
    void messageThatFillsTheLimitExactly_isTaken_andNothingBesideIt() {
        filled(LIMIT);
        assertThat(outbound.backlog()).isEqualTo(LIMIT);
        Delivery empty = outbound.begin(0);
        assertThat(empty.state()).isEqualTo(State.NOT_SENT);
        assertThat(empty.reason())
                .contains("0 bytes to be sent, 4096 bytes sent and not known to have arrived (expected: outboundLimit"
                        + " 4096 bytes at most, each message counting 64 more)");
        assertThat(outbound.backlog()).isEqualTo(LIMIT);
    }

    @Test
    void messageOneByteAboveTheLimit_isNotSent_andTakesNoRoom() {
        Delivery delivery = outbound.begin(LIMIT - Outbound.OVERHEAD + 1);
        assertThat(delivery.state()).isEqualTo(State.NOT_SENT);
        assertThat(outbound.backlog()).isZero();
        assertThat(outbound.isWritable()).isTrue();
        assertThat(told).isEmpty();
        assertThat(counting.now().sent()).isEqualTo(1);
        assertThat(counting.now().notSent()).isEqualTo(1);
    }

    @Test
    void longestMessage_doesNotOverflow() {
        assertThat(outbound.begin(Integer.MAX_VALUE).state()).isEqualTo(State.NOT_SENT);
        assertThat(outbound.backlog()).isZero();
    }

    @Test
    void emptyMessages_countTheirOverhead() {
        for (int i = 0; i < LIMIT / Outbound.OVERHEAD; i++) {
            filled(Outbound.OVERHEAD);
        }
        assertThat(outbound.begin(0).state()).isEqualTo(State.NOT_SENT);
    }

    @Test
    void ids_countFromOne_andThoseNotSentToo() {
        assertThat(outbound.begin(1).id()).isEqualTo(1);
        assertThat(outbound.begin(LIMIT).id()).isEqualTo(2);
        assertThat(outbound.begin(1).id()).isEqualTo(3);
    }

    @Test
    void writability_endsAboveHalf_andReturnsBelowAQuarter() {
        Delivery half = filled(LIMIT / 2);
        assertThat(outbound.isWritable()).isTrue();
        Delivery more = filled(Outbound.OVERHEAD);
        assertThat(outbound.isWritable()).isFalse();
        filled(LIMIT / 4 - 1);
        assertThat(told).containsExactly(false);
        settle(more);
        assertThat(outbound.isWritable()).isFalse();
        settle(half);
        assertThat(outbound.isWritable()).isTrue();
        assertThat(told).containsExactly(false, true);
    }

    @Test
    void writability_atAQuarterExactly_doesNotReturn() {
        Delivery much = filled(LIMIT / 2 + 1);
        Delivery quarter = filled(LIMIT / 4);
        settle(much);
        assertThat(outbound.isWritable()).isFalse();
        settle(quarter);
        assertThat(outbound.isWritable()).isTrue();
        assertThat(told).containsExactly(false, true);
    }

    @Test
    void pressing_isAboveAQuarter() {
        filled(LIMIT / 4);
        assertThat(outbound.isPressing()).isFalse();
        filled(Outbound.OVERHEAD);
        assertThat(outbound.isPressing()).isTrue();
    }

    @Test
    void eachFate_isCountedOnce_andGivesTheRoomBackOnce() {
        Delivery confirmed = filled(100);
        outbound.written(confirmed, true);
        assertThat(outbound.backlog()).isEqualTo(100);
        outbound.confirmed(confirmed, Confirmation.KERNEL);
        outbound.confirmed(confirmed, Confirmation.PROGRAM);
        outbound.ended(confirmed, "late");
        outbound.notSent(confirmed, "late");
        assertThat(outbound.backlog()).isZero();
        assertThat(confirmed.confirmation()).contains(Confirmation.KERNEL);

        Delivery unknown = filled(100);
        outbound.ended(unknown, "it is not written yet");
        assertThat(outbound.backlog()).isEqualTo(100);
        outbound.written(unknown, true);
        outbound.ended(unknown, "gone");
        outbound.ended(unknown, "gone");
        outbound.confirmed(unknown, Confirmation.PROGRAM);
        assertThat(outbound.backlog()).isZero();
        assertThat(unknown.state()).isEqualTo(State.UNKNOWN);

        Delivery notSent = filled(100);
        outbound.notSent(notSent, "gone");
        outbound.notSent(notSent, "gone");
        outbound.confirmed(notSent, Confirmation.PROGRAM);
        assertThat(notSent.confirmation()).isEmpty();
        assertThat(outbound.backlog()).isZero();

        Delivery unconfirmable = filled(100);
        outbound.written(unconfirmable, false);
        assertThat(outbound.backlog()).isZero();
        assertThat(unconfirmable.confirmed().toCompletableFuture()).isCompletedWithValue(unconfirmable);

        Counters now = counting.now();
        assertThat(List.of(now.sent(), now.written(), now.confirmed(), now.notSent(), now.unknown()))
                .containsExactly(4L, 3L, 1L, 1L, 1L);
    }

    @Test
    void confirmedBeforeItsWriteIsKnown_isCountedAsWrittenOnce() {
        Delivery delivery = filled(100);
        outbound.confirmed(delivery, Confirmation.PROGRAM);
        outbound.written(delivery, true);
        assertThat(delivery.state()).isEqualTo(State.CONFIRMED);
        assertThat(counting.now().written()).isEqualTo(1);
        assertThat(outbound.backlog()).isZero();
    }

    /** What is refused must not push aside what fits, nor hide that there is room again. */
    @Test
    void othersThatAreRefused_doNotDisturb() throws Exception {
        Outbound shared = new Outbound(LIMIT, counting, Runnable::run, () -> {});
        CountDownLatch done = new CountDownLatch(1);
        Thread greedy = new Thread(() -> {
            while (done.getCount() > 0) {
                shared.begin(LIMIT);
            }
        });
        greedy.start();
        try {
            for (int i = 0; i < 100_000; i++) {
                Delivery delivery = shared.begin(LIMIT - Outbound.OVERHEAD);
                assertThat(delivery.state()).as("round %s", i).isEqualTo(State.PENDING);
                shared.confirmed(delivery, Confirmation.PROGRAM);
                assertThat(shared.isWritable()).as("round %s", i).isTrue();
            }
        } finally {
            done.countDown();
            greedy.join();
        }
        assertThat(shared.backlog()).isZero();
    }

    @Test
    void manyThreads_neverAboveTheLimit_andWritableInTheEnd() throws Exception {
        AtomicInteger above = new AtomicInteger();
        Outbound shared = new Outbound(LIMIT, counting, Runnable::run, () -> {});
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            SplittableRandom random = new SplittableRandom(t);
            Thread thread = new Thread(() -> {
                Deque<Delivery> mine = new ArrayDeque<>();
                for (int i = 0; i < 50_000; i++) {
                    Delivery delivery = shared.begin(random.nextInt(1500));
                    if (delivery.state() == State.PENDING) {
                        mine.add(delivery);
                    }
                    if (shared.backlog() > LIMIT) {
                        above.incrementAndGet();
                    }
                    if (mine.size() > random.nextInt(4)) {
                        shared.confirmed(mine.remove(), Confirmation.PROGRAM);
                    }
                }
                mine.forEach(left -> shared.confirmed(left, Confirmation.PROGRAM));
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(above).hasValue(0);
        assertThat(shared.backlog()).isZero();
        assertThat(shared.isWritable()).isTrue();
        Counters now = counting.now();
        assertThat(now.sent()).isEqualTo(200_000).isEqualTo(now.confirmed() + now.notSent());
    }

    /** The life of one connection after another, in any order that a channel allows. */
    private final class Lives {
        private final SplittableRandom random;
        private final List<Delivery> all = new ArrayList<>();
        private final Deque<Delivery> unwritten = new ArrayDeque<>();
        private final List<Delivery> provenLater = new ArrayList<>();
        private Confirmations open = new Confirmations();
        private long asked;

        Lives(SplittableRandom random) {
            this.random = random;
        }

        void step() {
            switch (random.nextInt(12)) {
                case 0, 1, 2, 3 -> send();
                case 4, 5, 6 -> write(true);
                case 7 -> write(false);
                case 8 -> asked = open.mark() - unwritten.size(); // a proof passes what stands before it only
                case 9, 10 -> prove();
                default -> {
                    if (random.nextInt(3) == 0) {
                        die();
                    }
                }
            }
        }

        private void send() {
            Delivery delivery = outbound.begin(random.nextInt(600));
            all.add(delivery);
            if (delivery.state() == State.PENDING) {
                open.add(delivery);
                unwritten.add(delivery);
            }
        }

        private void write(boolean succeeds) {
            Delivery delivery = unwritten.poll();
            if (delivery != null && succeeds) {
                outbound.written(delivery, true);
            } else if (delivery != null) {
                outbound.notSent(delivery, "refused by a handler");
            }
        }

        private void prove() {
            open.confirmUpTo(asked, delivery -> {
                provenLater.add(delivery);
                outbound.confirmed(delivery, Confirmation.PROGRAM);
            });
        }

        void die() {
            if (random.nextBoolean()) {
                failUnwritten();
                open.end(delivery -> outbound.ended(delivery, "gone"));
            } else {
                open.end(delivery -> outbound.ended(delivery, "gone"));
                failUnwritten();
            }
            open = new Confirmations();
            asked = 0;
        }

        private void failUnwritten() {
            unwritten.forEach(delivery -> outbound.notSent(delivery, "gone"));
            unwritten.clear();
        }
    }

    @Test
    void anyOrderOfEvents_everyMessageHasOneFate_andTheAccountIsRight() {
        long seed = ThreadLocalRandom.current().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < SEQUENCES; i++) {
            Lives lives = new Lives(random.split());
            Counters before = counting.now();
            int steps = random.nextInt(60);
            for (int step = 0; step < steps; step++) {
                lives.step();
                long inUse = lives.all.stream()
                        .filter(one -> one.state() == State.PENDING || one.state() == State.WRITTEN)
                        .mapToLong(one -> one.bytes() + Outbound.OVERHEAD)
                        .sum();
                assertThat(outbound.backlog())
                        .as("seed %s", seed)
                        .isEqualTo(inUse)
                        .isLessThanOrEqualTo(LIMIT);
            }
            lives.die();
            Counters now = counting.now();
            String which = "seed " + seed + ", sequence " + i;
            assertThat(outbound.backlog()).as(which).isZero();
            assertThat(outbound.isWritable()).as(which).isTrue();
            assertThat(now.sent() - before.sent()).as(which).isEqualTo(lives.all.size());
            assertThat(now.confirmed() - before.confirmed()).as(which).isEqualTo(count(lives.all, State.CONFIRMED));
            assertThat(now.unknown() - before.unknown()).as(which).isEqualTo(count(lives.all, State.UNKNOWN));
            assertThat(now.notSent() - before.notSent()).as(which).isEqualTo(count(lives.all, State.NOT_SENT));
            assertThat(now.confirmed() + now.unknown() + now.notSent())
                    .as(which)
                    .isEqualTo(now.sent());
            assertThat(now.written()).as(which).isEqualTo(now.confirmed() + now.unknown());
            assertThat(lives.provenLater).as(which).allMatch(one -> one.state() != State.UNKNOWN);
        }
    }

    private static long count(List<Delivery> all, State state) {
        return all.stream().filter(one -> one.state() == state).count();
    }
}
