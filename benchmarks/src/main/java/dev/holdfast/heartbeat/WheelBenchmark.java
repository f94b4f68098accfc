package dev.holdfast.heartbeat;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ManualIoEventLoop;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalIoHandler;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullMarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Putting off the deadline of a connection whose peer was heard, to an interval from now, while a million others are pending:
 * in a heartbeat, and as a task of the event loop, cancelled and scheduled again. A heartbeat in the wheel only takes a note of
 * it and is put in its new place when it is woken up as planned; what that takes is measured as well.
 *
 * <p>Connections take turns in random order, as their traffic does. The time is that of {@value #TIMERS} of them, on an event
 * loop whose thread is the benchmark's. It is sampled, so that the median is free of what other programs take from the
 * processor, and of garbage collections too.
 *
 * <p>In this package because the wheel is not public.
 */
@NullMarked
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
        value = 2,
        jvmArgsAppend = {"-Xmx3g", "-XX:-BackgroundCompilation"})
@Warmup(iterations = 2, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class WheelBenchmark {
    /** Timers of one invocation. */
    public static final int TIMERS = 64;

    private static final long INTERVAL_NANOS = Duration.ofSeconds(15).toNanos();
    private static final Runnable NOTHING = () -> {};

    /** How many connections wait for their timer. */
    @Param("1000000")
    public int pending = 1_000_000;

    private int turn;
    private final ManualIoEventLoop loop = new ManualIoEventLoop(Thread.currentThread(), LocalIoHandler.newFactory());
    private final HeartbeatWheel wheel = HeartbeatWheel.of(loop);

    /** The order in which the connections take turns: their places in memory are in another. */
    private static void shuffle(Object[] connections) {
        Collections.shuffle(Arrays.asList(connections), new Random(1));
    }

    /** Connections in the wheel: running heartbeats, with one channel for all, as nothing is sent. */
    @State(Scope.Thread)
    public static class InWheel {
        private HeartbeatHandler[] connections = new HeartbeatHandler[0];
        private long startNanos;
        private final ChannelHandlerContext context = new LocalChannel()
                .pipeline()
                .addLast(new ChannelDuplexHandler())
                .firstContext();

        /** Spreads them over the interval. */
        @Setup
        public void fill(WheelBenchmark benchmark) {
            HeartbeatProtocol protocol = HeartbeatProtocol.framed();
            HeartbeatOptions options = HeartbeatOptions.builder().build();
            HeartbeatListener listener = (channel, event) -> {};
            connections = new HeartbeatHandler[benchmark.pending];
            Random random = new Random(2);
            startNanos = benchmark.wheel.nowNanos();
            for (int i = 0; i < connections.length; i++) {
                HeartbeatHandler connection = HeartbeatHandler.create(protocol, options, listener);
                connection.settings = benchmark.wheel.join(connection.settings);
                long phase = (long) (random.nextDouble() * INTERVAL_NANOS);
                connection.onStart(startNanos, phase);
                benchmark.wheel.add(connection, startNanos + phase);
                connections[i] = connection;
            }
            shuffle(connections);
        }

        /** Empties the wheel. */
        @TearDown
        public void empty(WheelBenchmark benchmark) {
            for (HeartbeatHandler connection : connections) {
                benchmark.wheel.remove(connection);
            }
        }
    }

    /** Connections as tasks of the event loop. */
    @State(Scope.Thread)
    public static class OnEventLoop {
        private ScheduledFuture<?>[] connections = new ScheduledFuture<?>[0];

        /** Spreads them over the interval. */
        @Setup
        public void fill(WheelBenchmark benchmark) {
            connections = new ScheduledFuture<?>[benchmark.pending];
            Random random = new Random(2);
            for (int i = 0; i < connections.length; i++) {
                long delay = (long) (random.nextDouble() * INTERVAL_NANOS);
                connections[i] = benchmark.loop.schedule(NOTHING, delay, TimeUnit.NANOSECONDS);
            }
            shuffle(connections);
        }
    }

    /** Ends the event loop. */
    @TearDown
    @SuppressWarnings("FutureReturnValueIgnored") // it is its own thread that ends the event loop
    public void shutdown() {
        loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
        while (!loop.isTerminated()) {
            loop.runNow();
        }
    }

    private int next() {
        if (++turn >= pending) {
            turn = 0;
        }
        return turn;
    }

    /** As time goes by: all of them have a turn within an interval. */
    private long now(InWheel in) {
        return in.startNanos + INTERVAL_NANOS / pending * turn;
    }

    /** Peers are heard. */
    @Benchmark
    public void heard(InWheel in) {
        for (int i = 0; i < TIMERS; i++) {
            HeartbeatHandler connection = in.connections[next()];
            connection.heard(in.context, now(in), true);
        }
    }

    /** Heartbeats are put in other places of the wheel. */
    @Benchmark
    public void move(InWheel in) {
        for (int i = 0; i < TIMERS; i++) {
            HeartbeatHandler connection = in.connections[next()];
            wheel.move(connection, now(in) + INTERVAL_NANOS);
        }
    }

    /** Timers are cancelled, and others scheduled. */
    @Benchmark
    public void cancelAndSchedule(OnEventLoop on) {
        for (int i = 0; i < TIMERS; i++) {
            int connection = next();
            on.connections[connection].cancel(false);
            on.connections[connection] = loop.schedule(NOTHING, INTERVAL_NANOS, TimeUnit.NANOSECONDS);
        }
    }
}
