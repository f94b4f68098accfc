package dev.holdfast;

import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The executor of callbacks that every client and server has that is not given another: daemon threads {@code holdfast-callback-N},
 * made when they are needed and ended after 10 s without work, as many as callbacks run at once. A callback that blocks so never
 * delays another client's.
 */
final class CallbackExecutor {
    private static final int IDLE_SECONDS = 10;

    private static final Executor SHARED = new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            new DaemonThreads("holdfast-callback"));

    private CallbackExecutor() {}

    static Executor shared() {
        return SHARED;
    }
}
