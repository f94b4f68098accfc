package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.Delivery.Confirmation;
import dev.holdfast.Delivery.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class DeliveryTest {
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Delivery delivery = new Delivery(7, 100, tasks::add);

    private void runTasks() {
        for (Runnable next = tasks.poll(); next != null; next = tasks.poll()) {
            next.run();
        }
    }

    private static String fate(CompletionStage<Delivery> stage) {
        CompletableFuture<Delivery> future = stage.toCompletableFuture();
        if (!future.isDone()) {
            return "open";
        }
        try {
            return future.join().state().name();
        } catch (CompletionException failed) {
            Throwable cause = Objects.requireNonNull(failed.getCause());
            assertThat(cause).isInstanceOf(DeliveryException.class);
            return "failed: " + cause.getMessage();
        }
    }

    @Test
    void fresh_isPending_andKnowsItself() {
        assertThat(delivery.state()).isEqualTo(State.PENDING);
        assertThat(delivery.id()).isEqualTo(7);
        assertThat(delivery.bytes()).isEqualTo(100);
        assertThat(delivery.confirmation()).isEmpty();
        assertThat(delivery.reason()).isEmpty();
        assertThat(delivery.isConfirmationAwaited()).isFalse();
        assertThat(fate(delivery.written())).isEqualTo("open");
        assertThat(delivery.isConfirmationAwaited()).isFalse();
        assertThat(fate(delivery.confirmed())).isEqualTo("open");
        assertThat(delivery.isConfirmationAwaited()).isTrue();
        assertThat(tasks).isEmpty();
    }

    @Test
    void eachState_isReachedOnce_andTheLastAbsorbs() {
        assertThat(delivery.onConfirmed(Confirmation.PROGRAM)).isFalse(); // not from PENDING
        assertThat(delivery.onConnectionEnded("too early")).isFalse();
        assertThat(delivery.confirmation()).isEmpty();
        assertThat(delivery.reason()).isEmpty();
        assertThat(delivery.onWritten()).isTrue();
        assertThat(delivery.onWritten()).isFalse();
        assertThat(delivery.onNotSent("it is written")).isFalse();
        assertThat(delivery.reason()).isEmpty();
        assertThat(delivery.onConfirmed(Confirmation.KERNEL)).isTrue();
        assertThat(delivery.onConfirmed(Confirmation.PROGRAM)).isFalse();
        assertThat(delivery.onConnectionEnded("too late")).isFalse();
        assertThat(delivery.onNotSent("too late")).isFalse();
        assertThat(delivery.onWritten()).isFalse();
        assertThat(delivery.state()).isEqualTo(State.CONFIRMED);
        assertThat(delivery.confirmation()).contains(Confirmation.KERNEL);
        assertThat(delivery.reason()).isEmpty();
    }

    @Test
    void notSent_isFinal_andHasNoConfirmation() {
        assertThat(delivery.onNotSent("no room")).isTrue();
        assertThat(delivery.onNotSent("again")).isFalse();
        assertThat(delivery.onWritten()).isFalse();
        assertThat(delivery.onConfirmed(Confirmation.PROGRAM)).isFalse();
        assertThat(delivery.onConnectionEnded("gone")).isFalse();
        assertThat(delivery.state()).isEqualTo(State.NOT_SENT);
        assertThat(delivery.reason()).contains("no room");
        assertThat(delivery.confirmation()).isEmpty();
    }

    @Test
    void unknown_isFinal_andHasNoConfirmation() {
        delivery.onWritten();
        assertThat(delivery.onConnectionEnded("reset")).isTrue();
        assertThat(delivery.onConnectionEnded("again")).isFalse();
        assertThat(delivery.onConfirmed(Confirmation.PROGRAM)).isFalse();
        assertThat(delivery.state()).isEqualTo(State.UNKNOWN);
        assertThat(delivery.reason()).contains("reset");
        assertThat(delivery.confirmation()).isEmpty();
    }

    @Test
    void stagesAskedBefore_completeWithTheirState_onTheExecutor() {
        CompletionStage<Delivery> written = delivery.written();
        CompletionStage<Delivery> confirmed = delivery.confirmed();
        delivery.onWritten();
        assertThat(fate(written)).isEqualTo("open");
        runTasks();
        assertThat(fate(written)).isEqualTo("WRITTEN");
        assertThat(fate(confirmed)).isEqualTo("open");
        delivery.onConfirmed(Confirmation.PROGRAM);
        assertThat(fate(confirmed)).isEqualTo("open");
        runTasks();
        assertThat(fate(confirmed)).isEqualTo("CONFIRMED");
    }

    @Test
    void stagesAskedAfter_completeOnTheExecutor() {
        delivery.onWritten();
        delivery.onConfirmed(Confirmation.PROGRAM);
        assertThat(tasks).isEmpty();
        CompletionStage<Delivery> written = delivery.written();
        CompletionStage<Delivery> confirmed = delivery.confirmed();
        assertThat(fate(written) + fate(confirmed)).isEqualTo("openopen");
        runTasks();
        assertThat(fate(written) + fate(confirmed)).isEqualTo("CONFIRMEDCONFIRMED");
        assertThat(fate(delivery.confirmed())).isEqualTo("CONFIRMED");
        assertThat(tasks).isEmpty();
    }

    @Test
    void notSent_failsBothStages_beforeAndAfter() {
        CompletionStage<Delivery> before = delivery.written();
        delivery.onNotSent("no room");
        CompletionStage<Delivery> after = delivery.confirmed();
        runTasks();
        assertThat(fate(before)).isEqualTo("failed: message 7 is NOT_SENT: no room");
        assertThat(fate(after)).isEqualTo("failed: message 7 is NOT_SENT: no room");
        assertThatThrownBy(() -> after.toCompletableFuture().join())
                .cause()
                .isInstanceOfSatisfying(
                        DeliveryException.class,
                        why -> assertThat(why.delivery()).isSameAs(delivery));
    }

    @Test
    void unknown_completesWritten_andFailsConfirmed() {
        delivery.onWritten();
        delivery.onConnectionEnded("reset");
        CompletionStage<Delivery> written = delivery.written();
        CompletionStage<Delivery> confirmed = delivery.confirmed();
        runTasks();
        assertThat(fate(written)).isEqualTo("UNKNOWN");
        assertThat(fate(confirmed)).isEqualTo("failed: message 7 is UNKNOWN: reset");
    }

    @Test
    void unconfirmable_completesConfirmedAtWritten() {
        CompletionStage<Delivery> before = delivery.confirmed();
        delivery.onUnconfirmable();
        runTasks();
        assertThat(fate(before)).isEqualTo("open");
        delivery.onWritten();
        runTasks();
        assertThat(fate(before)).isEqualTo("WRITTEN");
        CompletionStage<Delivery> after = delivery.confirmed();
        runTasks();
        assertThat(fate(after)).isEqualTo("WRITTEN");
        assertThat(delivery.confirmation()).isEmpty();
    }

    @Test
    void whoAsksForTheConfirmation_hastensIt_untilItIsThere() {
        AtomicInteger hastened = new AtomicInteger();
        delivery.confirmed();
        delivery.onConfirmable(hastened::incrementAndGet);
        assertThat(hastened).hasValue(0);
        delivery.written();
        assertThat(hastened).hasValue(0);
        delivery.confirmed();
        delivery.onWritten();
        delivery.confirmed();
        assertThat(hastened).hasValue(2);
        delivery.onConfirmed(Confirmation.PROGRAM);
        delivery.confirmed();
        assertThat(hastened).hasValue(2);
    }

    @Test
    void notSentAndUnknown_hastenNothing() {
        AtomicInteger hastened = new AtomicInteger();
        delivery.onConfirmable(hastened::incrementAndGet);
        delivery.onNotSent("no");
        delivery.confirmed();
        Delivery other = new Delivery(8, 1, tasks::add);
        other.onConfirmable(hastened::incrementAndGet);
        other.onWritten();
        other.onConnectionEnded("no");
        other.confirmed();
        assertThat(hastened).hasValue(0);
    }

    @Test
    void executorThatRefuses_doesNotKeepTheStageOpen() {
        Delivery refused = new Delivery(1, 1, task -> {
            throw new RejectedExecutionException("shut down");
        });
        CompletionStage<Delivery> written = refused.written();
        refused.onWritten();
        assertThat(fate(written)).isEqualTo("WRITTEN");
    }

    @Test
    void whatTheCallerDoesToItsStage_doesNotReachOthers() {
        CompletableFuture<Delivery> mine = delivery.written().toCompletableFuture();
        mine.cancel(true);
        CompletionStage<Delivery> yours = delivery.written();
        delivery.onWritten();
        runTasks();
        assertThat(fate(yours)).isEqualTo("WRITTEN");
    }

    /** Whoever asks while the states pass is told, once. */
    @Test
    void askedFromManyThreads_whileItHappens_everybodyIsTold() throws Exception {
        int threads = 4;
        int rounds = 2000;
        CyclicBarrier together = new CyclicBarrier(threads + 1);
        List<Delivery> deliveries = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            deliveries.add(new Delivery(i, 1, Runnable::run));
        }
        CountDownLatch told = new CountDownLatch(threads * rounds * 2);
        AtomicInteger twice = new AtomicInteger();
        List<Thread> askers = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            Thread asker = new Thread(() -> {
                for (Delivery each : deliveries) {
                    await(together);
                    for (CompletionStage<Delivery> stage : List.of(each.confirmed(), each.written())) {
                        AtomicInteger mine = new AtomicInteger();
                        stage.whenComplete((done, error) -> {
                            if (mine.incrementAndGet() > 1) {
                                twice.incrementAndGet();
                            }
                            told.countDown();
                        });
                    }
                }
            });
            askers.add(asker);
            asker.start();
        }
        for (Delivery each : deliveries) {
            await(together);
            each.onWritten();
            if (each.id() % 2 == 0) {
                each.onConfirmed(Confirmation.PROGRAM);
            } else {
                each.onConnectionEnded("gone");
            }
        }
        for (Thread asker : askers) {
            asker.join();
        }
        assertThat(told.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(twice).hasValue(0);
    }

    private static void await(CyclicBarrier together) {
        try {
            together.await(20, TimeUnit.SECONDS);
        } catch (Exception broken) {
            throw new AssertionError(broken);
        }
    }
}
