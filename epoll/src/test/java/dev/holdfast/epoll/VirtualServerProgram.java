package dev.holdfast.epoll;

import dev.holdfast.Ending;
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

/** Servers that virtual threads start, drain and close, more of them at once than there are threads to carry them. */
public final class VirtualServerProgram {
    private static final Duration DRAIN = Duration.ofMillis(500);

    private VirtualServerProgram() {}

    /** Prints who did it, and what pinned one of them. */
    public static void main(String[] arguments) throws Exception {
        PinnedThreads.print(VirtualServerProgram::run);
    }

    private static void run(Transport transport) throws Exception {
        Set<String> kinds = ConcurrentHashMap.newKeySet();
        ExecutorService threads = PinnedThreads.virtualThreads();
        List<Future<?>> lives = new ArrayList<>();
        for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
            boolean drains = i % 2 == 0;
            lives.add(threads.submit(() -> {
                kinds.add(Thread.currentThread().getClass().getSimpleName());
                live(transport, drains, threads);
                return null;
            }));
        }
        for (Future<?> each : lives) {
            each.get(60, TimeUnit.SECONDS);
        }
        threads.shutdown();
        System.out.println(transport.name() + " served from " + kinds);
    }

    /** From the start to the end of a server that has a client. */
    private static void live(Transport transport, boolean drains, ExecutorService threads) throws Exception {
        ResilientServer server =
                ClientScene.server(transport, 0).executor(threads).start();
        ClientProbe probe = new ClientProbe();
        ResilientClient client = ClientScene.client(
                        transport, probe, server.localAddress().getPort())
                .executor(threads)
                .start();
        client.awaitUp(Duration.ofSeconds(20));
        client.send("x").confirmed().toCompletableFuture().get(20, TimeUnit.SECONDS);
        if (drains) {
            Ending drained = server.drain(DRAIN).toCompletableFuture().get(20, TimeUnit.SECONDS);
            if (drained.kind() != Ending.Kind.CLOSED) {
                throw new AssertionError("drained: " + drained);
            }
        }
        server.close();
        if (!server.closed().toCompletableFuture().isDone()) {
            throw new AssertionError("close has returned, and " + server + " is not closed");
        }
        client.close();
        probe.assertLawfullyClosed();
    }
}
