package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class CallbackQueueTest {
    private static final Runnable NOTHING = () -> {};
    private static final int THREADS = 8;

    private final ExecutorService pool = Executors.newCachedThreadPool();
    private final RecordingLogger log = new RecordingLogger();
    private final List<String> signals = new ArrayList<>();

    /** An executor that runs nothing until it is told to. */
    private final Deque<Runnable> tasks = new ArrayDeque<>();

    @AfterEach
    void stop() {
        pool.shutdownNow();
    }

    private CallbackQueue queue(Executor executor, long limit) {
        return new CallbackQueue(executor, limit, () -> signals.add("full"), () -> signals.add("room"), log);
    }

    private void runTasks() {
        while (!tasks.isEmpty()) {
            tasks.remove().run();
        }
    }

    @Test
    void add_nothingRunning_runsOnTheExecutorInOrder() {
        CallbackQueue queue = queue(tasks::add, 100);
        List<Integer> ran = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            int number = i;
            queue.add(0, () -> ran.add(number));
        }
        assertThat(ran).isEmpty();
        assertThat(queue.size()).isEqualTo(200);
        assertThat(queue.isIdle()).isFalse();
        assertThat(tasks).hasSize(1);

        runTasks();

        assertThat(ran)
                .containsExactlyElementsOf(IntStream.range(0, 200).boxed().toList());
        assertThat(queue.size()).isZero();
        assertThat(queue.isIdle()).isTrue();
    }

    @Test
    void add_manyQueued_theThreadIsHandedBackAfterEachTurn() {
        CallbackQueue queue = queue(tasks::add, 100);
        AtomicInteger ran = new AtomicInteger();
        for (int i = 0; i < 2 * CallbackQueue.CALLBACKS_PER_TURN + 1; i++) {
            queue.add(0, ran::incrementAndGet);
        }

        tasks.remove().run();
        assertThat(ran).hasValue(CallbackQueue.CALLBACKS_PER_TURN);
        assertThat(tasks).hasSize(1);
        tasks.remove().run();
        assertThat(ran).hasValue(2 * CallbackQueue.CALLBACKS_PER_TURN);
        tasks.remove().run();
        assertThat(ran).hasValue(2 * CallbackQueue.CALLBACKS_PER_TURN + 1);
        assertThat(tasks).isEmpty();
    }

    @Test
    void add_exactlyOneTurn_isNotHandedBack() {
        CallbackQueue queue = queue(tasks::add, 100);
        for (int i = 0; i < CallbackQueue.CALLBACKS_PER_TURN; i++) {
            queue.add(0, NOTHING);
        }
        tasks.remove().run();
        assertThat(tasks).isEmpty();
        assertThat(queue.isIdle()).isTrue();
    }

    @Test
    void add_twoQueuesOnOneThread_takeTurns() {
        List<String> ran = new ArrayList<>();
        CallbackQueue first = queue(tasks::add, 100);
        CallbackQueue second = queue(tasks::add, 100);
        for (int i = 0; i < 1000; i++) {
            first.add(0, () -> ran.add("first"));
        }
        second.add(0, () -> ran.add("second"));

        runTasks();

        assertThat(ran.indexOf("second")).isEqualTo(CallbackQueue.CALLBACKS_PER_TURN);
    }

    @Test
    void add_eightThreads_neverTwoAtOnceAndInOrderOfEach() throws InterruptedException {
        CallbackQueue queue = queue(pool, Long.MAX_VALUE);
        int each = 5000;
        AtomicBoolean running = new AtomicBoolean();
        AtomicInteger overlaps = new AtomicInteger();
        int[] last = new int[THREADS]; // plain: each callback has to see what the last one wrote
        List<String> wrong = new ArrayList<>();
        inThreads(thread -> {
            for (int i = 1; i <= each; i++) {
                int number = i;
                queue.add(1, () -> {
                    if (running.getAndSet(true)) {
                        overlaps.incrementAndGet();
                    }
                    if (last[thread] != number - 1) {
                        wrong.add(thread + ": " + number + " after " + last[thread]);
                    }
                    last[thread] = number;
                    running.set(false);
                });
            }
        });
        flush(queue);

        assertThat(overlaps).hasValue(0);
        assertThat(wrong).isEmpty();
        assertThat(last).containsOnly(each);
    }

    @Test
    void add_callbackThrowsAnything_isLoggedAndTheNextRuns() {
        CallbackQueue queue = queue(Runnable::run, 100);
        List<Throwable> thrown =
                List.of(new IllegalStateException("one"), new AssertionError("two"), new IOException("three"));
        AtomicInteger after = new AtomicInteger();
        for (Throwable each : thrown) {
            queue.add(10, () -> CallbackQueueTest.<RuntimeException>sneak(each));
            queue.add(0, after::incrementAndGet);
        }

        assertThat(after).hasValue(3);
        assertThat(queue.queuedBytes()).isZero();
        assertThat(log.lines()).hasSize(3).allMatch(line -> line.startsWith("ERROR a callback failed queued="));
        assertThat(log.events()).extracting(event -> event.getThrowable()).containsExactlyElementsOf(thrown);
    }

    @Test
    void add_ownerThrowsWhenTold_isLoggedAndTheQueueGoesOn() {
        AtomicInteger rooms = new AtomicInteger();
        CallbackQueue queue = new CallbackQueue(
                tasks::add,
                10,
                () -> {
                    throw new IllegalStateException("full");
                },
                rooms::incrementAndGet,
                log);
        queue.add(10, NOTHING);
        runTasks();

        assertThat(log.events()).hasSize(1);
        assertThat(rooms).hasValue(1);
    }

    @Test
    void cost_atTheLimitAndAtHalf_isToldOnceEach() {
        CallbackQueue queue = queue(tasks::add, 100);
        List<List<String>> seen = new ArrayList<>();
        queue.add(49, () -> seen.add(List.copyOf(signals)));
        queue.add(1, () -> seen.add(List.copyOf(signals)));
        queue.add(49, () -> seen.add(List.copyOf(signals)));
        assertThat(signals).isEmpty();
        queue.add(1, () -> seen.add(List.copyOf(signals)));
        assertThat(signals).containsExactly("full");
        queue.add(0, () -> seen.add(List.copyOf(signals)));
        assertThat(queue.queuedBytes()).isEqualTo(100);

        runTasks();

        // 100, 51, 50, 1 and 0 bytes are left when they run; a callback's own bytes count until it has ended
        assertThat(seen)
                .containsExactly(
                        List.of("full"),
                        List.of("full"),
                        List.of("full", "room"),
                        List.of("full", "room"),
                        List.of("full", "room"));
        assertThat(queue.queuedBytes()).isZero();
    }

    @Test
    void cost_oneAboveTheLimit_isTakenAndToldUntilItHasRun() {
        CallbackQueue queue = queue(tasks::add, 1);
        queue.add(Long.MAX_VALUE / 2, () -> assertThat(signals).containsExactly("full"));
        runTasks();
        assertThat(signals).containsExactly("full", "room");
        assertThat(log.events()).isEmpty();
    }

    @Test
    void cost_addedWhileBeingTold_isToldInTurn() {
        CallbackQueue[] queue = new CallbackQueue[1];
        queue[0] = new CallbackQueue(
                tasks::add,
                10,
                () -> {
                    signals.add("full");
                    queue[0].add(10, NOTHING);
                },
                () -> signals.add("room"),
                log);
        queue[0].add(10, NOTHING);
        runTasks();
        assertThat(signals).containsExactly("full", "room");
    }

    /** The reader stops at "full" and resumes at "room", as the owner does; nothing may get stuck, whatever the race. */
    @Test
    void cost_eightThreadsAdding_fullAndRoomAlternateStrictly() throws InterruptedException {
        long seed = new SplittableRandom().nextLong();
        AtomicBoolean telling = new AtomicBoolean();
        List<String> wrong = new ArrayList<>();
        int[] told = new int[2]; // plain: tellings are ordered
        CallbackQueue queue = new CallbackQueue(
                pool,
                64,
                () -> {
                    exclusively(telling, wrong);
                    told[0]++;
                    check(told[0] == told[1] + 1, wrong, "full told twice");
                    telling.set(false);
                },
                () -> {
                    exclusively(telling, wrong);
                    told[1]++;
                    check(told[0] == told[1], wrong, "room told twice");
                    telling.set(false);
                },
                log);
        for (int round = 0; round < 20; round++) {
            long roundSeed = seed + round;
            inThreads(thread -> {
                var random = new SplittableRandom(roundSeed * 31 + thread);
                for (int i = 0; i < 1000; i++) {
                    queue.add(random.nextInt(40), NOTHING);
                    if (random.nextInt(8) == 0) {
                        Thread.onSpinWait();
                    }
                }
            });
            flush(queue);
            assertThat(told[1])
                    .as("seed %d, round %d: room after the last full", seed, round)
                    .isEqualTo(told[0]);
        }
        assertThat(wrong).as("seed %d", seed).isEmpty();
        assertThat(told[0]).as("seed %d: nothing tested", seed).isGreaterThan(20);
    }

    @Test
    void add_callbackBlocks_addersDoNotAndTheOwnerIsTold() throws InterruptedException {
        CallbackQueue queue = queue(pool, 100);
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        AtomicInteger ran = new AtomicInteger();
        queue.add(60, () -> {
            started.countDown();
            awaitUninterruptibly(release);
        });
        assertThat(started.await(10, TimeUnit.SECONDS)).isTrue();
        queue.add(60, ran::incrementAndGet);

        assertThat(signals).containsExactly("full");
        assertThat(queue.queuedBytes()).isEqualTo(120);
        assertThat(queue.size()).isEqualTo(2);
        assertThat(ran).hasValue(0);

        release.countDown();
        flush(queue);
        assertThat(ran).hasValue(1);
        assertThat(signals).containsExactly("full", "room");
    }

    @Test
    void add_executorRefuses_allIsDroppedCountedAndToldOnce() {
        var refusal = new RejectedExecutionException("shut down");
        AtomicInteger asked = new AtomicInteger();
        CallbackQueue queue = queue(
                task -> {
                    asked.incrementAndGet();
                    throw refusal;
                },
                10);
        AtomicInteger ran = new AtomicInteger();
        for (int i = 0; i < 3; i++) {
            queue.add(10, ran::incrementAndGet);
        }

        assertThat(ran).hasValue(0);
        assertThat(asked).hasValue(1);
        assertThat(queue.dropped()).isEqualTo(3);
        assertThat(queue.isIdle()).isTrue();
        assertThat(queue.queuedBytes()).isZero();
        assertThat(signals).containsExactly("full", "room", "full", "room", "full", "room");
        assertThat(log.lines())
                .containsExactly("ERROR the executor refused the callbacks of a connection: they are dropped, and all"
                        + " later ones queued=1");
        assertThat(log.events().get(0).getThrowable()).isSameAs(refusal);
    }

    @Test
    void add_executorRefusesBetweenTwoTurns_theRestIsDropped() {
        AtomicBoolean shutDown = new AtomicBoolean();
        CallbackQueue queue = queue(
                task -> {
                    if (shutDown.get()) {
                        throw new RejectedExecutionException();
                    }
                    tasks.add(task);
                },
                1000);
        AtomicInteger ran = new AtomicInteger();
        for (int i = 0; i < CallbackQueue.CALLBACKS_PER_TURN + 36; i++) {
            queue.add(1, ran::incrementAndGet);
        }
        shutDown.set(true);
        runTasks();
        shutDown.set(false); // once refused, no stream with a hole in it
        queue.add(1, ran::incrementAndGet);
        runTasks();

        assertThat(ran).hasValue(CallbackQueue.CALLBACKS_PER_TURN);
        assertThat(queue.dropped()).isEqualTo(37);
        assertThat(queue.queuedBytes()).isZero();
        assertThat(queue.isIdle()).isTrue();
        assertThat(log.events()).hasSize(1);
    }

    /** An executor that runs its tasks at once: neither a deep stack nor one callback inside another. */
    @Test
    void add_executorOnTheSameThread_neitherNestsNorOverflows() {
        CallbackQueue queue = queue(Runnable::run, Long.MAX_VALUE);
        int many = 1_000_000;
        AtomicInteger ran = new AtomicInteger();
        AtomicInteger depth = new AtomicInteger();
        queue.add(0, () -> {
            for (int i = 0; i < many; i++) {
                queue.add(0, () -> {
                    assertThat(depth.incrementAndGet()).isEqualTo(1);
                    ran.incrementAndGet();
                    depth.decrementAndGet();
                });
            }
            assertThat(ran).hasValue(0);
        });

        assertThat(log.lines()).isEmpty();
        assertThat(ran).hasValue(many);
        assertThat(queue.isIdle()).isTrue();
    }

    /** Two queues that feed each other on one thread. */
    @Test
    void add_toAnotherQueueOnTheSameThread_runsAndComesBack() {
        CallbackQueue first = queue(Runnable::run, 100);
        CallbackQueue second = queue(Runnable::run, 100);
        List<String> ran = new ArrayList<>();
        first.add(0, () -> {
            second.add(0, () -> {
                first.add(0, () -> ran.add("third"));
                ran.add("first");
            });
            assertThat(CallbackQueue.isCallbackThread()).isTrue();
            ran.add("second");
        });
        assertThat(ran).containsExactly("first", "second", "third");
        assertThat(CallbackQueue.isCallbackThread()).isFalse();
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void isCallbackThread_insideAndOutside_tellsThemApart() throws InterruptedException {
        assertSeenInside(pool);
        assertSeenInside(Runnable::run);
        assertSeenInside(CallbackExecutor.shared());
    }

    /** On a JDK that has them. */
    @Test
    void isCallbackThread_virtualThread_isSeen() throws InterruptedException, ReflectiveOperationException {
        if (Runtime.version().feature() >= 21) {
            var executor = (ExecutorService)
                    Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
            assertSeenInside(executor);
            executor.shutdownNow();
        }
    }

    private void assertSeenInside(Executor executor) throws InterruptedException {
        CallbackQueue queue = queue(executor, 100);
        AtomicBoolean inside = new AtomicBoolean();
        AtomicBoolean afterwards = new AtomicBoolean(true);
        queue.add(0, () -> inside.set(CallbackQueue.isCallbackThread()));
        flush(queue);
        CountDownLatch done = new CountDownLatch(1);
        executor.execute(() -> {
            afterwards.set(CallbackQueue.isCallbackThread());
            done.countDown();
        });
        assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();

        assertThat(inside).isTrue();
        assertThat(afterwards).isFalse();
        assertThat(CallbackQueue.isCallbackThread()).isFalse();
    }

    /** More blocked callbacks than the machine has processors; one more client's callback runs all the same. */
    @Test
    void sharedExecutor_othersBlock_runsOnAFurtherDaemonThread() throws InterruptedException {
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch started = new CountDownLatch(50);
        try {
            for (int i = 0; i < 50; i++) {
                queue(CallbackExecutor.shared(), 100).add(0, () -> {
                    started.countDown();
                    awaitUninterruptibly(release);
                });
            }
            assertThat(started.await(10, TimeUnit.SECONDS)).isTrue();
            Thread[] thread = new Thread[1];
            CallbackQueue queue = queue(CallbackExecutor.shared(), 100);
            queue.add(0, () -> thread[0] = Thread.currentThread());
            flush(queue);

            assertThat(thread[0].getName()).matches("holdfast-callback-\\d+");
            assertThat(thread[0].isDaemon()).isTrue();
        } finally {
            release.countDown();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void limit_notPositive_isRefused(long limit) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> queue(Runnable::run, limit))
                .withMessage("callback queue limit: " + limit + " (expected: 1 or more)");
    }

    @Test
    void add_badArguments_areRefusedAndChangeNothing() {
        CallbackQueue queue = queue(tasks::add, 100);
        assertThatIllegalArgumentException().isThrownBy(() -> queue.add(-1, NOTHING));
        assertThatNullPointerException().isThrownBy(() -> queue.add(1, nothing()));
        assertThat(queue.queuedBytes()).isZero();
        assertThat(queue.isIdle()).isTrue();
    }

    /** Waits until what was added before has run, and is counted. */
    private static void flush(CallbackQueue queue) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        queue.add(0, done::countDown);
        assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!queue.isIdle() && System.nanoTime() - end < 0) {
            Thread.onSpinWait();
        }
        assertThat(queue.isIdle()).isTrue();
    }

    /** Runs it in eight threads at once. */
    private void inThreads(IntConsumer task) throws InterruptedException {
        CountDownLatch start = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(THREADS);
        for (int i = 0; i < THREADS; i++) {
            int thread = i;
            pool.execute(() -> {
                awaitUninterruptibly(start);
                task.accept(thread);
                done.countDown();
            });
        }
        start.countDown();
        assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    }

    private static void exclusively(AtomicBoolean telling, List<String> wrong) {
        check(!telling.getAndSet(true), wrong, "told by two threads at once");
    }

    private static void check(boolean right, List<String> wrong, String what) {
        if (!right) {
            wrong.add(what);
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <E extends Throwable> void sneak(Throwable thrown) throws E {
        throw (E) thrown;
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        return null;
    }
}
