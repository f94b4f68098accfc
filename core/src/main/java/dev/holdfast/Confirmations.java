package dev.holdfast;

import dev.holdfast.verdict.TcpSnapshot;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * What was written on one connection and is not confirmed, in order. Confined to the event loop; pure.
 *
 * <p>A mark is the number of messages written so far. A proof that the peer has read up to a mark confirms all before it.
 */
final class Confirmations {
    private final ArrayDeque<Delivery> open = new ArrayDeque<>();
    private long mark;

    // what the kernel has been given, and has to have acknowledged, for the messages up to a mark
    private long positionMark;
    private long position;

    /** A message goes on its way. */
    void add(Delivery delivery) {
        open.add(delivery);
        mark++;
    }

    /** How many messages have been written. */
    long mark() {
        return mark;
    }

    boolean isEmpty() {
        return open.isEmpty();
    }

    /** Everything up to the mark was read by the peer, or did not leave. */
    void confirmUpTo(long proven, Consumer<Delivery> confirmed) {
        while (!open.isEmpty() && mark - open.size() < proven) {
            confirmed.accept(open.remove());
        }
    }

    /** The connection is gone. */
    void end(Consumer<Delivery> ended) {
        while (!open.isEmpty()) {
            ended.accept(open.remove());
        }
    }

    /**
     * Up to which mark the peer's kernel has acknowledged: everything that it had been given at an earlier call, once its
     * count of acknowledged bytes has come so far.
     *
     * @param client whether we had connected: then the SYN counts as acknowledged
     */
    long acknowledged(TcpSnapshot tcp, boolean client) {
        long acknowledged = tcp.get(TcpSnapshot.Field.BYTES_ACKED, 0) - (client ? 1 : 0);
        long reached = 0;
        if (positionMark > 0 && acknowledged >= position) {
            reached = positionMark;
            positionMark = 0;
        }
        if (positionMark == 0) {
            positionMark = writtenMark();
            position = tcp.get(TcpSnapshot.Field.BYTES_SENT, Long.MAX_VALUE / 2)
                    - tcp.get(TcpSnapshot.Field.BYTES_RETRANS, 0)
                    + tcp.get(TcpSnapshot.Field.NOTSENT_BYTES, 0);
            if (acknowledged >= position && positionMark > reached) {
                reached = positionMark;
                positionMark = 0;
            }
        }
        return reached;
    }

    /** Up to which mark the kernel has taken everything. */
    private long writtenMark() {
        long written = mark - open.size();
        for (Delivery delivery : open) {
            if (delivery.state() == Delivery.State.PENDING) {
                break;
            }
            written++;
        }
        return written;
    }
}
