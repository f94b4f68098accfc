package dev.holdfast.heartbeat;

import dev.holdfast.heartbeat.HeartbeatHandlerBenchmark.Handler;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/**
 * The handlers of {@link HeartbeatHandlerBenchmark} by turns, some microseconds each: a main for one measurement. A few
 * nanoseconds are less than what other programs of the machine make of the same code from one second to the next, so each
 * sample is compared with the one of the pass-through handler beside it.
 */
public final class MessageCosts {
    private static final int WARM_UP = 5_000;

    private MessageCosts() {}

    /**
     * Arguments: messages between two read-completes, and how many samples of each handler. Prints the nanoseconds of a
     * message in the pass-through handler, and what each other handler adds to it.
     */
    public static void main(String[] arguments) {
        int batch = Integer.parseInt(arguments[0]);
        int samples = Integer.parseInt(arguments[1]);
        Handler[] handlers = Handler.values();
        HeartbeatHandlerBenchmark[] benchmarks = new HeartbeatHandlerBenchmark[handlers.length];
        for (int i = 0; i < handlers.length; i++) {
            benchmarks[i] = new HeartbeatHandlerBenchmark();
            benchmarks[i].handler = handlers[i];
            benchmarks[i].batch = batch;
            benchmarks[i].open();
        }
        sample(benchmarks, Math.min(samples, WARM_UP));
        long[][] nanos = sample(benchmarks, samples);
        extras(handlers, nanos).forEach((handler, extra) -> System.out.printf(Locale.ROOT, "%s %f%n", handler, extra));
        for (HeartbeatHandlerBenchmark benchmark : benchmarks) {
            benchmark.close();
        }
    }

    private static long[][] sample(HeartbeatHandlerBenchmark[] benchmarks, int samples) {
        long[][] nanos = new long[benchmarks.length][samples];
        for (int sample = 0; sample < samples; sample++) {
            for (int i = 0; i < benchmarks.length; i++) {
                long before = System.nanoTime();
                benchmarks[i].messages();
                nanos[i][sample] = System.nanoTime() - before;
            }
        }
        return nanos;
    }

    private static Map<Handler, Double> extras(Handler[] handlers, long[][] nanos) {
        Map<Handler, Double> extras = new EnumMap<>(Handler.class);
        long[] least = nanos[0]; // PASS_THROUGH
        for (int i = 0; i < handlers.length; i++) {
            long[] extra = nanos[i].clone();
            for (int sample = 0; i > 0 && sample < extra.length; sample++) {
                extra[sample] -= least[sample];
            }
            Arrays.sort(extra);
            extras.put(handlers[i], (double) extra[extra.length / 2] / HeartbeatHandlerBenchmark.MESSAGES);
        }
        return extras;
    }
}
