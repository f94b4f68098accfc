package dev.holdfast.epoll;

import dev.holdfast.socket.Transport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/** Runs something with virtual threads on each transport, and prints which of our frames pinned one. */
final class PinnedThreads {
    private PinnedThreads() {}

    /** What is run. */
    @FunctionalInterface
    interface Scene {
        void run(Transport transport) throws Exception;
    }

    /** Pins its thread while it is initialised, for the recording to find: or else an empty one would prove nothing. */
    private static final class Pinning {
        static final long SINCE = pin();

        private static long pin() {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
            return System.nanoTime();
        }
    }

    /** Runs it with each transport, twice. */
    static void print(Scene scene) throws Exception {
        for (Transport transport : Transport.all()) {
            scene.run(transport); // a class that is loaded pins the thread that wants it, for once
        }
        Path file = Files.createTempFile("holdfast", ".jfr");
        try (Recording recording = new Recording()) {
            recording
                    .enable("jdk.VirtualThreadPinned")
                    .withThreshold(Duration.ZERO)
                    .withStackTrace();
            recording.start();
            for (Transport transport : Transport.all()) {
                scene.run(transport);
            }
            ExecutorService threads = virtualThreads();
            threads.submit(() -> Pinning.SINCE).get();
            threads.shutdown();
            recording.stop();
            recording.dump(file);
            RecordingFile.readAllEvents(file).forEach(PinnedThreads::print);
        } finally {
            Files.delete(file);
        }
        System.out.println("done");
    }

    private static void print(RecordedEvent pinned) {
        String frames = String.valueOf(pinned.getStackTrace());
        if (frames.contains("Pinning")) {
            System.out.println("the pin of the program's own was recorded");
        } else if (frames.contains("dev.holdfast")) {
            System.out.println("pinned: " + frames.replace('\n', ' '));
        }
    }

    /** This is compiled for a JDK that has none. */
    static ExecutorService virtualThreads() throws ReflectiveOperationException {
        return (ExecutorService)
                Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    }
}
