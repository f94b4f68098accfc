package dev.holdfast.epoll;

import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Client and server whose callbacks and callers are virtual threads; prints which of our frames pinned one. */
public final class VirtualThreadProgram {
    private static final int THREADS = 20;
    private static final int MESSAGES = 20;

    private VirtualThreadProgram() {}

    /** Runs with each transport, twice. */
    public static void main(String[] arguments) throws Exception {
        PinnedThreads.print(VirtualThreadProgram::run);
    }

    private static void run(Transport transport) throws Exception {
        Set<String> kinds = ConcurrentHashMap.newKeySet();
        ExecutorService threads = PinnedThreads.virtualThreads();
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
