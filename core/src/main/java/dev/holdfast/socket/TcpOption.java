package dev.holdfast.socket;

/**
 * The options this library sets, in the order in which it sets them: the keepalive times come before
 * {@link #SO_KEEPALIVE}, because a keepalive that is switched on first sends its first probe by the old time.
 *
 * <p>Values are whole numbers in the unit the kernel counts in ({@link #unit()}).
 */
public enum TcpOption {
    /** Idle time before the first keepalive probe, in seconds: 1 to 32767 (tcp(7); MAX_TCP_KEEPIDLE in tcp.h). */
    TCP_KEEPIDLE(Unit.SECONDS),
    /** Time between keepalive probes, in seconds: 1 to 32767 (MAX_TCP_KEEPINTVL in tcp.h). */
    TCP_KEEPINTVL(Unit.SECONDS),
    /** Unanswered keepalive probes that end a connection: 1 to 127 (MAX_TCP_KEEPCNT in tcp.h). */
    TCP_KEEPCNT(Unit.COUNT),
    /** Keepalive probes on an idle connection: 0 or 1. */
    SO_KEEPALIVE(Unit.SWITCH),
    /** How long sent data may stay unacknowledged, in milliseconds; 0 is off (RFC 5482, tcp(7)). */
    TCP_USER_TIMEOUT(Unit.MILLISECONDS),
    /** How often a SYN is repeated: 1 to 127 (MAX_TCP_SYNCNT in tcp.h). */
    TCP_SYNCNT(Unit.COUNT),
    /** How long a listener waits for a client's first data before it wakes the program, in seconds. */
    TCP_DEFER_ACCEPT(Unit.SECONDS),
    /** Unsent bytes in the send buffer below which the socket is writable. */
    TCP_NOTSENT_LOWAT(Unit.BYTES),
    /** Longest retransmission timeout, in milliseconds: 1000 to 120000, Linux 6.15 and later. */
    TCP_RTO_MAX_MS(Unit.MILLISECONDS),
    /** Small segments leave at once (Nagle's algorithm off): 0 or 1. */
    TCP_NODELAY(Unit.SWITCH),
    /** Size of the send buffer in bytes. */
    SO_SNDBUF(Unit.BYTES),
    /** Size of the receive buffer in bytes. */
    SO_RCVBUF(Unit.BYTES),
    /** How long a connect may take, in milliseconds. Kept by a timer of the library or the JDK, not by the kernel. */
    CONNECT_TIMEOUT(Unit.MILLISECONDS);

    /** What an option's value counts. */
    public enum Unit {
        /** Seconds. */
        SECONDS(" s"),
        /** Milliseconds. */
        MILLISECONDS(" ms"),
        /** A plain number. */
        COUNT(""),
        /** Bytes. */
        BYTES(" bytes"),
        /** 0 is off, 1 is on. */
        SWITCH("");

        private final String suffix;

        Unit(String suffix) {
            this.suffix = suffix;
        }

        String format(int value) {
            if (this == SWITCH) {
                return value == 0 ? "off" : "on";
            }
            return value + suffix;
        }
    }

    private final Unit unit;

    TcpOption(Unit unit) {
        this.unit = unit;
    }

    /** What the option's value counts. */
    public Unit unit() {
        return unit;
    }
}
