package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatProtocol.Kind;
import dev.holdfast.wire.Frames;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which frames are beats. */
class FramedBeatsTest {
    private static final ByteBufAllocator HEAP = UnpooledByteBufAllocator.DEFAULT;
    private static final FramedBeats CONFIRMING = new FramedBeats(Duration.ZERO, true);

    private static Kind kind(FramedBeats beats, ByteBuf frame) {
        try {
            return beats.classify(frame);
        } finally {
            frame.release();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 0xFFFF_FFFFL, 0x4000_0000_0000_0000L, Long.MAX_VALUE})
    void ordinarySequence_isABeat_alsoWhereConfirmationsAreAgreed(long sequence) {
        for (FramedBeats beats : new FramedBeats[] {FramedBeats.INSTANCE, CONFIRMING}) {
            assertThat(kind(beats, Frames.ping(HEAP, sequence, 7))).isEqualTo(Kind.PING);
            assertThat(kind(beats, Frames.pong(HEAP, sequence))).isEqualTo(Kind.PONG);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MIN_VALUE, Long.MIN_VALUE + 1, -1})
    void confirmation_isABeat_unlessAgreed(long sequence) {
        assertThat(kind(FramedBeats.INSTANCE, Frames.ping(HEAP, sequence, 0))).isEqualTo(Kind.PING);
        assertThat(kind(FramedBeats.INSTANCE, Frames.pong(HEAP, sequence))).isEqualTo(Kind.PONG);
        assertThat(kind(CONFIRMING, Frames.ping(HEAP, sequence, 0))).isEqualTo(Kind.OTHER);
        assertThat(kind(CONFIRMING, Frames.pong(HEAP, sequence))).isEqualTo(Kind.OTHER);
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 12})
    void dataOfTheSameLength_isNone(int length) {
        for (FramedBeats beats : new FramedBeats[] {FramedBeats.INSTANCE, CONFIRMING}) {
            ByteBuf data = Frames.data(HEAP, Unpooled.buffer().writeZero(length));
            assertThat(kind(beats, data)).isEqualTo(Kind.OTHER);
        }
    }

    @Test
    void beatsOfOurs_areNoConfirmations_howeverManyThereWere() {
        ByteBuf newest = (ByteBuf) CONFIRMING.ping(Integer.toUnsignedLong(-1), HEAP);
        assertThat(kind(CONFIRMING, newest)).isEqualTo(Kind.PING);
    }
}
