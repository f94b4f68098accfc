package dev.holdfast;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Asks the JVM for addresses, on threads where it may block.
 *
 * <p>Lookups of one name that overlap are one lookup: when a name's servers do not answer, all clients that want it together hold
 * a single thread. Thread-safe.
 */
final class NameLookups {
    /** What blocks: {@link InetAddress#getAllByName}, or a test. */
    @FunctionalInterface
    interface Lookup {
        InetAddress[] addresses(String host) throws UnknownHostException;
    }

    static final int THREADS = 8;
    static final int WAITING = 1024;
    private static final int IDLE_SECONDS = 10;

    private static final NameLookups SHARED = new NameLookups(pool(), InetAddress::getAllByName);

    private final Executor pool;
    private final Lookup lookup;
    private final ConcurrentMap<String, CompletableFuture<List<InetAddress>>> running = new ConcurrentHashMap<>();

    NameLookups(Executor pool, Lookup lookup) {
        this.pool = pool;
        this.lookup = lookup;
    }

    /** The lookups of the process: up to 8 daemon threads, ended after 10 s without work, and 1024 names that wait. */
    static NameLookups shared() {
        return SHARED;
    }

    /** Threads and a queue like those of the process. */
    static ThreadPoolExecutor pool() {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                THREADS,
                THREADS,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(WAITING),
                new DaemonThreads("holdfast-resolver"));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /**
     * The addresses of a name, at least one. Fails with an {@link UnknownHostException} if it has none, or if too many names wait.
     */
    CompletableFuture<List<InetAddress>> addresses(String host) {
        CompletableFuture<List<InetAddress>> mine = new CompletableFuture<>();
        CompletableFuture<List<InetAddress>> others = running.putIfAbsent(host, mine);
        if (others != null) {
            return others;
        }
        try {
            pool.execute(() -> ask(host, mine));
        } catch (RuntimeException | Error e) {
            running.remove(host, mine); // or nobody would ever ask for it again
            String why = e instanceof RejectedExecutionException
                    ? THREADS + " lookups hang and " + WAITING + " more names wait for a thread"
                    : e.toString();
            UnknownHostException failure = new UnknownHostException(host + ": not resolved, " + why);
            failure.initCause(e);
            mine.completeExceptionally(failure);
        }
        return mine;
    }

    private void ask(String host, CompletableFuture<List<InetAddress>> answer) {
        List<InetAddress> addresses;
        try {
            addresses = List.of(lookup.addresses(host));
        } catch (Throwable e) {
            running.remove(
                    host, answer); // before the answer is told: who asks again on hearing it gets a lookup of its own
            answer.completeExceptionally(e);
            return;
        }
        running.remove(host, answer);
        answer.complete(addresses);
    }
}
