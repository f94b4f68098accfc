package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.wire.Agreed;
import dev.holdfast.wire.Agreement;
import dev.holdfast.wire.Frames;
import dev.holdfast.wire.Hello;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Lines and frames in frozen time, towards a peer that accepts 1024 bytes. */
@SuppressWarnings("FutureReturnValueIgnored") // what was sent is looked at
class FramedLinesTest {
    private static final String CLOSE_NORMAL = "00000008060000000001000000000000";

    private final List<Object> told = new ArrayList<>();
    private final EmbeddedChannel channel = new EmbeddedChannel(new FramedLines(), new ChannelInboundHandlerAdapter() {
        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof Happening happening) {
                told.add(happening.name());
            }
        }
    });

    FramedLinesTest() {
        channel.freezeTime();
    }

    private void agree() {
        Hello hello = Hello.builder().maxPayload(Hello.MIN_MAX_PAYLOAD).build();
        channel.pipeline().fireUserEventTriggered(new Agreed(hello, Agreement.between(hello, hello)));
    }

    private static ByteBuf text(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
    }

    /** The messages that were sent, header and all for anything that is none. */
    private List<String> sent() {
        List<String> sent = new ArrayList<>();
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            sent.add(
                    out.getByte(4) == 4
                            ? Frames.payload(out).toString(StandardCharsets.UTF_8)
                            : ByteBufUtil.hexDump(out));
            out.release();
        }
        return sent;
    }

    /** The connection is gone, and no handler is asked. */
    private static void end(EmbeddedChannel channel) {
        channel.unsafe().close(channel.voidPromise());
        channel.runPendingTasks();
    }

    @AfterEach
    void end() {
        end(channel);
        channel.finishAndReleaseAll();
    }

    @Test
    void write_beforeTheAgreement_waitsForIt() {
        ChannelFuture written = channel.writeAndFlush(text("one\ntwo\n"));
        channel.writeAndFlush("three");
        assertThat(sent()).isEmpty();
        assertThat(written.isDone()).isFalse();

        agree();

        assertThat(sent()).containsExactly("one", "two", "three");
        assertThat(written.isSuccess()).isTrue();
    }

    @Test
    void write_makesAMessageOfEachLine_alsoOfAnEmptyOne() {
        agree();
        assertThat(channel.writeAndFlush(text("one\n\ntwo")).isSuccess()).isTrue();
        channel.writeAndFlush("");

        assertThat(sent()).containsExactly("one", "", "two", "");
    }

    @Test
    void write_ofNothing_isDoneAtOnce() {
        agree();

        assertThat(channel.writeAndFlush(Unpooled.EMPTY_BUFFER).isSuccess()).isTrue();
    }

    @Test
    void line_abovePeersLimit_goesInPieces() {
        agree();
        channel.writeAndFlush("a".repeat(1024));
        channel.writeAndFlush("b".repeat(2049));

        assertThat(sent()).containsExactly("a".repeat(1024), "b".repeat(1024), "b".repeat(1024), "b");
    }

    @Test
    void inactive_failsWhatWaits() {
        ChannelFuture written = channel.writeAndFlush(text("one\n"));
        end(channel);

        assertThat(written.isDone()).isTrue();
        assertThat(written.isSuccess()).isFalse();
    }

    @Test
    void close_saysSo_andWaitsForThePeer_aSecond() {
        agree();
        ChannelFuture closed = channel.pipeline().close(); // the channel's own would cancel the timers
        assertThat(sent()).containsExactly(CLOSE_NORMAL);
        assertThat(channel.writeAndFlush("more").isSuccess()).isFalse();
        channel.advanceTimeBy(999, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isOpen()).isTrue();

        channel.advanceTimeBy(1, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();

        assertThat(channel.isOpen()).isFalse();
        assertThat(closed.isSuccess()).isTrue();
        assertThat(sent()).isEmpty();
    }

    @Test
    void peersClose_isTold_answered_andTheEnd() {
        agree();
        channel.writeInbound(Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(CLOSE_NORMAL)));

        assertThat(told).containsExactly("close-received");
        assertThat(sent()).containsExactly(CLOSE_NORMAL);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void peersClose_afterOurs_isNotAnswered() {
        agree();
        channel.pipeline().close();
        channel.writeInbound(Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(CLOSE_NORMAL)));

        assertThat(sent()).hasSize(1);
        assertThat(channel.isOpen()).isFalse();
    }
}
