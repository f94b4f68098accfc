package dev.holdfast.policy;

import java.util.Arrays;
import java.util.Optional;

/**
 * The settings of the kernel that the bounds depend on, with the ranges it accepts (net/ipv4/sysctl_net_ipv4.c) and Linux's
 * defaults (Documentation/networking/ip-sysctl.rst).
 */
enum Sysctl {
    // The kernel keeps both times in jiffies of 1 ms to 10 ms, as a signed int.
    KEEPALIVE_TIME("net.ipv4.tcp_keepalive_time", 1, Integer.MAX_VALUE / 100, 7200),
    KEEPALIVE_INTERVAL("net.ipv4.tcp_keepalive_intvl", 1, Integer.MAX_VALUE / 100, 75),
    KEEPALIVE_PROBES("net.ipv4.tcp_keepalive_probes", 0, 255, 9),
    RETRIES2("net.ipv4.tcp_retries2", 0, 255, 15),
    ORPHAN_RETRIES("net.ipv4.tcp_orphan_retries", 0, 255, 0),
    SYN_RETRIES("net.ipv4.tcp_syn_retries", 1, 127, 6),
    SYN_LINEAR_TIMEOUTS("net.ipv4.tcp_syn_linear_timeouts", 0, 127, 4),
    RTO_MAX_MS("net.ipv4.tcp_rto_max_ms", 1000, 120_000, 120_000),
    RTO_MIN_US("net.ipv4.tcp_rto_min_us", 1, Integer.MAX_VALUE, 200_000),
    /** Not a sysctl but a line of the kernel's configuration; {@code /proc} does not show it otherwise. */
    HZ("CONFIG_HZ", 100, 1000, 250);

    final String key;
    final int min;
    final int max;
    final int linuxDefault;

    Sysctl(String key, int min, int max, int linuxDefault) {
        this.key = key;
        this.min = min;
        this.max = max;
        this.linuxDefault = linuxDefault;
    }

    static Optional<Sysctl> ofKey(String key) {
        return Arrays.stream(values()).filter(each -> each.key.equals(key)).findFirst();
    }

    /** The rule for its value, for messages. */
    String rule() {
        return "expected: a whole number from " + min + " to " + max;
    }

    boolean accepts(long value) {
        return value >= min && value <= max;
    }

    /** What a kernel of this release has where it lacks the setting, or the default where the release is not known. */
    int defaultOf(KernelRelease release) {
        return this == SYN_LINEAR_TIMEOUTS && release.isBefore(6, 5) ? 0 : linuxDefault;
    }
}
