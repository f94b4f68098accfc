package dev.holdfast.epoll;

import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/** Client and server whose callbacks and callers are virtual threads; prints which of our frames pinned one. */
public final class VirtualThreadProgram {
    private static final int THREADS = 20;
    private static final int MESSAGES = 20;

    private VirtualThreadProgram() {}

    /** Pins its thread while it is initialised, for the recording to find: or else an empty one would prove nothing. */
    private static final class Pinning {
        static final long SINCE = pin();

        private static long pin() {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
            return System.nanoTime();
        }
    }

    /** Runs with each transport, twice. */
    public static void main(String[] arguments) throws Exception {
        for (Transport transport : Transport.all()) {
            run(transport); // a class that is loaded pins the thread that wants it, for once
        }
        Path file = Files.createTempFile("holdfast", ".jfr");
        try (Recording recording = new Recording()) {
            recording
                    .enable("jdk.VirtualThreadPinned")
                    .withThreshold(Duration.ZERO)
                    .withStackTrace();
            recording.start();
            for (Transport transport : Transport.all()) {
                run(transport);
            }
            ExecutorService threads = virtualThreads();
            threads.submit(() -> Pinning.SINCE).get();
            threads.shutdown();
            recording.stop();
            recording.dump(file);
            RecordingFile.readAllEvents(file).forEach(VirtualThreadProgram::print);
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
    private static ExecutorService virtualThreads() throws ReflectiveOperationException {
        return (ExecutorService)
                Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    }

    private static void run(Transport transport) throws Exception {
        Set<String> kinds = ConcurrentHashMap.newKeySet();
        ExecutorService threads = virtualThreads();
        ClientProbe probe = new ClientProbe();
        ResilientServer server =
                ClientScene.server(transport, 0).executor(threads).start();
        ResilientClient client = ClientScene.client(
                        transport, probe, server.localAddress().getPort())
                .executor(threads)
                .onMessage((connection, message) ->
                        kinds.add(Thread.currentThread().getClass().getSimpleName()))
                .start();
        List<Future<?>> calls = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            calls.add(threads.submit(() -> {
                client.awaitUp(Duration.ofSeconds(20));
                for (int message = 0; message < MESSAGES; message++) {
                    client.send("x").confirmed().toCompletableFuture().get(20, TimeUnit.SECONDS);
                }
                return client.probe().toCompletableFuture().get(20, TimeUnit.SECONDS);
            }));
        }
        for (Future<?> each : calls) {
            each.get(60, TimeUnit.SECONDS);
        }
        ClientProbe.awaitThat("all echoes", () -> client.counters().received() == THREADS * MESSAGES);
        threads.submit(client::close).get();
        threads.submit(server::close).get();
        probe.assertLawfullyClosed();
        threads.shutdown();
        System.out.println(transport.name() + " ran on " + kinds);
    }
}
