package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LoopTimerTest {
    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final LoopTimer timer = new LoopTimer();
    private final List<String> ran = new ArrayList<>();

    LoopTimerTest() {
        channel.freezeTime();
    }

    @AfterEach
    void nothingIsLeft() {
        channel.finish();
    }

    private void schedule(long nanos, String name) {
        timer.schedule(channel.eventLoop(), nanos, () -> ran.add(name + (timer.isRunning() ? " too early" : "")));
    }

    private void pass(long nanos) {
        channel.advanceTimeBy(nanos, TimeUnit.NANOSECONDS);
        channel.runScheduledPendingTasks();
    }

    @Test
    void task_runsOnceAtItsTime_notBefore() {
        assertThat(timer.isRunning()).isFalse();
        schedule(100, "it");
        pass(99);
        assertThat(ran).isEmpty();
        assertThat(timer.isRunning()).isTrue();
        pass(1);
        pass(100);
        assertThat(ran).containsExactly("it");
        assertThat(timer.isRunning()).isFalse();
    }

    @Test
    void task_takesThePlaceOfTheOneBefore() {
        schedule(100, "first");
        schedule(200, "second");
        pass(199);
        assertThat(ran).isEmpty();
        pass(1);
        assertThat(ran).containsExactly("second");
    }

    @Test
    void stop_callsItOff_andMayComeTwice() {
        schedule(100, "it");
        timer.stop();
        timer.stop();
        assertThat(timer.isRunning()).isFalse();
        pass(100);
        assertThat(ran).isEmpty();
    }

    @Test
    void task_mayScheduleTheNext_andStop() {
        timer.schedule(channel.eventLoop(), 100, () -> {
            timer.stop();
            schedule(100, "next");
        });
        pass(100);
        assertThat(timer.isRunning()).isTrue();
        pass(100);
        assertThat(ran).containsExactly("next");
    }
}
