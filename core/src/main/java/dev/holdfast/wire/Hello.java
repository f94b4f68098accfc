package dev.holdfast.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.time.Duration;
import java.util.Objects;

/**
 * A HELLO: what one side speaks, offers and expects. Both sides send theirs first and at once, without waiting for the
 * other's. Immutable.
 */
public final class Hello {
    /** The lowest protocol version that this library speaks. */
    public static final int LOWEST_VERSION = 1;

    /** The highest protocol version that this library speaks. */
    public static final int HIGHEST_VERSION = 1;

    /** The smallest maximum payload a side may announce, in bytes: so much may always be sent. */
    public static final int MIN_MAX_PAYLOAD = 1024;

    /** The largest maximum payload a side may announce, in bytes: 1 GiB, so that a frame fits into one buffer. */
    public static final int MAX_PAYLOAD = 1 << 30;

    /**
     * The capability "CONFIRM", bit 0: who announces it answers a confirmation ({@link Frames#isConfirmation}) only when its
     * program has processed all DATA frames before it. It holds where both sides announce it ({@link
     * Agreement#confirms}).
     */
    public static final long CAPABILITY_CONFIRM = 1L;

    private static final int MAX_VERSION = 255;

    private final int lowestVersion;
    private final int highestVersion;
    private final long capabilities;
    private final Duration minimumSendInterval;
    private final Duration wishedReceiveInterval;
    private final Duration detectionTime;
    private final int maxPayload;

    private Hello(Builder builder) {
        this.lowestVersion = builder.lowestVersion;
        this.highestVersion = builder.highestVersion;
        this.capabilities = builder.capabilities;
        this.minimumSendInterval = builder.minimumSendInterval;
        this.wishedReceiveInterval = builder.wishedReceiveInterval;
        this.detectionTime = builder.detectionTime;
        this.maxPayload = builder.maxPayload;
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that starts with this HELLO. */
    public Builder toBuilder() {
        return new Builder()
                .versions(lowestVersion, highestVersion)
                .capabilities(capabilities)
                .minimumSendInterval(minimumSendInterval)
                .wishedReceiveInterval(wishedReceiveInterval)
                .detectionTime(detectionTime)
                .maxPayload(maxPayload);
    }

    /** The lowest protocol version that the sender speaks. */
    public int lowestVersion() {
        return lowestVersion;
    }

    /** The highest protocol version that the sender speaks. */
    public int highestVersion() {
        return highestVersion;
    }

    /** What the sender can do beyond its version: one bit each. */
    public long capabilities() {
        return capabilities;
    }

    /** The smallest interval at which the sender is willing to beat; zero if it sends no beats. */
    public Duration minimumSendInterval() {
        return minimumSendInterval;
    }

    /** The interval at which the sender wishes to get beats; zero if it wishes none. */
    public Duration wishedReceiveInterval() {
        return wishedReceiveInterval;
    }

    /** How long the sender hears nothing, at most, before it takes the receiver for dead; zero if it never does. */
    public Duration detectionTime() {
        return detectionTime;
    }

    /** The longest payload, in bytes, that the sender accepts in a DATA or an optional frame. */
    public int maxPayload() {
        return maxPayload;
    }

    /**
     * Reads a HELLO, and leaves the buffer as it is.
     *
     * @param frame as {@link FrameDecoder} passes it on
     * @throws ProtocolException if its numbers are out of range; the decoder passes on no such frame
     * @throws IllegalArgumentException if the frame is of another type
     */
    public static Hello read(ByteBuf frame) {
        Frames.expect(FrameType.HELLO, frame);
        return HelloLayout.read(frame);
    }

    /** Writes it into a new buffer, which belongs to the caller. */
    public ByteBuf write(ByteBufAllocator allocator) {
        return HelloLayout.write(this, allocator);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Hello that
                && lowestVersion == that.lowestVersion
                && highestVersion == that.highestVersion
                && capabilities == that.capabilities
                && minimumSendInterval.equals(that.minimumSendInterval)
                && wishedReceiveInterval.equals(that.wishedReceiveInterval)
                && detectionTime.equals(that.detectionTime)
                && maxPayload == that.maxPayload;
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                lowestVersion,
                highestVersion,
                capabilities,
                minimumSendInterval,
                wishedReceiveInterval,
                detectionTime,
                maxPayload);
    }

    /** Everything in it, in one line. */
    @Override
    public String toString() {
        return "Hello[versions=%d to %d, capabilities=0x%x, minimumSendInterval=%s, wishedReceiveInterval=%s, detectionTime=%s, maxPayload=%d]"
                .formatted(
                        lowestVersion,
                        highestVersion,
                        capabilities,
                        minimumSendInterval,
                        wishedReceiveInterval,
                        detectionTime,
                        maxPayload);
    }

    /** Collects what is to be said. Not thread-safe. */
    public static final class Builder {
        private int lowestVersion = LOWEST_VERSION;
        private int highestVersion = HIGHEST_VERSION;
        private long capabilities;
        private Duration minimumSendInterval = Duration.ZERO;
        private Duration wishedReceiveInterval = Duration.ZERO;
        private Duration detectionTime = Duration.ZERO;
        private int maxPayload = 1 << 20;

        private Builder() {}

        /**
         * The versions spoken: 1 to 255, by default {@link Hello#LOWEST_VERSION} to {@link Hello#HIGHEST_VERSION}, all
         * that this library speaks.
         *
         * @throws IllegalArgumentException if one is out of range, or the lowest above the highest
         */
        public Builder versions(int lowest, int highest) {
            if (lowest < 1 || lowest > highest || highest > MAX_VERSION) {
                throw new IllegalArgumentException("versions: " + lowest + " to " + highest + " (expected: from 1 to "
                        + MAX_VERSION + ", the lowest first)");
            }
            this.lowestVersion = lowest;
            this.highestVersion = highest;
            return this;
        }

        /**
         * What this side can do beyond its version, one bit each, by default nothing. Bits 0 to 31 are the protocol's, and
         * version 1 assigns bit 0, {@link Hello#CAPABILITY_CONFIRM}; bits 32 to 63 are the application's.
         */
        public Builder capabilities(long capabilities) {
            this.capabilities = capabilities;
            return this;
        }

        /**
         * The smallest interval at which this side is willing to beat: whole milliseconds from 0 to 4294967295, by default
         * zero, which is no beats, as only the layer above knows what it can keep.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder minimumSendInterval(Duration interval) {
            WireMillis.check("minimum send interval", interval, WireMillis.MAX);
            this.minimumSendInterval = interval;
            return this;
        }

        /**
         * The interval at which this side wishes to get beats: whole milliseconds from 0 to 4294967295, by default zero,
         * which is no beats.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder wishedReceiveInterval(Duration interval) {
            WireMillis.check("wished receive interval", interval, WireMillis.MAX);
            this.wishedReceiveInterval = interval;
            return this;
        }

        /**
         * How long this side hears nothing, at most, before it takes the peer for dead: whole milliseconds from 0 to
         * 4294967295, by default zero, which is never.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder detectionTime(Duration time) {
            WireMillis.check("detection time", time, WireMillis.MAX);
            this.detectionTime = time;
            return this;
        }

        /**
         * The longest payload that this side accepts: {@link Hello#MIN_MAX_PAYLOAD} to {@link Hello#MAX_PAYLOAD} bytes, by
         * default 1 MiB. A peer can make us hold that much for each of its connections.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder maxPayload(int bytes) {
            if (bytes < MIN_MAX_PAYLOAD || bytes > MAX_PAYLOAD) {
                throw new IllegalArgumentException("maximum payload: " + bytes + " bytes (expected: " + MIN_MAX_PAYLOAD
                        + " to " + MAX_PAYLOAD + ")");
            }
            this.maxPayload = bytes;
            return this;
        }

        /** The HELLO. */
        public Hello build() {
            return new Hello(this);
        }
    }
}
