package dev.holdfast.policy;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A box on the path that forgets or ends a connection which is idle for too long. The constants have the defaults of their
 * makers' documentation; {@link #withIdleTimeout} fits them to an installation.
 *
 * <p>Two kinds: what terminates TCP, such as a proxy, is kept awake by payload only; what tracks flows is kept awake by
 * keepalive probes too.
 *
 * @param name what it is called
 * @param idleTimeout how long it may see no segment (or no payload); empty if there is no default
 * @param refreshedByKeepAlive whether keepalive probes count for it
 * @param onExpiry what it does with a connection that was idle for longer
 */
public record Middlebox(String name, Optional<Duration> idleTimeout, boolean refreshedByKeepAlive, Expiry onExpiry) {
    /** What a box does with a connection that was idle for too long. */
    public enum Expiry {
        /** Answers a later packet with a reset: {@link FailureMode#MIDDLEBOX_FORGOT_WITH_RESET}. */
        RESETS,
        /** Drops later packets without a word: {@link FailureMode#MIDDLEBOX_FORGOT_SILENTLY}. */
        DROPS_SILENTLY,
        /** Resets or drops, depending on how it is set up; the worse is {@link FailureMode#MIDDLEBOX_FORGOT_SILENTLY}. */
        RESETS_OR_DROPS,
        /** Closes the connection in an orderly way, at once. */
        CLOSES
    }

    /** AWS Network Load Balancer, TCP listener: 350 s, may be set from 60 s to 6000 s. */
    public static final Middlebox AWS_NLB = tracking("AWS NLB (TCP)", 350, Expiry.RESETS);
    /** AWS NAT gateway: 350 s. */
    public static final Middlebox AWS_NAT_GATEWAY = tracking("AWS NAT gateway", 350, Expiry.RESETS);
    /** AWS Network Firewall: 350 s. */
    public static final Middlebox AWS_NETWORK_FIREWALL = tracking("AWS Network Firewall", 350, Expiry.DROPS_SILENTLY);
    /** AWS Application and Classic Load Balancer: 60 s. */
    public static final Middlebox AWS_ALB = terminating("AWS ALB, CLB", 60);
    /** Azure Load Balancer: 240 s, may be set from 4 min to 100 min; silent unless its TCP reset is switched on. */
    public static final Middlebox AZURE_LOAD_BALANCER = tracking("Azure Load Balancer", 240, Expiry.DROPS_SILENTLY);
    /** Azure NAT gateway: 240 s. */
    public static final Middlebox AZURE_NAT_GATEWAY = tracking("Azure NAT gateway", 240, Expiry.RESETS);
    /** Google Cloud VPC firewall: 600 s. */
    public static final Middlebox GCP_VPC_FIREWALL = tracking("GCP VPC firewall", 600, Expiry.DROPS_SILENTLY);
    /** Google Cloud NAT: 1200 s. */
    public static final Middlebox GCP_CLOUD_NAT = tracking("GCP Cloud NAT", 1200, Expiry.DROPS_SILENTLY);
    /**
     * Linux connection tracking: 432000 s ({@code nf_conntrack_tcp_timeout_established}), and 300 s as long as data is
     * unacknowledged ({@code nf_conntrack_tcp_timeout_unacknowledged}).
     */
    public static final Middlebox LINUX_CONNTRACK = tracking("Linux conntrack", 432_000, Expiry.DROPS_SILENTLY);
    /** Linux IPVS: 900 s. */
    public static final Middlebox IPVS = tracking("IPVS", 900, Expiry.RESETS);
    /** Kubernetes' kube-proxy: 86400 s. */
    public static final Middlebox KUBE_PROXY = tracking("kube-proxy", 86_400, Expiry.RESETS_OR_DROPS);
    /** nginx stream proxy: 600 s ({@code proxy_timeout}). */
    public static final Middlebox NGINX_STREAM = terminating("nginx stream", 600);
    /** Envoy's TCP proxy: 3600 s ({@code idle_timeout}). */
    public static final Middlebox ENVOY_TCP_PROXY = terminating("Envoy tcp_proxy", 3600);
    /** HAProxy: no default, its configuration must say ({@code timeout client}, {@code timeout server}). */
    public static final Middlebox HAPROXY = new Middlebox("HAProxy", Optional.empty(), false, Expiry.CLOSES);

    private static final List<Middlebox> ALL = List.of(
            AWS_NLB,
            AWS_NAT_GATEWAY,
            AWS_NETWORK_FIREWALL,
            AWS_ALB,
            AZURE_LOAD_BALANCER,
            AZURE_NAT_GATEWAY,
            GCP_VPC_FIREWALL,
            GCP_CLOUD_NAT,
            LINUX_CONNTRACK,
            IPVS,
            KUBE_PROXY,
            NGINX_STREAM,
            ENVOY_TCP_PROXY,
            HAPROXY);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if the idle timeout is not positive
     */
    public Middlebox {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(idleTimeout, "idleTimeout");
        Objects.requireNonNull(onExpiry, "onExpiry");
        if (idleTimeout.filter(timeout -> timeout.compareTo(Duration.ZERO) <= 0).isPresent()) {
            throw new IllegalArgumentException(
                    name + " idleTimeout: " + idleTimeout.get() + " (expected: more than PT0S)");
        }
    }

    /** All constants of this class. */
    public static List<Middlebox> all() {
        return ALL;
    }

    /**
     * The same box, set up with another idle timeout.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public Middlebox withIdleTimeout(Duration timeout) {
        return new Middlebox(name, Optional.of(timeout), refreshedByKeepAlive, onExpiry);
    }

    private static Middlebox tracking(String name, long seconds, Expiry onExpiry) {
        return new Middlebox(name, Optional.of(Duration.ofSeconds(seconds)), true, onExpiry);
    }

    private static Middlebox terminating(String name, long seconds) {
        return new Middlebox(name, Optional.of(Duration.ofSeconds(seconds)), false, Expiry.CLOSES);
    }
}
