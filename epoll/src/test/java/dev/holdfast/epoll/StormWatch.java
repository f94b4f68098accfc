package dev.holdfast.epoll;

import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Notes when the loops of a group did not get around to their timers in time. A loop that was late has made up for it once it is in
 * time for a while: until then one delay follows another, and they count as one stall.
 */
final class StormWatch implements AutoCloseable {
    /** So long in time. */
    static final long CALM_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    /** Of each loop, from one look at the time to the next, where that was late. */
    private final List<Queue<Gap>> byLoop = new ArrayList<>();

    private final List<Future<?>> looks = new ArrayList<>();

    /** By {@code System.nanoTime()}, which the processes of a machine share. */
    private record Gap(long from, long to) {}

    StormWatch(EventLoopGroup group) {
        for (EventExecutor loop : group) {
            Queue<Gap> gaps = new ConcurrentLinkedQueue<>();
            byLoop.add(gaps);
            looks.add(loop.scheduleWithFixedDelay(new Look(gaps), STEP_NANOS, STEP_NANOS, TimeUnit.NANOSECONDS));
        }
    }

    /** What another process has noted. */
    StormWatch(String text) {
        for (String loop : text.split(";", -1)) {
            Queue<Gap> gaps = new ConcurrentLinkedQueue<>();
            byLoop.add(gaps);
            for (String each : loop.split(" ", -1)) {
                String[] ends = each.split(":", -1);
                if (ends.length == 2) {
                    gaps.add(new Gap(Long.parseLong(ends[0]), Long.parseLong(ends[1])));
                }
            }
        }
    }

    /** For another process. */
    String text() {
        return byLoop.stream()
                .map(gaps -> gaps.stream().map(gap -> gap.from + ":" + gap.to).collect(Collectors.joining(" ")))
                .collect(Collectors.joining(";"));
    }

    private static final class Look implements Runnable {
        private final Queue<Gap> gaps;
        private long last = System.nanoTime();

        Look(Queue<Gap> gaps) {
            this.gaps = gaps;
        }

        @Override
        public void run() {
            long now = System.nanoTime();
            if (now - last > 2 * STEP_NANOS) {
                gaps.add(new Gap(last, now));
            }
            last = now;
        }
    }

    /** The longest stall of a loop that falls into this time, or ended just before: so late is what was done then. */
    long lateness(long from, long to) {
        long longest = 0;
        for (Queue<Gap> gaps : byLoop) {
            long begin = Long.MIN_VALUE;
            long end = Long.MIN_VALUE;
            for (Gap gap : gaps) {
                begin = end == Long.MIN_VALUE || gap.from - end > CALM_NANOS ? gap.from : begin;
                end = gap.to;
                if (begin <= to && end + CALM_NANOS >= from) {
                    longest = Math.max(longest, end - begin);
                }
            }
        }
        return longest;
    }

    @Override
    public void close() {
        looks.forEach(look -> look.cancel(false));
    }
}
