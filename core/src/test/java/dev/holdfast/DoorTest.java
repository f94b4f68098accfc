package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;

class DoorTest {
    /** As where a class file cannot be read, for want of a descriptor. */
    private static final Logger BROKEN = (Logger) Proxy.newProxyInstance(
            DoorTest.class.getClassLoader(), new Class<?>[] {Logger.class}, (proxy, method, arguments) -> {
                throw new NoClassDefFoundError("nothing can be loaded");
            });

    private final Door door = new Door(new Admission(1, 1, 1), new Counting(), new Tally(BROKEN), () -> {});
    private final EmbeddedChannel listener = new EmbeddedChannel(door);

    @AfterEach
    void close() {
        listener.finishAndReleaseAll();
    }

    @Test
    void exceptionCaught_outOfDescriptors_restsForASecond_evenIfNothingCanBeLogged() {
        listener.freezeTime();
        listener.pipeline().fireExceptionCaught(new IOException("Too many open files"));
        assertThat(listener.config().isAutoRead()).isFalse();
        listener.advanceTimeBy(999, TimeUnit.MILLISECONDS);
        listener.runScheduledPendingTasks();
        assertThat(listener.config().isAutoRead()).isFalse();
        listener.advanceTimeBy(1, TimeUnit.MILLISECONDS);
        listener.runScheduledPendingTasks();
        assertThat(listener.config().isAutoRead()).isTrue();
    }
}
