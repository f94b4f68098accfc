package dev.holdfast.heartbeat;

import dev.holdfast.socket.internal.Durations;
import java.time.Duration;

/**
 * The times of an application-level heartbeat: a probe every {@link #interval()}, an answer expected within {@link
 * #timeout()}, the peer dead after {@link #attempts()} unanswered probes in a row.
 *
 * <p>Immutable. A dead peer is found within {@code interval + attempts * timeout}, counted from its last byte, plus the
 * ticks of the timer ({@link #tick()}).
 */
public final class HeartbeatOptions {
    private static final int MIN_MILLIS = 10;
    private static final int MAX_ATTEMPTS = 100;

    private final Duration interval;
    private final Duration timeout;
    private final int attempts;

    private HeartbeatOptions(Builder builder) {
        this.interval = builder.interval;
        this.timeout = builder.timeout;
        this.attempts = builder.attempts;
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that starts with these options. */
    public Builder toBuilder() {
        return new Builder().interval(interval).timeout(timeout).attempts(attempts);
    }

    /** The time from the peer's last byte to the next probe. */
    public Duration interval() {
        return interval;
    }

    /** How long the answer to one probe may take. */
    public Duration timeout() {
        return timeout;
    }

    /** How many probes in a row must stay unanswered. */
    public int attempts() {
        return attempts;
    }

    /** The step of the timer that keeps these times: a tenth of the smaller of the two, between 1 ms and 100 ms. */
    public Duration tick() {
        long tenth = Math.min(interval.toMillis(), timeout.toMillis()) / 10;
        return Duration.ofMillis(Math.min(100, Math.max(1, tenth)));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof HeartbeatOptions that
                && interval.equals(that.interval)
                && timeout.equals(that.timeout)
                && attempts == that.attempts;
    }

    @Override
    public int hashCode() {
        return (interval.hashCode() * 31 + timeout.hashCode()) * 31 + attempts;
    }

    /** The three numbers, as {@code HeartbeatOptions[interval=PT15S, timeout=PT5S, attempts=2]}. */
    @Override
    public String toString() {
        return "HeartbeatOptions[interval=" + interval + ", timeout=" + timeout + ", attempts=" + attempts + "]";
    }

    /** Collects the times of a heartbeat. Not thread-safe. */
    public static final class Builder {
        private Duration interval = Duration.ofSeconds(15);
        private Duration timeout = Duration.ofSeconds(5);
        private int attempts = 2;

        private Builder() {}

        /**
         * The time from the peer's last byte to the next probe: 10 ms to 2147483647 ms, by default 15 s, which keeps every
         * common load balancer and NAT from forgetting the connection.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder interval(Duration interval) {
            Durations.wholeMillis("heartbeat interval", interval, MIN_MILLIS, Integer.MAX_VALUE);
            this.interval = interval;
            return this;
        }

        /**
         * How long the answer to one probe may take: 10 ms to 2147483647 ms, by default 5 s, time for TCP to repeat a lost
         * segment four times.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder timeout(Duration timeout) {
            Durations.wholeMillis("heartbeat timeout", timeout, MIN_MILLIS, Integer.MAX_VALUE);
            this.timeout = timeout;
            return this;
        }

        /**
         * How many probes in a row must stay unanswered: 1 to 100, by default 2, so that one slow answer is only a
         * suspicion.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder attempts(int attempts) {
            if (attempts < 1 || attempts > MAX_ATTEMPTS) {
                throw new IllegalArgumentException(
                        "heartbeat attempts: " + attempts + " (expected: 1 to " + MAX_ATTEMPTS + ")");
            }
            this.attempts = attempts;
            return this;
        }

        /** The options. */
        public HeartbeatOptions build() {
            return new HeartbeatOptions(this);
        }
    }
}
