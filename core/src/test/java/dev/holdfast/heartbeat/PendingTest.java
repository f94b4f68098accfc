package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import org.junit.jupiter.api.Test;

/** What hangs beside the handler. */
class PendingTest {
    @Test
    void answerKept_isReplacedByTheNewest_andTheOlderReleased() {
        EmbeddedChannel channel = new EmbeddedChannel();
        assertThat(Pending.find(channel)).isNull();
        ByteBuf older = Unpooled.buffer();
        ByteBuf newer = Unpooled.buffer();
        Pending.of(channel).keepAnswer(older);
        Pending.of(channel).keepAnswer(newer);
        assertThat(older.refCnt()).isZero();
        assertThat(Pending.of(channel).takeAnswer()).isSameAs(newer);
        assertThat(Pending.of(channel).takeAnswer()).isNull();
        newer.release();
        channel.finishAndReleaseAll();
    }
}
