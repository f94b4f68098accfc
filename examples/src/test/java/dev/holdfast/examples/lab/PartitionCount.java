package dev.holdfast.examples.lab;

import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.AbstractScheduledEventExecutor;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.stream.Stream;

/**
 * What a process holds at a time.
 *
 * @param descriptors open files and sockets
 * @param threads of the JVM that run Java
 * @param timers scheduled on its event loops
 * @param tasks that wait for its event loops
 * @param direct bytes of direct memory that Netty has
 */
record PartitionCount(long descriptors, long threads, long timers, long tasks, long direct) {
    private static final long PIECE = 4 << 20;

    static PartitionCount of(EventLoopGroup group) throws Exception {
        long timers = 0;
        long tasks = 0;
        for (EventExecutor loop : group) {
            timers += loop.submit(() -> timers(loop)).get();
            tasks += ((SingleThreadEventExecutor) loop).pendingTasks();
        }
        return new PartitionCount(
                openDescriptors(),
                Thread.getAllStackTraces().size(),
                timers,
                tasks,
                PlatformDependent.usedDirectMemory());
    }

    private static long openDescriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    /** Netty tells nobody; on the loop. */
    private static int timers(EventExecutor loop) throws ReflectiveOperationException {
        Field queue = AbstractScheduledEventExecutor.class.getDeclaredField("scheduledTaskQueue");
        queue.setAccessible(true);
        Object timers = queue.get(loop);
        return timers == null ? 0 : ((Collection<?>) timers).size();
    }

    static PartitionCount parse(String text) {
        String[] each = text.split(" ", -1);
        return new PartitionCount(
                Long.parseLong(each[0]),
                Long.parseLong(each[1]),
                Long.parseLong(each[2]),
                Long.parseLong(each[3]),
                Long.parseLong(each[4]));
    }

    /** Whether there is no more of anything than before; of direct memory, which comes in large pieces, not much more. */
    boolean isWithin(PartitionCount before) {
        return descriptors <= before.descriptors
                && threads <= before.threads
                && timers <= before.timers
                && tasks <= before.tasks
                && direct <= before.direct + PIECE;
    }

    String text() {
        return descriptors + " " + threads + " " + timers + " " + tasks + " " + direct;
    }
}
