package dev.holdfast.policy;

import static dev.holdfast.policy.Sysctl.*;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The system's own settings on which the bounds depend: this machine's ({@link #current()}), another's ({@link
 * #read(Path)}), Linux's defaults ({@link #linuxDefaults()}) or any others ({@link #builder()}).
 *
 * <p>Immutable. Two are equal if the settings and the release are; where they came from does not count.
 */
public final class KernelSettings {
    private final EnumMap<Sysctl, Integer> values;
    private final KernelRelease release;
    private final String source;
    private final List<String> assumedKeys;
    private final List<String> unusedKeys;

    KernelSettings(
            Map<Sysctl, Integer> values,
            KernelRelease release,
            String source,
            List<String> assumedKeys,
            List<String> unusedKeys) {
        this.values = new EnumMap<>(values);
        this.release = release;
        this.source = source;
        this.assumedKeys = List.copyOf(assumedKeys);
        this.unusedKeys = List.copyOf(unusedKeys);
    }

    /**
     * This machine's settings, read from {@code /proc/sys/net/ipv4} in the network namespace of the calling thread. A
     * setting whose file is absent is one that this kernel lacks or hides: Linux's default stands in for it, which is how
     * kernels without the setting behave, and it is one of {@link #assumedKeys()}; only {@code tcp_syn_linear_timeouts} is
     * 0 then. On a system without that folder these are Linux's defaults, and {@link #source()} says so.
     *
     * @throws IllegalArgumentException if the kernel holds a value outside the range given here, with file and rule
     */
    public static KernelSettings current() {
        return ProcSettings.read(Path.of("/proc"), Path.of("/boot"));
    }

    /** The defaults of Linux 6.15 and later: 7200 s, 75 s, 9, and 15, 0, 6, 4 retries, 120 s, 200 ms, 250 Hz. */
    public static KernelSettings linuxDefaults() {
        return builder().source("Linux defaults").build();
    }

    /**
     * The settings of a text in the format of {@code sysctl -a} and sysctl.conf(5): {@code net.ipv4.tcp_retries2 = 5}, with
     * blank lines and comments after {@code #} or {@code ;}. {@code kernel.osrelease} is used too, and {@code
     * CONFIG_HZ=250}, a line of the kernel's configuration. What the text lacks is assumed ({@link #assumedKeys()}), keys
     * of no use here are kept by name ({@link #unusedKeys()}).
     *
     * @param text the text
     * @param source what to call it in messages, a file's name for example
     * @throws IllegalArgumentException if a line has no {@code =}, a value of use here is malformed, out of range or given
     *     twice, or no setting of use here is in the text; with source, line, value and rule
     */
    public static KernelSettings parse(String text, String source) {
        return SysctlText.parse(text, source);
    }

    /**
     * The settings of a file: see {@link #parse}.
     *
     * @throws IOException if the file cannot be read, is no text in UTF-8 or is longer than 4 MiB
     * @throws IllegalArgumentException as {@link #parse} does
     */
    public static KernelSettings read(Path file) throws IOException {
        return SysctlText.read(file);
    }

    /** A builder with {@link #linuxDefaults()}. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that starts with these settings. */
    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.values.putAll(values);
        builder.release = release;
        return builder;
    }

    /** Idle time before the first keepalive probe: {@code tcp_keepalive_time}, by default 7200 s. */
    public Duration keepAliveTime() {
        return Duration.ofSeconds(get(KEEPALIVE_TIME));
    }

    /** Time between keepalive probes: {@code tcp_keepalive_intvl}, by default 75 s. */
    public Duration keepAliveInterval() {
        return Duration.ofSeconds(get(KEEPALIVE_INTERVAL));
    }

    /** Unanswered keepalive probes that end a connection: {@code tcp_keepalive_probes}, by default 9. */
    public int keepAliveProbes() {
        return get(KEEPALIVE_PROBES);
    }

    /** How long data is repeated, as a number of retransmissions: {@code tcp_retries2}, by default 15, which is 924.6 s. */
    public int retries2() {
        return get(RETRIES2);
    }

    /** The same for a closed socket: {@code tcp_orphan_retries}, by default 0, which stands for 8. */
    public int orphanRetries() {
        return get(ORPHAN_RETRIES);
    }

    /** How often a SYN is repeated: {@code tcp_syn_retries}, by default 6. */
    public int synRetries() {
        return get(SYN_RETRIES);
    }

    /** Further repetitions of a SYN, 1 s apart: {@code tcp_syn_linear_timeouts}, by default 4, and 0 before Linux 6.5. */
    public int synLinearTimeouts() {
        return get(SYN_LINEAR_TIMEOUTS);
    }

    /** The longest retransmission timeout: {@code tcp_rto_max_ms}, by default, and before Linux 6.15, 120 s. */
    public Duration rtoMax() {
        return Duration.ofMillis(get(RTO_MAX_MS));
    }

    /** The shortest retransmission timeout: {@code tcp_rto_min_us}, by default, and before Linux 6.11, 200 ms. */
    public Duration rtoMin() {
        return Duration.ofNanos(get(RTO_MIN_US) * 1000L);
    }

    /**
     * Ticks of the kernel's timers in a second (CONFIG_HZ): 100 to 1000, by default 250. Not a sysctl; read from
     * {@code /proc/config.gz} or {@code /boot}, where they are readable.
     */
    public int timerFrequency() {
        return get(HZ);
    }

    /** The kernel's release, as {@code uname -r} prints it; if empty, a recent one is assumed. */
    public Optional<String> release() {
        return release.text();
    }

    /** Where these settings came from, as in {@code /proc/sys/net/ipv4}. */
    public String source() {
        return source;
    }

    /** The settings that the source did not have; Linux's defaults stand in for them. */
    public List<String> assumedKeys() {
        return assumedKeys;
    }

    /** The keys that the source had and that the bounds do not depend on, in their order. */
    public List<String> unusedKeys() {
        return unusedKeys;
    }

    /** All settings by the name the system has for them, in the system's units, in a fixed order. */
    public Map<String, Integer> values() {
        return values.entrySet().stream()
                .collect(Collectors.toMap(
                        entry -> entry.getKey().key, Map.Entry::getValue, (a, b) -> a, java.util.LinkedHashMap::new));
    }

    KernelRelease kernelRelease() {
        return release;
    }

    int get(Sysctl sysctl) {
        return Objects.requireNonNull(values.get(sysctl), sysctl.key);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KernelSettings that && values.equals(that.values) && release.equals(that.release);
    }

    @Override
    public int hashCode() {
        return 31 * values.hashCode() + release.hashCode();
    }

    /** Source, release and all values, as {@code KernelSettings[Linux defaults: net.ipv4.tcp_keepalive_time=7200, ...]}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("KernelSettings[").append(source);
        release.text().ifPresent(known -> text.append(", Linux ").append(known));
        String separator = ": ";
        for (Map.Entry<String, Integer> value : values().entrySet()) {
            text.append(separator).append(value.getKey()).append('=').append(value.getValue());
            separator = ", ";
        }
        return text.append(']').toString();
    }

    /** Collects settings. Not thread-safe. */
    public static final class Builder {
        private final EnumMap<Sysctl, Integer> values = new EnumMap<>(Sysctl.class);
        private KernelRelease release = KernelRelease.UNKNOWN;
        private String source = "given";

        private Builder() {
            for (Sysctl each : Sysctl.values()) {
                values.put(each, each.linuxDefault);
            }
        }

        /**
         * {@code tcp_keepalive_time}: 1 s to 21474836 s, whole seconds.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of seconds
         */
        public Builder keepAliveTime(Duration time) {
            return put(KEEPALIVE_TIME, time, Duration.ofSeconds(1));
        }

        /**
         * {@code tcp_keepalive_intvl}: 1 s to 21474836 s, whole seconds.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of seconds
         */
        public Builder keepAliveInterval(Duration interval) {
            return put(KEEPALIVE_INTERVAL, interval, Duration.ofSeconds(1));
        }

        /**
         * {@code tcp_keepalive_probes}: 0 to 255.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder keepAliveProbes(int probes) {
            return put(KEEPALIVE_PROBES, probes);
        }

        /**
         * {@code tcp_retries2}: 0 to 255.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder retries2(int retries) {
            return put(RETRIES2, retries);
        }

        /**
         * {@code tcp_orphan_retries}: 0 to 255.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder orphanRetries(int retries) {
            return put(ORPHAN_RETRIES, retries);
        }

        /**
         * {@code tcp_syn_retries}: 1 to 127.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder synRetries(int retries) {
            return put(SYN_RETRIES, retries);
        }

        /**
         * {@code tcp_syn_linear_timeouts}: 0 to 127; 0 is a kernel before 6.5.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder synLinearTimeouts(int timeouts) {
            return put(SYN_LINEAR_TIMEOUTS, timeouts);
        }

        /**
         * {@code tcp_rto_max_ms}: 1 s to 120 s, whole milliseconds.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder rtoMax(Duration max) {
            return put(RTO_MAX_MS, max, Duration.ofMillis(1));
        }

        /**
         * {@code tcp_rto_min_us}: 1 us to 2147483647 us, whole microseconds.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of microseconds
         */
        public Builder rtoMin(Duration min) {
            return put(RTO_MIN_US, min, Duration.ofNanos(1000));
        }

        /**
         * CONFIG_HZ: 100 to 1000.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder timerFrequency(int hertz) {
            return put(HZ, hertz);
        }

        /** The kernel's release, as {@code uname -r} prints it. Changes no setting. */
        public Builder release(String release) {
            this.release = new KernelRelease(Optional.of(release));
            return this;
        }

        /** The settings. */
        public KernelSettings build() {
            return new KernelSettings(values, release, source, List.of(), List.of());
        }

        private Builder source(String source) {
            this.source = source;
            return this;
        }

        private Builder put(Sysctl sysctl, Duration value, Duration unit) {
            Duration least = unit.multipliedBy(sysctl.min);
            Duration most = unit.multipliedBy(sysctl.max);
            boolean inRange = value.compareTo(least) >= 0 && value.compareTo(most) <= 0;
            if (!inRange || !unit.multipliedBy(value.dividedBy(unit)).equals(value)) {
                throw new IllegalArgumentException(sysctl.key + ": " + value + " (expected: a whole multiple of " + unit
                        + " from " + least + " to " + most + ")");
            }
            values.put(sysctl, (int) value.dividedBy(unit));
            return this;
        }

        private Builder put(Sysctl sysctl, int value) {
            if (!sysctl.accepts(value)) {
                throw new IllegalArgumentException(sysctl.key + ": " + value + " (" + sysctl.rule() + ")");
            }
            values.put(sysctl, value);
            return this;
        }
    }
}
