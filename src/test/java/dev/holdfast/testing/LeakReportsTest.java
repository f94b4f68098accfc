package dev.holdfast.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;

/** That a leak is seen: without this, a detector that is installed too late would find nothing, and nobody would know. */
class LeakReportsTest {
    @Test
    void leakedBuffers_areReported_once() throws InterruptedException {
        leak();

        assertThat(LeakReports.take()).contains("LeakReportsTest.leakPooled").contains("LeakReportsTest.leakUnpooled");
        assertThat(LeakReports.take()).isEmpty();
    }

    @Test
    void releasedBuffer_isNotReported() throws InterruptedException {
        ByteBufAllocator.DEFAULT.directBuffer(16).release();

        assertThat(LeakReports.take()).isEmpty();
    }

    private static void leak() {
        leakPooled();
        leakUnpooled();
    }

    private static void leakPooled() {
        ByteBufAllocator.DEFAULT.directBuffer(16).writeByte(1);
    }

    private static void leakUnpooled() {
        Unpooled.directBuffer(16).writeByte(1);
    }
}
