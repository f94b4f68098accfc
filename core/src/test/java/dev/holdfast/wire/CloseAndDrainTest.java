package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CloseAndDrainTest {
    @ParameterizedTest
    @CsvSource({
        "3, 1000, 00000008 06 00 0000 0003 0000 000003e8",
        "0, 0, 00000008 06 00 0000 0000 0000 00000000",
        "65535, 4294967294, 00000008 06 00 0000 ffff 0000 fffffffe",
    })
    void close_written_isReadAgain(int code, long reconnectMillis, String hex) {
        var close = new Close(code, Optional.of(Duration.ofMillis(reconnectMillis)));
        ByteBuf frame = close.write(Bytes.HEAP);

        assertThat(Close.read(frame)).isEqualTo(close);
        assertThat(frame.readerIndex()).isZero();
        assertThat(Bytes.hexOf(frame)).isEqualTo(hex.replace(" ", ""));
    }

    @Test
    void close_of_hasReasonAndTime() {
        assertThat(Close.of(CloseReason.OVERLOADED, Duration.ofSeconds(1)))
                .isEqualTo(new Close(7, Optional.of(Duration.ofSeconds(1))));
    }

    @Test
    void close_forGood_isAllOnes() {
        Close close = Close.forGood(CloseReason.VERSION);
        ByteBuf frame = close.write(Bytes.HEAP);

        assertThat(Close.read(frame)).isEqualTo(close);
        assertThat(close.reconnectAfter()).isEmpty();
        assertThat(Bytes.hexOf(frame)).isEqualTo("0000000806000000" + "00040000ffffffff");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 4294967295L, 4294967296L})
    void close_reconnectOutOfRange_isRefused(long millis) {
        Duration after = Duration.ofMillis(millis);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Close.of(CloseReason.NORMAL, after))
                .withMessage("reconnect after: " + after + " (expected: whole milliseconds from 0 to 4294967294)");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 65536, Integer.MAX_VALUE, Integer.MIN_VALUE})
    void code_outOfRange_isRefused(int code) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Close(code, Optional.empty()))
                .withMessage("code of CLOSE: " + code + " (expected: 0 to 65535)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Drain(code, Duration.ZERO))
                .withMessage("code of DRAIN: " + code + " (expected: 0 to 65535)");
    }

    @ParameterizedTest
    @CsvSource({
        "1, 30000, 00000008 05 00 0000 0001 0000 00007530",
        "0, 0, 00000008 05 00 0000 0000 0000 00000000",
        "65535, 4294967295, 00000008 05 00 0000 ffff 0000 ffffffff",
    })
    void drain_written_isReadAgain(int code, long spanMillis, String hex) {
        var drain = new Drain(code, Duration.ofMillis(spanMillis));
        ByteBuf frame = drain.write(Bytes.HEAP);

        assertThat(Drain.read(frame)).isEqualTo(drain);
        assertThat(frame.readerIndex()).isZero();
        assertThat(Bytes.hexOf(frame)).isEqualTo(hex.replace(" ", ""));
    }

    @Test
    void drain_spanOutOfRange_isRefused() {
        for (Duration span : new Duration[] {
            Duration.ofMillis(-1),
            Duration.ofMillis(4_294_967_296L),
            Duration.ofNanos(1),
            Duration.ofNanos(1_500_000),
            Duration.ofSeconds(Long.MAX_VALUE),
            Duration.ofSeconds(Long.MIN_VALUE)
        }) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Drain.of(DrainReason.SHUTDOWN, span))
                    .withMessage("span: " + span + " (expected: whole milliseconds from 0 to 4294967295)");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "NORMAL,1",
        "GOING_AWAY,2",
        "PROTOCOL_ERROR,3",
        "VERSION,4",
        "FRAME_TOO_LARGE,5",
        "TOO_MANY_PINGS,6",
        "OVERLOADED,7",
        "HANDSHAKE_TIMEOUT,8",
        "REFUSED,9",
        "BEAT_INTERVAL,10",
        "INTERNAL_ERROR,11"
    })
    void closeReason_known_hasItsNumber(CloseReason reason, int code) {
        assertThat(reason.code()).isEqualTo(code);
        assertThat(CloseReason.of(code)).isEqualTo(reason);
        assertThat(Close.forGood(reason).reason()).isEqualTo(reason);
    }

    @ParameterizedTest
    @CsvSource({"SHUTDOWN,1", "RESTART,2", "REBALANCE,3", "MAX_AGE,4", "OVERLOADED,5"})
    void drainReason_known_hasItsNumber(DrainReason reason, int code) {
        assertThat(reason.code()).isEqualTo(code);
        assertThat(DrainReason.of(code)).isEqualTo(reason);
        assertThat(Drain.of(reason, Duration.ZERO).reason()).isEqualTo(reason);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 12, 0x7FFF, 0x8000, 0xFFFF})
    void code_unknown_isKept(int code) {
        ByteBuf close = new Close(code, Optional.empty()).write(Bytes.HEAP);
        ByteBuf drain = new Drain(code, Duration.ZERO).write(Bytes.HEAP);

        assertThat(Close.read(close).code()).isEqualTo(code);
        assertThat(Close.read(close).reason()).isEqualTo(CloseReason.UNKNOWN);
        assertThat(Drain.read(drain).code()).isEqualTo(code);
        assertThat(Drain.read(drain).reason()).isEqualTo(DrainReason.UNKNOWN);
        close.release();
        drain.release();
    }

    @Test
    void unknown_cannotBeSent() {
        assertThatIllegalArgumentException().isThrownBy(() -> Close.forGood(CloseReason.UNKNOWN));
        assertThatIllegalArgumentException().isThrownBy(() -> Drain.of(DrainReason.UNKNOWN, Duration.ZERO));
    }

    @Test
    void read_otherFrame_isRefused() {
        ByteBuf pong = Frames.pong(Bytes.HEAP, 1);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Close.read(pong))
                .withMessage("frame type: PONG (expected: CLOSE)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Drain.read(pong))
                .withMessage("frame type: PONG (expected: DRAIN)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Hello.read(pong))
                .withMessage("frame type: PONG (expected: HELLO)");
        pong.release();
    }
}
