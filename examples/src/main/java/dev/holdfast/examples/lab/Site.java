package dev.holdfast.examples.lab;

import java.util.List;
import java.util.Locale;

/** Where a client stands: a namespace with settings of its own, behind a router. */
@SuppressWarnings("ImmutableEnumChecker") // List.of cannot be changed
enum Site {
    /** The kernel's own settings. */
    PLAIN(1, false),
    /** Few retries, so that what takes a quarter of an hour by default takes seconds. */
    FEW_RETRIES(2, false, "net.ipv4.tcp_retries2=3", "net.ipv4.tcp_syn_retries=2", "net.ipv4.tcp_orphan_retries=3"),
    /** A short maximum between retries (Linux 6.15). */
    SHORT_RTO(3, false, "net.ipv4.tcp_retries2=8", "net.ipv4.tcp_rto_max_ms=1000", "net.ipv4.tcp_syn_retries=1"),
    /** Behind a NAT that forgets an idle connection after {@link Network#NAT_FORGETS_AFTER}. */
    BEHIND_NAT(4, true),
    /** The same; without timestamps, which would tell a new connection from an old one. */
    BEHIND_PORT_NAT(5, true, "net.ipv4.tcp_timestamps=0");

    private final int number;
    private final boolean behindNat;
    private final List<String> sysctls;

    Site(int number, boolean behindNat, String... sysctls) {
        this.number = number;
        this.behindNat = behindNat;
        this.sysctls = List.of(sysctls);
    }

    /** What its subnet is numbered by. */
    int number() {
        return number;
    }

    boolean isBehindNat() {
        return behindNat;
    }

    List<String> sysctls() {
        return sysctls;
    }

    /** What is special about it. */
    String description() {
        String nat = behindNat ? "behind a NAT that forgets after " + Network.NAT_FORGETS_AFTER.toSeconds() + " s" : "";
        String settings = sysctls.isEmpty() ? "the kernel's own settings" : String.join(", ", sysctls);
        return nat.isEmpty() ? settings : nat + ", " + settings;
    }

    /** For people, and part of the namespace's name. */
    String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
