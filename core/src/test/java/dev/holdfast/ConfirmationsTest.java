package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.verdict.TcpSnapshot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConfirmationsTest {
    // where struct tcp_info has them, include/uapi/linux/tcp.h
    private static final int BYTES_ACKED = 120;
    private static final int NOTSENT_BYTES = 144;
    private static final int BYTES_SENT = 200;
    private static final int BYTES_RETRANS = 208;
    private static final int LENGTH = 232;

    private final Confirmations open = new Confirmations();
    private final List<Long> seen = new ArrayList<>();
    private long ids;

    private Delivery add() {
        Delivery delivery = new Delivery(++ids, 10, Runnable::run);
        open.add(delivery);
        return delivery;
    }

    private Delivery addWritten() {
        Delivery delivery = add();
        delivery.onWritten();
        return delivery;
    }

    private void confirmUpTo(long mark) {
        open.confirmUpTo(mark, delivery -> seen.add(delivery.id()));
    }

    private static TcpSnapshot tcp(long acked, long sent, long retransmitted, int notSent) {
        ByteBuffer info = ByteBuffer.allocate(LENGTH).order(ByteOrder.nativeOrder());
        info.putLong(BYTES_ACKED, acked);
        info.putLong(BYTES_SENT, sent);
        info.putLong(BYTES_RETRANS, retransmitted);
        info.putInt(NOTSENT_BYTES, notSent);
        return TcpSnapshot.of(info, LENGTH);
    }

    @Test
    void mark_confirmsWhatCameBeforeIt_inOrder_once() {
        add();
        add();
        long mark = open.mark();
        add();
        assertThat(mark).isEqualTo(2);
        confirmUpTo(0);
        assertThat(seen).isEmpty();
        confirmUpTo(1);
        assertThat(seen).containsExactly(1L);
        confirmUpTo(mark);
        confirmUpTo(mark);
        assertThat(seen).containsExactly(1L, 2L);
        assertThat(open.isEmpty()).isFalse();
        confirmUpTo(3);
        assertThat(seen).containsExactly(1L, 2L, 3L);
        assertThat(open.isEmpty()).isTrue();
        confirmUpTo(1000);
        add();
        assertThat(open.mark()).isEqualTo(4);
        confirmUpTo(3);
        assertThat(open.isEmpty()).isFalse();
    }

    @Test
    void end_givesEverythingThatIsOpen_inOrder() {
        add();
        add();
        add();
        confirmUpTo(1);
        open.end(delivery -> seen.add(-delivery.id()));
        assertThat(seen).containsExactly(1L, -2L, -3L);
        assertThat(open.isEmpty()).isTrue();
    }

    @Test
    void nothingWritten_nothingAcknowledged() {
        assertThat(open.acknowledged(tcp(1, 0, 0, 0), true)).isZero();
        add();
        assertThat(open.acknowledged(tcp(1, 0, 0, 0), true)).isZero();
        assertThat(open.acknowledged(tcp(1000, 1000, 0, 0), true)).isZero();
    }

    @Test
    void client_theSynCountsAsAcknowledged() {
        addWritten();
        assertThat(open.acknowledged(tcp(100, 100, 0, 0), true)).isZero(); // 99 of 100 bytes, and the SYN
        assertThat(open.acknowledged(tcp(101, 100, 0, 0), true)).isEqualTo(1);
    }

    @Test
    void server_noSynCounts() {
        addWritten();
        assertThat(open.acknowledged(tcp(99, 100, 0, 0), false)).isZero();
        assertThat(open.acknowledged(tcp(100, 100, 0, 0), false)).isEqualTo(1);
    }

    @Test
    void bytesTheKernelHasNotSentYet_countAsGiven() {
        addWritten();
        assertThat(open.acknowledged(tcp(60, 60, 0, 40), false)).isZero();
        assertThat(open.acknowledged(tcp(99, 100, 0, 0), false)).isZero();
        assertThat(open.acknowledged(tcp(100, 100, 0, 0), false)).isEqualTo(1);
    }

    @Test
    void retransmittedBytes_areSentTwiceAndAcknowledgedOnce() {
        addWritten();
        assertThat(open.acknowledged(tcp(50, 150, 50, 0), false)).isZero();
        assertThat(open.acknowledged(tcp(100, 250, 150, 0), false)).isEqualTo(1);
    }

    @Test
    void laterMessages_doNotMoveThePositionOfEarlierOnes() {
        addWritten();
        assertThat(open.acknowledged(tcp(0, 100, 0, 0), false)).isZero(); // the first ends at 100
        addWritten();
        assertThat(open.acknowledged(tcp(99, 300, 0, 0), false)).isZero();
        assertThat(open.acknowledged(tcp(100, 300, 0, 0), false)).isEqualTo(1);
        confirmUpTo(1);
        assertThat(open.acknowledged(tcp(299, 300, 0, 0), false)).isZero();
        assertThat(open.acknowledged(tcp(300, 300, 0, 0), false)).isEqualTo(2);
    }

    @Test
    void messageTheKernelHasNotTaken_isNotAcknowledged_norWhatFollowsIt() {
        addWritten();
        Delivery second = add();
        addWritten();
        assertThat(open.acknowledged(tcp(100, 100, 0, 0), false)).isEqualTo(1);
        confirmUpTo(1);
        assertThat(open.acknowledged(tcp(100, 100, 0, 0), false)).isLessThanOrEqualTo(1);
        second.onWritten();
        assertThat(open.acknowledged(tcp(150, 200, 0, 0), false)).isLessThanOrEqualTo(1);
        assertThat(open.acknowledged(tcp(200, 200, 0, 0), false)).isEqualTo(3);
    }

    @Test
    void messageThatWasRefused_doesNotHoldTheOthersUp() {
        add().onNotSent("by a handler");
        addWritten();
        assertThat(open.acknowledged(tcp(10, 10, 0, 0), false)).isEqualTo(2);
    }

    @Test
    void kernelWithoutTheFields_acknowledgesNothing() {
        addWritten();
        TcpSnapshot old = TcpSnapshot.of(ByteBuffer.allocate(104), 104);
        assertThat(open.acknowledged(old, false)).isZero();
        assertThat(open.acknowledged(old, false)).isZero();
    }
}
