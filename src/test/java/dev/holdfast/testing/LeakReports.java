package dev.holdfast.testing;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.netty.util.ResourceLeakTracker;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;

/** What Netty's leak detectors report, kept instead of logged. Any thread may report. */
final class LeakReports {
    private static final int PATIENCE_MILLIS = 30_000;

    private static final List<Detector<?>> DETECTORS = new CopyOnWriteArrayList<>();
    private static final Queue<String> REPORTS = new ConcurrentLinkedQueue<>();

    private LeakReports() {}

    /** Before the first class that has a detector is initialised. */
    static void install() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
        ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new Factory());
    }

    /** Everything that was leaked until now, and not taken yet; empty if nothing was. */
    static String take() throws InterruptedException {
        collect();
        collect(); // the JVM hands over what it finds in batches: when the second has begun, the first is through
        DETECTORS.forEach(Detector::poll);
        var taken = new StringBuilder();
        for (String report = REPORTS.poll(); report != null; report = REPORTS.poll()) {
            taken.append(report).append('\n');
        }
        return taken.toString();
    }

    private static boolean tellsSomething(String line) {
        return !line.startsWith("\torg.junit.") && !line.startsWith("\tjava.base/");
    }

    private static void collect() throws InterruptedException {
        var collected = new ReferenceQueue<Object>();
        var marker = new WeakReference<>(new Object(), collected);
        System.gc();
        if (collected.remove(PATIENCE_MILLIS) != marker) {
            throw new AssertionError("no garbage was collected within " + PATIENCE_MILLIS + " ms");
        }
    }

    private static final class Factory extends ResourceLeakDetectorFactory {
        @Override
        @SuppressWarnings("deprecation") // abstract all the same
        public <T> ResourceLeakDetector<T> newResourceLeakDetector(Class<T> resource, int interval, long maxActive) {
            return newResourceLeakDetector(resource, interval);
        }

        @Override
        public <T> ResourceLeakDetector<T> newResourceLeakDetector(Class<T> resource, int interval) {
            var detector = new Detector<T>(resource, interval);
            DETECTORS.add(detector);
            return detector;
        }
    }

    private static final class Detector<T> extends ResourceLeakDetector<T> {
        Detector(Class<T> resource, int interval) {
            super(resource, interval);
        }

        /** A detector looks at what was collected only when something new is to be tracked. */
        @SuppressWarnings("unchecked") // whatever it is, it is not looked at
        void poll() {
            T anything = (T) new Object();
            ResourceLeakTracker<T> tracker = trackForcibly(anything);
            if (tracker != null) {
                tracker.close(anything);
            }
        }

        @Override
        protected boolean needReport() {
            return true;
        }

        @Override
        protected void reportTracedLeak(String type, String records) {
            REPORTS.add(
                    type + records.lines().filter(LeakReports::tellsSomething).collect(Collectors.joining("\n")));
        }

        @Override
        protected void reportUntracedLeak(String type) {
            REPORTS.add(type);
        }
    }
}
