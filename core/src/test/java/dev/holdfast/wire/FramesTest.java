package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledHeapByteBuf;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FramesTest {
    @ParameterizedTest
    @CsvSource({
        "7, 20000, 0000000c 02 00 0000 0000000000000007 00004e20",
        "0, 0, 0000000c 02 00 0000 0000000000000000 00000000",
        "-1, 4294967295, 0000000c 02 00 0000 ffffffffffffffff ffffffff",
        "72623859790382856, 1, 0000000c 02 00 0000 0102030405060708 00000001"
    })
    void ping_written_isReadAgain(long sequence, long timeToLive, String hex) {
        ByteBuf ping = Frames.ping(Bytes.HEAP, sequence, timeToLive);

        assertThat(Frames.type(ping)).isEqualTo(FrameType.PING);
        assertThat(Frames.sequence(ping)).isEqualTo(sequence);
        assertThat(Frames.timeToLiveMillis(ping)).isEqualTo(timeToLive);
        assertThat(Bytes.hexOf(ping)).isEqualTo(hex.replace(" ", ""));
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 4294967296L, Long.MIN_VALUE, Long.MAX_VALUE})
    void ping_timeToLiveOutOfRange_isRefused(long timeToLive) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Frames.ping(Bytes.HEAP, 1, timeToLive))
                .withMessage("time to live: " + timeToLive + " ms (expected: 0 to 4294967295)");
    }

    @Test
    void pong_written_isReadAgain() {
        ByteBuf pong = Frames.pong(Bytes.HEAP, 0x8000_0000_0000_0001L);

        assertThat(Frames.type(pong)).isEqualTo(FrameType.PONG);
        assertThat(Frames.sequence(pong)).isEqualTo(0x8000_0000_0000_0001L);
        assertThat(Bytes.hexOf(pong)).isEqualTo("0000000803000000" + "8000000000000001");
    }

    @ParameterizedTest
    @CsvSource({"0,false", "-1,true", "9223372036854775807,false", "-9223372036854775808,true", "4294967295,false"})
    void confirmation_isToldByTheHighestBit(long sequence, boolean isOne) {
        ByteBuf ping = Bytes.HEAP.buffer().writeZero(3).writeBytes(Frames.ping(Bytes.HEAP, sequence, 5));

        assertThat(Frames.isConfirmation(ping.skipBytes(3))).isEqualTo(isOne);
        assertThat(Frames.isConfirmation(Frames.pong(Bytes.HEAP, sequence))).isEqualTo(isOne);
        assertThat(Frames.isConfirmation(Frames.pong(Bytes.HEAP, sequence | Frames.CONFIRMATION_BIT)))
                .isTrue();
    }

    @Test
    void data_written_holdsTheMessage() {
        ByteBuf message =
                Unpooled.copiedBuffer("xhello", StandardCharsets.UTF_8).skipBytes(1);

        ByteBuf data = Frames.data(Bytes.HEAP, message);

        assertThat(message.refCnt()).isZero();
        assertThat(Frames.type(data)).isEqualTo(FrameType.DATA);
        ByteBuf payload = Frames.payload(data);
        assertThat(payload).isSameAs(data);
        assertThat(payload.toString(StandardCharsets.UTF_8)).isEqualTo("hello");
        payload.resetReaderIndex();
        assertThat(Bytes.hexOf(payload)).isEqualTo("0000000504000000" + "68656c6c6f");
    }

    @Test
    void data_empty_isAFrame() {
        assertThat(Bytes.hexOf(Frames.data(Bytes.HEAP, Bytes.HEAP.buffer()))).isEqualTo("0000000004000000");
    }

    @Test
    void dataHeader_rangeEnds_areWritten() {
        assertThat(Bytes.hexOf(Frames.dataHeader(Bytes.HEAP, 0))).isEqualTo("0000000004000000");
        assertThat(Bytes.hexOf(Frames.dataHeader(Bytes.HEAP, 1 << 30))).isEqualTo("4000000004000000");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, (1 << 30) + 1, Integer.MAX_VALUE, Integer.MIN_VALUE})
    void dataHeader_outOfRange_isRefused(int length) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Frames.dataHeader(Bytes.HEAP, length))
                .withMessage("message: " + length + " bytes (expected: at most 1073741824)");
    }

    @Test
    void data_refused_releasesTheMessage() {
        ByteBuf huge = new HugeMessage();

        assertThatIllegalArgumentException().isThrownBy(() -> Frames.data(Bytes.HEAP, huge));
        assertThat(huge.refCnt()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"HELLO,1", "PING,2", "PONG,3", "DATA,4", "DRAIN,5", "CLOSE,6"})
    void type_known_isFoundByItsCode(FrameType type, int code) {
        ByteBuf frame = Unpooled.wrappedBuffer(Bytes.header(0, code, 0));

        assertThat(type.code()).isEqualTo(code);
        assertThat(Frames.type(frame)).isEqualTo(type);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 7, 127, 128, 255})
    void type_unknown_isRefused(int code) {
        ByteBuf frame = Unpooled.wrappedBuffer(Bytes.header(0, code, 0));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Frames.type(frame))
                .withMessage("frame type: " + code + " (expected: 1 to 6)");
    }

    @Test
    void reading_insideALargerBuffer_countsFromTheReaderIndex() {
        ByteBuf frame = Bytes.buffer("ffffff 0000000c 02 00 0000 0000000000000007 00004e20")
                .skipBytes(3);

        assertThat(Frames.type(frame)).isEqualTo(FrameType.PING);
        assertThat(Frames.sequence(frame)).isEqualTo(7);
        assertThat(Frames.timeToLiveMillis(frame)).isEqualTo(20_000);
        assertThat(frame.readerIndex()).isEqualTo(3);
    }

    /** A message that says it is longer than any frame, without the memory for it. */
    private static final class HugeMessage extends UnpooledHeapByteBuf {
        HugeMessage() {
            super(Bytes.HEAP, 1, 1);
        }

        @Override
        public int readableBytes() {
            return Integer.MAX_VALUE;
        }
    }
}
