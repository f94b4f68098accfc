package dev.holdfast;

import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What can be asked of a connection at any time. Written by its event loop, read by anybody. */
final class Vitals {
    private final Ticker ticker;
    private volatile boolean wasUp;
    private volatile long upNanos;
    private volatile long heardNanos;
    private volatile @Nullable Duration roundTrip;

    Vitals(Ticker ticker) {
        this.ticker = ticker;
        this.heardNanos = ticker.nanoTime();
    }

    void onUp() {
        upNanos = ticker.nanoTime();
        wasUp = true;
    }

    void onHeard() {
        heardNanos = ticker.nanoTime();
    }

    void onRoundTrip(Duration time) {
        roundTrip = time;
    }

    /** Whether its handshake was complete, now or once. */
    boolean wasUp() {
        return wasUp;
    }

    Duration age() {
        return wasUp ? since(upNanos) : Duration.ZERO;
    }

    Duration lastHeard() {
        return since(heardNanos);
    }

    Optional<Duration> roundTrip() {
        return Optional.ofNullable(roundTrip);
    }

    private Duration since(long nanos) {
        return Duration.ofNanos(Math.max(0, ticker.nanoTime() - nanos));
    }
}
