package dev.holdfast.verdict;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What the kernel knew of one connection at one moment: its {@code tcp_info} (tcp(7), include/uapi/linux/tcp.h).
 *
 * <p>Immutable. A field that the running kernel is too old for is absent, not zero. After the kernel itself has ended
 * a connection ({@link Field#STATE} 7), UNACKED and BACKOFF read 0 whatever they were; RETRANSMITS, PROBES,
 * NOTSENT_BYTES, SND_WND, LAST_ACK_RECV and TOTAL_RTO keep their values.
 */
public final class TcpSnapshot {
    /** TCP_CLOSE of {@link Field#STATE}: the kernel has ended the connection. */
    public static final int STATE_CLOSE = 7;

    private final byte[] info;

    private TcpSnapshot(byte[] info) {
        this.info = info;
    }

    /**
     * A snapshot of the first {@code length} bytes of a {@code tcp_info}, in native byte order, from the buffer's
     * position on. The bytes are copied, the buffer is not changed.
     *
     * @throws IllegalArgumentException if the buffer holds fewer bytes
     */
    public static TcpSnapshot of(ByteBuffer tcpInfo, int length) {
        if (length < 0 || tcpInfo.remaining() < length) {
            throw new IllegalArgumentException(
                    "tcp_info length: " + length + " (expected: 0 to the buffer's " + tcpInfo.remaining() + " bytes)");
        }
        byte[] copy = new byte[length];
        tcpInfo.duplicate().get(copy);
        return new TcpSnapshot(copy);
    }

    /** The field's value, or empty if this kernel does not have it. */
    public OptionalLong get(Field field) {
        return field.offset + field.bytes > info.length ? OptionalLong.empty() : OptionalLong.of(field.read(info));
    }

    /** The field's value, or {@code absent} if this kernel does not have it. */
    public long get(Field field, long absent) {
        return field.offset + field.bytes > info.length ? absent : field.read(info);
    }

    /** Every field present, in the kernel's order. */
    public Map<Field, Long> values() {
        EnumMap<Field, Long> values = new EnumMap<>(Field.class);
        for (Field field : Field.values()) {
            get(field).ifPresent(value -> values.put(field, value));
        }
        return Collections.unmodifiableMap(values);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TcpSnapshot that && Arrays.equals(info, that.info);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(info);
    }

    /** The fields that tell how a connection fares, on one line: {@code state=1 unacked=0 notsent_bytes=0 ...}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Field field : Field.TELLING) {
            get(field)
                    .ifPresent(value -> text.append(text.isEmpty() ? "" : " ")
                            .append(field.kernelName())
                            .append('=')
                            .append(value));
        }
        return text.toString();
    }

    /** A field of {@code tcp_info}, by the kernel's name without {@code tcpi_}, with the kernel that brought it. */
    public enum Field {
        /** State of the connection: 1 is ESTABLISHED, 7 is CLOSE. */
        STATE(0, 1),
        /** Congestion state: 0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss. */
        CA_STATE(1, 1),
        /** Unanswered retransmissions in a row. */
        RETRANSMITS(2, 1),
        /** Unanswered keepalive or window probes. */
        PROBES(3, 1),
        /** How often the retransmission timeout was doubled. */
        BACKOFF(4, 1),
        /** TCPI_OPT_ flags. */
        OPTIONS(5, 1),
        /** Window scale of the peer (the low four bits). */
        SND_WSCALE(6, 1, 0, 4),
        /** Window scale of ours (the high four bits). */
        RCV_WSCALE(6, 1, 4, 4),
        /** 1 if the delivery rate was limited by the program (4.9). */
        DELIVERY_RATE_APP_LIMITED(7, 1, 0, 1),
        /** Why TCP fast open failed (5.5). */
        FASTOPEN_CLIENT_FAIL(7, 1, 1, 2),
        /** Retransmission timeout, us. */
        RTO(8, 4),
        /** Delayed acknowledgement timeout, us. */
        ATO(12, 4),
        /** Segment size we send, bytes. */
        SND_MSS(16, 4),
        /** Segment size we receive, bytes. */
        RCV_MSS(20, 4),
        /** Segments sent and not acknowledged. */
        UNACKED(24, 4),
        /** Segments acknowledged out of order. */
        SACKED(28, 4),
        /** Segments held to be lost. */
        LOST(32, 4),
        /** Segments being retransmitted. */
        RETRANS(36, 4),
        /** Unused since 4.20. */
        FACKETS(40, 4),
        /** Since data was sent, ms. */
        LAST_DATA_SENT(44, 4),
        /** Not kept by the kernel: always 0. */
        LAST_ACK_SENT(48, 4),
        /** Since data was received, ms. */
        LAST_DATA_RECV(52, 4),
        /** Since an acknowledgement was received, ms. */
        LAST_ACK_RECV(56, 4),
        /** Path MTU, bytes. */
        PMTU(60, 4),
        /** Receive window's slow start threshold, bytes. */
        RCV_SSTHRESH(64, 4),
        /** Smoothed round trip time, us. */
        RTT(68, 4),
        /** Its mean deviation, us. */
        RTTVAR(72, 4),
        /** Send slow start threshold, segments. */
        SND_SSTHRESH(76, 4),
        /** Congestion window, segments. */
        SND_CWND(80, 4),
        /** Segment size announced, bytes. */
        ADVMSS(84, 4),
        /** Reordering allowed for, segments. */
        REORDERING(88, 4),
        /** Round trip time as the receiver sees it, us. */
        RCV_RTT(92, 4),
        /** Receive buffer space in use for tuning, bytes. */
        RCV_SPACE(96, 4),
        /** Retransmissions in the connection's life. */
        TOTAL_RETRANS(100, 4),
        /** Pacing rate, bytes/s, unsigned (3.15). */
        PACING_RATE(104, 8),
        /** Limit of it, bytes/s, unsigned: all ones is none (3.15). */
        MAX_PACING_RATE(112, 8),
        /** Bytes acknowledged, the SYN counted as one (4.1). */
        BYTES_ACKED(120, 8),
        /** Bytes received (4.1). */
        BYTES_RECEIVED(128, 8),
        /** Segments sent (4.2). */
        SEGS_OUT(136, 4),
        /** Segments received (4.2). */
        SEGS_IN(140, 4),
        /** Bytes in the send buffer that were never sent (4.6). */
        NOTSENT_BYTES(144, 4),
        /** Smallest round trip time, us (4.6). */
        MIN_RTT(148, 4),
        /** Segments with data received (4.6). */
        DATA_SEGS_IN(152, 4),
        /** Segments with data sent (4.6). */
        DATA_SEGS_OUT(156, 4),
        /** Delivery rate, bytes/s (4.9). */
        DELIVERY_RATE(160, 8),
        /** Time with data in flight, us (4.10). */
        BUSY_TIME(168, 8),
        /** Time limited by the peer's window, us (4.10). */
        RWND_LIMITED(176, 8),
        /** Time limited by our send buffer, us (4.10). */
        SNDBUF_LIMITED(184, 8),
        /** Segments delivered (4.18). */
        DELIVERED(192, 4),
        /** Segments delivered with a congestion mark (4.18). */
        DELIVERED_CE(196, 4),
        /** Bytes sent, retransmissions included (4.19). */
        BYTES_SENT(200, 8),
        /** Bytes retransmitted (4.19). */
        BYTES_RETRANS(208, 8),
        /** Duplicates the peer told of (4.19). */
        DSACK_DUPS(216, 4),
        /** Reorderings seen (4.19). */
        REORD_SEEN(220, 4),
        /** Segments received out of order (5.4). */
        RCV_OOOPACK(224, 4),
        /** The peer's window, bytes (5.4). */
        SND_WND(228, 4),
        /** Our window, bytes (6.2). */
        RCV_WND(232, 4),
        /** Changes of the flow hash after timeouts (6.2). */
        REHASH(236, 4),
        /** Retransmission timeouts in the connection's life (6.7). */
        TOTAL_RTO(240, 2),
        /** Recoveries from them (6.7). */
        TOTAL_RTO_RECOVERIES(242, 2),
        /** Time spent in them, ms (6.7). */
        TOTAL_RTO_TIME(244, 4),
        /** Segments received with a congestion mark (6.18). */
        RECEIVED_CE(248, 4),
        /** Accurate ECN byte counter E1, delivered (6.18). */
        DELIVERED_E1_BYTES(252, 4),
        /** Accurate ECN byte counter E0, delivered (6.18). */
        DELIVERED_E0_BYTES(256, 4),
        /** Accurate ECN byte counter CE, delivered (6.18). */
        DELIVERED_CE_BYTES(260, 4),
        /** Accurate ECN byte counter E1, received (6.18). */
        RECEIVED_E1_BYTES(264, 4),
        /** Accurate ECN byte counter E0, received (6.18). */
        RECEIVED_E0_BYTES(268, 4),
        /** Accurate ECN byte counter CE, received (6.18). */
        RECEIVED_CE_BYTES(272, 4),
        /** How accurate ECN failed (6.18). */
        ACCECN_FAIL_MODE(276, 2),
        /** Whether the accurate ECN option was seen (6.18). */
        ACCECN_OPT_SEEN(278, 2);

        private static final Field[] TELLING = {
            STATE,
            UNACKED,
            NOTSENT_BYTES,
            RETRANSMITS,
            PROBES,
            BACKOFF,
            SND_WND,
            LAST_DATA_RECV,
            LAST_ACK_RECV,
            RTO,
            RTT,
            TOTAL_RETRANS,
            TOTAL_RTO,
            BYTES_ACKED,
            BYTES_RECEIVED
        };

        private final int offset;
        private final int bytes;
        private final int shift;
        private final int bits;

        Field(int offset, int bytes) {
            this(offset, bytes, 0, bytes * 8);
        }

        Field(int offset, int bytes, int shift, int bits) {
            this.offset = offset;
            this.bytes = bytes;
            this.shift = shift;
            this.bits = bits;
        }

        /** The kernel's name for it, without {@code tcpi_}. */
        public String kernelName() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }

        private long read(byte[] info) {
            ByteBuffer buffer = ByteBuffer.wrap(info).order(ByteOrder.nativeOrder());
            return switch (bytes) {
                case 1 -> (info[offset] >> shift) & ((1L << bits) - 1);
                case 2 -> buffer.getShort(offset) & 0xffffL;
                case 4 -> buffer.getInt(offset) & 0xffffffffL;
                default -> buffer.getLong(offset);
            };
        }
    }
}
