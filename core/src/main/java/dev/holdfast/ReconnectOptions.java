package dev.holdfast;

import dev.holdfast.socket.internal.Durations;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * How a client comes back: how long it waits, how fast all clients together may try, how long an attempt may take, when a
 * connection is old, and what happens to messages meanwhile.
 *
 * <p>Immutable. All durations are whole milliseconds, 1 ms to one day unless a setter says otherwise. A round is one resolution of
 * the name and one attempt at each of its addresses in turn, the next round beginning behind the one that failed last; between two rounds lies
 * the {@link #backoff()}, and each attempt takes a slot of the {@link #budget()}.
 */
public final class ReconnectOptions {
    private static final int DAY_MILLIS = 86_400_000;
    private static final int MIN_AGE_MILLIS = 1_000;

    private static final ReconnectOptions DEFAULTS = builder().build();
    private static final ReconnectOptions NEVER = builder().reconnect(false).build();

    private final boolean reconnect;
    private final Backoff backoff;
    private final Duration stableAfter;
    private final AttemptBudget budget;
    private final Duration resolveLimit;
    private final Duration roundLimit;
    private final Duration handshakeLimit;
    private final @Nullable Duration maxAge;
    private final double maxAgeJitter;
    private final long bufferBytes;
    private final Duration bufferAge;

    private ReconnectOptions(Builder builder) {
        this.reconnect = builder.reconnect;
        this.backoff = builder.backoff;
        this.stableAfter = builder.stableAfter;
        this.budget = builder.budget;
        this.resolveLimit = builder.resolveLimit;
        this.roundLimit = builder.roundLimit;
        this.handshakeLimit = builder.handshakeLimit;
        this.maxAge = builder.maxAge;
        this.maxAgeJitter = builder.maxAgeJitter;
        this.bufferBytes = builder.bufferBytes;
        this.bufferAge = builder.bufferAge;
    }

    /** What a client does that was told nothing else. */
    public static ReconnectOptions defaults() {
        return DEFAULTS;
    }

    /** The defaults, but without a second round: the first failure or end is final. */
    public static ReconnectOptions never() {
        return NEVER;
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that starts with these options. */
    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.reconnect = reconnect;
        builder.backoff = backoff;
        builder.stableAfter = stableAfter;
        builder.budget = budget;
        builder.resolveLimit = resolveLimit;
        builder.roundLimit = roundLimit;
        builder.handshakeLimit = handshakeLimit;
        builder.maxAge = maxAge;
        builder.maxAgeJitter = maxAgeJitter;
        builder.bufferBytes = bufferBytes;
        builder.bufferAge = bufferAge;
        return builder;
    }

    /** Whether there is a second round at all. */
    public boolean reconnects() {
        return reconnect;
    }

    /** How long to wait between two rounds. */
    public Backoff backoff() {
        return backoff;
    }

    /** How long a connection must be up, its handshake complete, until the failures before it are forgotten. */
    public Duration stableAfter() {
        return stableAfter;
    }

    /** How many attempts a second all clients that share it may make. */
    public AttemptBudget budget() {
        return budget;
    }

    /** How long the resolution of a name may take. */
    public Duration resolveLimit() {
        return resolveLimit;
    }

    /** How long a round may take: one resolution, and all its addresses in turn. */
    public Duration roundLimit() {
        return roundLimit;
    }

    /** How long TLS, HELLO and the handshake hook may take together. */
    public Duration handshakeLimit() {
        return handshakeLimit;
    }

    /** The age at which a connection is replaced; empty: never. */
    public Optional<Duration> maxAge() {
        return Optional.ofNullable(maxAge);
    }

    /** By which part of it the age is shortened at most, by chance. */
    public double maxAgeJitter() {
        return maxAgeJitter;
    }

    /** How many bytes of messages are kept while the connection is down; 0: none, sending fails at once. */
    public long bufferBytes() {
        return bufferBytes;
    }

    /** How long a message is kept while the connection is down. */
    public Duration bufferAge() {
        return bufferAge;
    }

    /** The age of one connection: drawn evenly from {@code maxAge * (1 - jitter)} to {@code maxAge}; empty: no limit. */
    OptionalLong ageNanos(RandomGenerator random) {
        if (maxAge == null) {
            return OptionalLong.empty();
        }
        long longest = maxAge.toNanos();
        long spread = (long) (longest * maxAgeJitter);
        return OptionalLong.of(longest - random.nextLong(spread + 1));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ReconnectOptions that
                && reconnect == that.reconnect
                && backoff.equals(that.backoff)
                && stableAfter.equals(that.stableAfter)
                && budget.equals(that.budget)
                && resolveLimit.equals(that.resolveLimit)
                && roundLimit.equals(that.roundLimit)
                && handshakeLimit.equals(that.handshakeLimit)
                && Objects.equals(maxAge, that.maxAge)
                && Double.compare(maxAgeJitter, that.maxAgeJitter) == 0
                && bufferBytes == that.bufferBytes
                && bufferAge.equals(that.bufferAge);
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                reconnect,
                backoff,
                stableAfter,
                budget,
                resolveLimit,
                roundLimit,
                handshakeLimit,
                maxAge,
                maxAgeJitter,
                bufferBytes,
                bufferAge);
    }

    /** All of them, by name. */
    @Override
    public String toString() {
        return "ReconnectOptions[reconnect=" + reconnect + ", backoff=" + backoff + ", stableAfter=" + stableAfter
                + ", budget=" + budget + ", resolveLimit=" + resolveLimit + ", roundLimit=" + roundLimit
                + ", handshakeLimit=" + handshakeLimit + ", maxAge=" + (maxAge == null ? "none" : maxAge)
                + ", maxAgeJitter=" + maxAgeJitter + ", bufferBytes=" + bufferBytes + ", bufferAge=" + bufferAge + "]";
    }

    /** Collects how a client comes back. Not thread-safe. */
    public static final class Builder {
        private boolean reconnect = true;
        private Backoff backoff = Backoff.exponential(Duration.ofMillis(100), Duration.ofSeconds(30));
        private Duration stableAfter = Duration.ofSeconds(30);
        private AttemptBudget budget = AttemptBudget.shared();
        private Duration resolveLimit = Duration.ofSeconds(5);
        private Duration roundLimit = Duration.ofMinutes(1);
        private Duration handshakeLimit = Duration.ofSeconds(10);
        private @Nullable Duration maxAge;
        private double maxAgeJitter = 0.2;
        private long bufferBytes;
        private Duration bufferAge = Duration.ofSeconds(30);

        private Builder() {}

        /** Whether there is a second round at all: true by default; false makes the first failure or end final. */
        public Builder reconnect(boolean reconnect) {
            this.reconnect = reconnect;
            return this;
        }

        /**
         * How long to wait between two rounds: by default {@link Backoff#exponential} from 100 ms, which hides a restarted process
         * from its users, to 30 s, about as long as people wait for a service that was repaired.
         */
        public Builder backoff(Backoff backoff) {
            this.backoff = Objects.requireNonNull(backoff, "backoff");
            return this;
        }

        /**
         * How long a connection must be up, its handshake complete, until the failures before it are forgotten. By default 30 s,
         * the longest wait of the default backoff, so that a server that accepts and hangs up is not asked more often than one
         * that refuses.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder stableAfter(Duration stableAfter) {
            this.stableAfter = checked("stableAfter", stableAfter);
            return this;
        }

        /** How many attempts a second all clients that share it may make: {@link AttemptBudget#shared()} by default. */
        public Builder budget(AttemptBudget budget) {
            this.budget = Objects.requireNonNull(budget, "budget");
            return this;
        }

        /**
         * How long the resolution of a name may take. By default 5 s: as long as the resolver of Linux waits for the first answer
         * (resolv.conf(5), timeout).
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder resolveLimit(Duration limit) {
            this.resolveLimit = checked("resolveLimit", limit);
            return this;
        }

        /**
         * How long a round may take: one resolution, and all its addresses in turn. By default 1 min, room for several addresses
         * that don't answer; what is left of a list then has to wait for the next round, which resolves the name anew.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder roundLimit(Duration limit) {
            this.roundLimit = checked("roundLimit", limit);
            return this;
        }

        /**
         * How long TLS, HELLO and the handshake hook may take together, from the moment that TCP is connected. By default 10 s, the
         * limit that Netty's SslHandler has for TLS alone.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder handshakeLimit(Duration limit) {
            this.handshakeLimit = checked("handshakeLimit", limit);
            return this;
        }

        /**
         * The age at which a connection is drained and replaced, its name resolved again: whole milliseconds, 1 s to 2147483647 ms
         * (about 24 days). By default there is none, because only the user knows whether a move costs anything; behind a balancer, or
         * with a name whose addresses change, some minutes make clients follow.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder maxAge(Duration age) {
            Durations.wholeMillis("maxAge", age, MIN_AGE_MILLIS, Integer.MAX_VALUE);
            this.maxAge = age;
            return this;
        }

        /** No limit of the age, as by default. */
        public Builder noMaxAge() {
            this.maxAge = null;
            return this;
        }

        /**
         * By which part of it {@link #maxAge(Duration)} is shortened at most, drawn anew for each connection: 0 (all at the same age) to
         * less than 1. By default 0.2, so that connections that began together end spread over a fifth of their age.
         *
         * @throws IllegalArgumentException if it is out of range or no number
         */
        public Builder maxAgeJitter(double part) {
            if (!(part >= 0 && part < 1)) {
                throw new IllegalArgumentException("maxAgeJitter: " + part + " (expected: 0.0 to less than 1.0)");
            }
            this.maxAgeJitter = part;
            return this;
        }

        /**
         * How many bytes of messages are kept while the connection is down: 0 or more. By default 0, which makes a send fail at once:
         * what is sent late may be worse than what is not sent.
         *
         * @throws IllegalArgumentException if it is negative
         */
        public Builder bufferBytes(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("bufferBytes: " + bytes + " (expected: 0 or more)");
            }
            this.bufferBytes = bytes;
            return this;
        }

        /**
         * How long a message is kept while the connection is down, where {@link #bufferBytes(long)} keeps any. By default 30 s, in which
         * a restarted server is back; whoever waits for an answer has mostly given up by then.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder bufferAge(Duration age) {
            this.bufferAge = checked("bufferAge", age);
            return this;
        }

        /**
         * The options.
         *
         * @throws IllegalArgumentException if the limit of a resolution or of a handshake is longer than that of a round
         */
        public ReconnectOptions build() {
            requireWithinRound("resolveLimit", resolveLimit);
            requireWithinRound("handshakeLimit", handshakeLimit);
            return new ReconnectOptions(this);
        }

        private void requireWithinRound(String option, Duration limit) {
            if (limit.compareTo(roundLimit) > 0) {
                throw new IllegalArgumentException(option + ": " + limit + ", roundLimit: " + roundLimit
                        + " (expected: " + option + " of at most roundLimit, which it is part of)");
            }
        }

        private static Duration checked(String option, Duration value) {
            Durations.wholeMillis(option, value, 1, DAY_MILLIS);
            return value;
        }
    }
}
