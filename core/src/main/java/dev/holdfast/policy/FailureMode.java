package dev.holdfast.policy;

/**
 * A way to lose a peer, or to believe so. Each has a moment from which its bound counts ({@link #countedFrom()}); where a
 * heartbeat finds it, the bound counts from the last byte received instead ({@link DetectionBounds.Bound#countedFrom()} has
 * the moment of the bound at hand).
 */
public enum FailureMode {
    /**
     * Nothing is in flight, and the peer's host or the path to it is gone without a word: power cut, cable pulled, a
     * firewall that drops. Only keepalive probes or a heartbeat can notice.
     */
    IDLE_PEER_VANISHED("the last segment received", "nothing is unsent or unacknowledged"),
    /**
     * The same with data in flight. Keepalive is suspended meanwhile; the kernel repeats the data until the user timeout
     * or {@code tcp_retries2} ends it. The first retransmission timeout may count double, because the tail-loss probe
     * before it does not count.
     */
    UNACKED_PEER_VANISHED("the sending of the oldest unacknowledged byte", "data is unacknowledged"),
    /**
     * The peer reads nothing, its window is closed, and its kernel answers every window probe: it lives. The kernel waits
     * for ever, unless a user timeout is set, which <em>kills this living connection</em>. A heartbeat on epoll lifts the
     * user timeout meanwhile, and waits for its own slowReaderTolerance.
     */
    ZERO_WINDOW_PEER_ALIVE("the closing of the window", "the window stays closed and data is unsent"),
    /**
     * The window is closed, and then the peer vanishes. A user timeout counts from the closing of the window, not from
     * the vanishing, and then so does the bound, unless a heartbeat lifts it. Without one the number of unanswered probes counts from the vanishing, and the time between them
     * depends on how long the window had been closed: nominal is a window just closed, worst case a backoff that had
     * reached its end.
     */
    ZERO_WINDOW_PEER_VANISHED("the last answered window probe", "the window is closed and data is unsent"),
    /**
     * New data is dropped by this host's own packet filter (netfilter OUTPUT), so it never leaves. Data that was in flight
     * before is {@link #UNACKED_PEER_VANISHED}.
     */
    LOCAL_FILTER_DROP("the write", "nothing was in flight before the write"),
    /** New data is dropped by the full or broken queue (qdisc) of this host's own interface. */
    LOCAL_QUEUE_DROP("the write", "nothing was in flight before the write"),
    /**
     * Nothing is in flight and this host's own queue (qdisc) drops everything, keepalive probes too. A probe that was not
     * sent is not counted, but repeated every 0.5 s, so the kernel never gives up.
     */
    IDLE_LOCAL_QUEUE_DROP("the last segment received", "nothing is unsent or unacknowledged"),
    /** Nothing answers the connect: neither an acceptance nor a reset nor an ICMP error. */
    CONNECT_BLACKHOLED("the connect", "no answer of any kind"),
    /**
     * The program has closed the connection, the peer has vanished and cannot acknowledge what was still to be sent, at
     * least the FIN. The program has forgotten the connection; the kernel keeps its memory and port this long.
     */
    CLOSED_PEER_VANISHED("the close", "the FIN is unacknowledged (FIN-WAIT-1), the window is open"),
    /**
     * The peer's program hangs, is stopped or deadlocked, and its kernel goes on acknowledging. Keepalive is answered by
     * that kernel. Once so much is sent that the peer's buffer is full this becomes {@link #ZERO_WINDOW_PEER_ALIVE}.
     */
    PEER_PROGRAM_HUNG("the last byte received", "the peer's kernel acknowledges and its window is open"),
    /**
     * The peer's host has rebooted, or its kernel otherwise forgotten the connection, and answers the next segment with a
     * reset. A side that sends nothing never learns. A host that is back only later resets the next repetition.
     */
    PEER_REBOOTED("the last segment received", "the host is back before the next segment of ours reaches it"),
    /**
     * A NAT, firewall or load balancer has forgotten the idle connection and drops its segments in silence. A side that
     * only receives, with neither keepalive nor heartbeat, never learns.
     */
    MIDDLEBOX_FORGOT_SILENTLY(
            "the last segment received", "the box forgets before the next segment of ours reaches it"),
    /** A NAT, firewall or load balancer has forgotten the idle connection and answers the next segment with a reset. */
    MIDDLEBOX_FORGOT_WITH_RESET(
            "the last segment received", "the box forgets before the next segment of ours reaches it");

    private final String countedFrom;
    private final String condition;

    FailureMode(String countedFrom, String condition) {
        this.countedFrom = countedFrom;
        this.condition = condition;
    }

    /** The moment from which the kernel's bound counts, as in "the last segment received". */
    public String countedFrom() {
        return countedFrom;
    }

    /** What must hold for the bound, as in "nothing is unsent or unacknowledged". */
    public String condition() {
        return condition;
    }
}
