package dev.holdfast;

import io.netty.handler.ssl.SslContext;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The TLS context in use, which can be replaced while connections come and go; a replacement that fails changes nothing.
 *
 * <p>Any thread may read it. Reloads wait for each other, because the one that began last has read the newest files.
 */
final class ReloadingTls {
    private final TlsSource source;
    private final boolean server;
    private final ReentrantLock reloading = new ReentrantLock(); // no monitor: a virtual thread may wait here

    /** Written under {@link #reloading}, read by any thread. */
    private volatile SslContext current;

    /**
     * Loads the first context.
     *
     * @param server whether it is for the side that accepts
     * @throws Exception what the source throws, or an {@link IllegalStateException} if its context is for the other side
     */
    ReloadingTls(TlsSource source, boolean server) throws Exception {
        this.source = source;
        this.server = server;
        this.current = load();
    }

    /** The last good context. */
    SslContext current() {
        return current;
    }

    /**
     * Loads the context anew; blocks while it does.
     *
     * @throws Exception as the constructor; the last good context is kept
     */
    void reload() throws Exception {
        reloading.lockInterruptibly();
        try {
            current = load();
        } finally {
            reloading.unlock();
        }
    }

    private SslContext load() throws Exception {
        SslContext loaded = Objects.requireNonNull(source.load(), () -> "TLS source " + source + " returned null");
        if (loaded.isServer() != server) {
            throw new IllegalStateException("TLS source " + source + ": a context for a "
                    + (server ? "client (expected: for a server)" : "server (expected: for a client)"));
        }
        return loaded;
    }
}
