package dev.holdfast.policy;

/** What notices that a peer is lost. */
public enum Detector {
    /** Unanswered keepalive probes, or the reset that a probe draws: {@code tcp_keepalive_timer()}. */
    TCP_KEEPALIVE,
    /** The user timeout, at a retransmission or at a window probe: {@code tcp_write_timeout()}, {@code tcp_probe_timer()}. */
    USER_TIMEOUT,
    /** The kernel gives up repeating sent data ({@code net.ipv4.tcp_retries2}): {@code tcp_write_timeout()}. */
    RETRANSMISSION,
    /**
     * The kernel gives up probing for room to send ({@code net.ipv4.tcp_retries2}), in a closed window or because its own
     * filter drops what it sends: {@code tcp_probe_timer()}.
     */
    WINDOW_PROBES,
    /**
     * The kernel gives up handing a segment to its own queue, which it tries every 0.5 s ({@code
     * TCP_RESOURCE_PROBE_INTERVAL}): {@code tcp_send_probe0()}.
     */
    LOCAL_RETRY,
    /** The kernel gives up repeating the SYN ({@code TCP_SYNCNT}): {@code tcp_write_timeout()}. */
    SYN_RETRIES,
    /** The kernel gives up a socket that no program holds any more: {@code tcp_orphan_retries()}. */
    ORPHAN_RETRIES,
    /** The connect timeout, a timer of Netty or the JDK. */
    CONNECT_TIMEOUT,
    /** The heartbeat: its probes stay unanswered, the first of them draws a reset, or its patience with a closed window ends. */
    HEARTBEAT,
    /** Nothing. */
    NONE
}
