package dev.holdfast.examples.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Tells when the kernel has forgotten a socket that no program holds any more: then its port can be had. */
final class LocalPort {
    private static final long LOOK_MILLIS = 5;

    private static final ScheduledExecutorService TIMER = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "local-port");
        thread.setDaemon(true);
        return thread;
    });

    private LocalPort() {}

    /** Runs the task, on a thread of this class, once nobody has this port. */
    static void whenFree(int port, Runnable task) {
        AtomicReference<Future<?>> watch = new AtomicReference<>();
        watch.set(TIMER.scheduleAtFixedRate(
                () -> {
                    Future<?> self = watch.get();
                    if (self != null && isFree(port)) {
                        self.cancel(false);
                        task.run();
                    }
                },
                LOOK_MILLIS,
                LOOK_MILLIS,
                TimeUnit.MILLISECONDS));
    }

    private static boolean isFree(int port) {
        try (Socket socket = new Socket()) {
            socket.setReuseAddress(false);
            socket.bind(new InetSocketAddress(port));
            return true;
        } catch (BindException taken) {
            return false;
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }
}
