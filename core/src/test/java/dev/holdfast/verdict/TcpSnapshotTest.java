package dev.holdfast.verdict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.holdfast.verdict.TcpSnapshot.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class TcpSnapshotTest {
    /** Linux 6.18's length; the last field ends there. */
    private static final int WHOLE = 280;

    static ByteBuffer info() {
        ByteBuffer info = ByteBuffer.allocate(512).order(ByteOrder.nativeOrder());
        for (int i = 0; i < info.capacity(); i++) {
            info.put(i, (byte) 0xee);
        }
        return info;
    }

    @Test
    void get_readsEachWidthUnsigned() {
        ByteBuffer info = info().put(2, (byte) 200)
                .putInt(24, 0xfffffff0)
                .putLong(120, 1L << 40)
                .putShort(240, (short) 0xfffe);
        TcpSnapshot snapshot = TcpSnapshot.of(info, WHOLE);
        assertThat(snapshot.get(Field.RETRANSMITS)).hasValue(200);
        assertThat(snapshot.get(Field.UNACKED)).hasValue(0xfffffff0L);
        assertThat(snapshot.get(Field.BYTES_ACKED)).hasValue(1L << 40);
        assertThat(snapshot.get(Field.TOTAL_RTO)).hasValue(0xfffe);
    }

    @Test
    void get_readsBitFields() {
        TcpSnapshot snapshot = TcpSnapshot.of(info().put(6, (byte) 0xa7).put(7, (byte) 0b101), WHOLE);
        assertThat(snapshot.get(Field.SND_WSCALE)).hasValue(7);
        assertThat(snapshot.get(Field.RCV_WSCALE)).hasValue(10);
        assertThat(snapshot.get(Field.DELIVERY_RATE_APP_LIMITED)).hasValue(1);
        assertThat(snapshot.get(Field.FASTOPEN_CLIENT_FAIL)).hasValue(2);
    }

    @Test
    void get_ofAFieldBeyondTheKernelsLength_isAbsent_notZero() {
        // SND_WND is at 228 to 231
        assertThat(TcpSnapshot.of(info(), 231).get(Field.SND_WND)).isEmpty();
        assertThat(TcpSnapshot.of(info(), 231).get(Field.SND_WND, -1)).isEqualTo(-1);
        assertThat(TcpSnapshot.of(info(), 232).get(Field.SND_WND)).isPresent();
        assertThat(TcpSnapshot.of(info(), 0).values()).isEmpty();
    }

    @Test
    void values_ofAWholeInfo_holdsEveryField() {
        assertThat(TcpSnapshot.of(info(), WHOLE).values()).containsOnlyKeys(Field.values());
        assertThat(TcpSnapshot.of(info(), WHOLE - 1).values()).doesNotContainKey(Field.ACCECN_OPT_SEEN);
    }

    @Test
    void fields_liveWithoutGapAndOverlap() {
        // The kernel's struct has no holes: each field begins where the one before it ends, bit fields share a byte.
        int end = 0;
        ByteBuffer zeros = ByteBuffer.allocate(512);
        for (Field field : Field.values()) {
            int first = 0;
            while (TcpSnapshot.of(zeros, first).get(field).isEmpty()) {
                first++;
            }
            assertThat(first).as(field.name()).isBetween(end, end + 8);
            end = first;
        }
        assertThat(end).isEqualTo(WHOLE);
    }

    @Test
    void of_copies_andLeavesTheBufferAlone() {
        ByteBuffer info = info();
        TcpSnapshot snapshot = TcpSnapshot.of(info, WHOLE);
        info.put(2, (byte) 9);
        assertThat(info.position()).isZero();
        assertThat(snapshot.get(Field.RETRANSMITS)).hasValue(0xee);
        assertThat(snapshot).isEqualTo(TcpSnapshot.of(info(), WHOLE)).isNotEqualTo(TcpSnapshot.of(info, WHOLE));
    }

    @Test
    void of_aLengthTheBufferDoesNotHold_isRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TcpSnapshot.of(ByteBuffer.allocate(8), 9))
                .withMessage("tcp_info length: 9 (expected: 0 to the buffer's 8 bytes)");
    }

    @Test
    void toString_showsTheTellingFields() {
        assertThat(TcpSnapshot.of(ByteBuffer.allocate(512), 60))
                .hasToString(
                        "state=0 unacked=0 retransmits=0 probes=0 backoff=0 last_data_recv=0 last_ack_recv=0 rto=0");
    }
}
