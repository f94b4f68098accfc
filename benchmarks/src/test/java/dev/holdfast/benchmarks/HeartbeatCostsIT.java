package dev.holdfast.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatHandlerBenchmark;
import dev.holdfast.heartbeat.HeartbeatHandlerBenchmark.Handler;
import dev.holdfast.heartbeat.WheelBenchmark;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The measurements still work; what they find is not looked at. */
class HeartbeatCostsIT {
    @ParameterizedTest
    @EnumSource(Handler.class)
    void messages_ofEachHandler_passThroughIt(Handler handler) {
        HeartbeatHandlerBenchmark benchmark = new HeartbeatHandlerBenchmark();
        benchmark.handler = handler;
        benchmark.batch = 16;
        benchmark.open(); // throws if no message comes through
        benchmark.messages();
        benchmark.close();
    }

    @Test
    void timers_inWheelAndOnEventLoop_areArmedAnew() {
        WheelBenchmark benchmark = new WheelBenchmark();
        benchmark.pending = 1_000;
        WheelBenchmark.InWheel wheel = new WheelBenchmark.InWheel();
        wheel.fill(benchmark);
        benchmark.heard(wheel);
        benchmark.move(wheel);
        wheel.empty(benchmark);
        WheelBenchmark.OnEventLoop loop = new WheelBenchmark.OnEventLoop();
        loop.fill(benchmark);
        benchmark.cancelAndSchedule(loop);
        benchmark.shutdown();
    }

    @Test
    void allocation_ofBeatsAndMessages_isMeasured() throws Exception {
        assertThat(HeartbeatAllocation.measure(100).write()).isPositive();
    }

    @ParameterizedTest
    @EnumSource(HeapPerConnection.Kind.class)
    void heap_ofEachKindOfConnection_isMeasured(HeapPerConnection.Kind kind) throws Exception {
        Process process = Jvm.builder(List.of("-Xmx512m"), HeapPerConnection.class, List.of(kind.name(), "50", "3"))
                .start();
        assertThat(process.inputReader().lines())
                .singleElement()
                .satisfies(bytes -> assertThat(bytes).isNotEmpty());
        assertThat(process.waitFor()).isZero();
    }
}
