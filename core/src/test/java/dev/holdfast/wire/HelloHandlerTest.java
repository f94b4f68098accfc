package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The exchange of HELLOs in frozen time, with a limit of 400 ms. What the handlers behind see is written down as text. */
class HelloHandlerTest {
    private static final int LIMIT = 400;
    private static final Hello OURS = Hello.builder()
            .minimumSendInterval(Duration.ofSeconds(2))
            .maxPayload(1024)
            .build();
    private static final String OUR_HELLO =
            "HELLO versions=1-1 capabilities=0x0 send=2000 receive=0 detection=0 max-payload=1024";

    private final HelloHandler handler = new HelloHandler(OURS, Duration.ofMillis(LIMIT));
    private final List<Object> seen = new ArrayList<>();
    private final List<Agreed> agreed = new ArrayList<>();
    private final EmbeddedChannel channel = new EmbeddedChannel() {
        @Override
        public boolean isActive() {
            return connected && super.isActive();
        }
    };
    private boolean connected;
    private int reads;

    private HelloHandlerTest addHandlers() {
        channel.freezeTime();
        channel.pipeline().addLast(new CountReads(), new FrameDecoder(OURS), handler, new Behind());
        return this;
    }

    private HelloHandlerTest connect() {
        addHandlers();
        activate();
        return this;
    }

    private void activate() {
        connected = true;
        channel.pipeline().fireChannelActive();
    }

    /** One read; every frame of it is released in the end. */
    private void read(byte[] bytes) {
        ByteBuf in = Unpooled.copiedBuffer(bytes);
        channel.pipeline().fireChannelRead(in).fireChannelReadComplete();
        channel.runPendingTasks();
        assertThat(in.refCnt()).isZero();
    }

    /** Lets time pass in one step, as when our own loop does nothing meanwhile. */
    private void pass(long millis) {
        channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        channel.runPendingTasks();
    }

    private List<String> sent() {
        List<String> sent = new ArrayList<>();
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            sent.add(FrameText.of(out));
            out.release();
        }
        return sent;
    }

    private static String close(CloseReason reason) {
        return "CLOSE code=" + reason.code() + " reconnect=0";
    }

    private boolean hasTimer() {
        return channel.runScheduledPendingTasks() != -1;
    }

    @AfterEach
    void end() {
        connected = true;
        channel.finishAndReleaseAll();
    }

    @Test
    void active_sendsItsHelloOnce() {
        addHandlers();
        assertThat(sent()).isEmpty();

        activate();

        assertThat(sent()).containsExactly(OUR_HELLO);
    }

    @Test
    void addedToAnActiveChannel_sendsItsHelloAtOnce() {
        connected = true;

        addHandlers();

        assertThat(sent()).containsExactly(OUR_HELLO);
    }

    @Test
    void behindTls_sendsItsHello_whenTheHandshakeIsComplete() throws Exception {
        List<Object> written = new ArrayList<>();
        SslHandler tls = SslContextBuilder.forClient().build().newHandler(channel.alloc());
        channel.freezeTime();
        channel.pipeline().addLast(tls, new ChannelOutboundHandlerAdapter() {
            @Override
            public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
                written.add(FrameText.of((ByteBuf) message));
                ReferenceCountUtil.release(message);
                promise.setSuccess();
            }
        });
        channel.pipeline().addLast(handler);
        activate();
        assertThat(written).isEmpty();

        channel.pipeline().context(tls).fireUserEventTriggered(SslHandshakeCompletionEvent.SUCCESS);

        assertThat(written).containsExactly(OUR_HELLO);
        channel.pipeline().remove(handler);
    }

    @Test
    void peersHello_endsHere_andIsToldAsAgreed() {
        connect();
        assertThat(handler.agreed()).isEmpty();

        read(Bytes.HELLO);

        Hello theirs = Hello.read(Unpooled.wrappedBuffer(Bytes.HELLO));
        assertThat(seen).containsExactly("agreed");
        assertThat(agreed).containsExactly(new Agreed(theirs, Agreement.between(OURS, theirs)));
        assertThat(handler.agreed()).contains(agreed.get(0));
        assertThat(sent()).containsExactly(OUR_HELLO);
    }

    @Test
    void otherFrames_passOn_behindTheEvent() {
        connect().read(Bytes.concat(Bytes.HELLO, Bytes.PING, Bytes.SHORT_DATA, Bytes.CLOSE));

        assertThat(seen).containsExactly("agreed", "PING 7 ttl=20000", "DATA 616263", "CLOSE code=1 reconnect=never");
        assertThat(channel.isOpen()).isTrue();
    }

    @Test
    void limit_below_isInTime() {
        connect();
        pass(LIMIT - 1);
        read(Bytes.HELLO);
        pass(10 * LIMIT);

        assertThat(seen).containsExactly("agreed");
        assertThat(hasTimer()).isFalse();
        assertThat(sent()).containsExactly(OUR_HELLO);
    }

    @Test
    void limit_reached_sendsCloseAndTells() {
        connect();
        pass(LIMIT - 1);
        assertThat(seen).isEmpty();

        pass(1);

        assertThat(seen)
                .containsExactly(
                        "HANDSHAKE_TIMEOUT HELLO of embedded: none after 400 ms (expected: within the handshake"
                                + " limit PT0.4S)");
        assertThat(sent()).containsExactly(OUR_HELLO, close(CloseReason.HANDSHAKE_TIMEOUT));
    }

    @Test
    void limit_above_isTooLate() {
        connect();
        pass(LIMIT);
        seen.clear();
        read(Bytes.concat(Bytes.HELLO, Bytes.PING));

        assertThat(seen).isEmpty();
    }

    @Test
    void limit_oversleptByOurselves_leavesTimeToRead() {
        connect();
        pass(LIMIT + 51);
        assertThat(seen).isEmpty();
        read(Bytes.HELLO); // it had lain in the kernel

        assertThat(seen).containsExactly("agreed");
    }

    @Test
    void limit_hardlyOverslept_isKept() {
        connect();
        pass(LIMIT + 50);

        assertThat(seen).hasSize(1);
    }

    @Test
    void limit_overslept_andStillNothing_isTold() {
        connect();
        pass(LIMIT + 5000);
        pass(HelloHandler.LOOK_AGAIN_MILLIS - 1);
        assertThat(seen).isEmpty();

        pass(1);

        assertThat(seen).singleElement().asString().contains("none after 5500 ms");
    }

    @Test
    void limit_whileAutoReadIsOff_asksAgain_once() {
        connect();
        channel.config().setAutoRead(false);
        reads = 0;
        pass(LIMIT);
        assertThat(reads).isEqualTo(1);
        assertThat(seen).isEmpty();

        pass(HelloHandler.LOOK_AGAIN_MILLIS);

        assertThat(seen).singleElement().asString().startsWith("HANDSHAKE_TIMEOUT");
    }

    @Test
    void noCommonVersion_isRefused() {
        byte[] newer = Bytes.HELLO.clone();
        newer[12] = 2;
        newer[13] = 3;
        connect().read(newer);

        assertThat(seen)
                .containsExactly("VERSION protocol versions: 2 to 3 of the peer (expected: one of ours, 1 to 1)");
        assertThat(sent()).containsExactly(OUR_HELLO, close(CloseReason.VERSION));
    }

    @Test
    void ruleBroken_beforeTheHello_isRefused() {
        connect().read(Bytes.PING);

        assertThat(seen).singleElement().asString().startsWith("PROTOCOL_ERROR first frame");
        assertThat(sent()).containsExactly(OUR_HELLO, close(CloseReason.PROTOCOL_ERROR));
    }

    @Test
    void ruleBroken_beforeOurHello_sendsItFirst() throws Exception {
        SslHandler tls = SslContextBuilder.forClient().build().newHandler(channel.alloc());
        addHandlers();
        channel.pipeline().addFirst(tls);
        activate();
        channel.pipeline().remove(tls); // its handshake has never been complete
        channel.releaseOutbound();
        channel.pipeline()
                .context(FrameDecoder.class)
                .fireExceptionCaught(new ProtocolException(CloseReason.PROTOCOL_ERROR, "as the test wishes"));

        assertThat(sent()).containsExactly(OUR_HELLO, close(CloseReason.PROTOCOL_ERROR));
    }

    @Test
    void ruleBroken_afterTheAgreement_isRefused_withTheDecodersReason() {
        connect().read(Bytes.concat(Bytes.HELLO, Bytes.header(1025, 4, 0)));

        assertThat(seen).hasSize(2).last().asString().startsWith("FRAME_TOO_LARGE ");
        assertThat(sent()).containsExactly(OUR_HELLO, close(CloseReason.FRAME_TOO_LARGE));
    }

    @Test
    void otherErrors_passOn_andRefuseNobody() {
        connect().channel.pipeline().fireExceptionCaught(new IllegalStateException("somebody else's"));

        assertThat(seen).singleElement().asString().contains("somebody else's");
        assertThat(sent()).containsExactly(OUR_HELLO);
        read(Bytes.HELLO);
        assertThat(agreed).hasSize(1);
    }

    @Test
    void secondError_isNeitherAnsweredNorTold() {
        connect();
        pass(LIMIT);
        read(Bytes.PING);

        assertThat(seen).singleElement().asString().startsWith("HANDSHAKE_TIMEOUT");
        assertThat(sent()).hasSize(2);
    }

    @Test
    void refused_closesAfterASecond_notBefore() {
        connect().read(Bytes.PING);
        pass(HelloHandler.LINGER_MILLIS - 1);
        assertThat(channel.isOpen()).isTrue();

        pass(1);

        assertThat(channel.isOpen()).isFalse();
        assertThat(hasTimer()).isFalse();
    }

    @Test
    void refused_closesAtThePeersClose() {
        connect();
        pass(LIMIT);
        seen.clear();
        read(Bytes.concat(Bytes.HELLO, Bytes.SHORT_DATA));
        assertThat(channel.isOpen()).isTrue();

        read(Bytes.CLOSE);

        assertThat(channel.isOpen()).isFalse();
        assertThat(seen).isEmpty();
        assertThat(sent()).hasSize(2);
    }

    @Test
    void refused_closesAtTheEndOfTheInput_whereHalfOfAConnectionMayStay() {
        connect();
        channel.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        assertThat(channel.isOpen()).isTrue();
        pass(LIMIT);

        channel.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);

        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void refused_withAutoReadOff_readsOn() {
        connect();
        channel.config().setAutoRead(false);
        read(Bytes.PING);
        reads = 0;

        channel.pipeline().fireChannelReadComplete();

        assertThat(reads).isEqualTo(1);
    }

    @Test
    void autoReadOff_asksForReads_untilTheHelloIsThere() {
        channel.config().setAutoRead(false);
        connect();
        assertThat(reads).as("when ours is sent").isEqualTo(1);

        channel.pipeline().fireChannelReadComplete();
        assertThat(reads).as("after a read of nothing").isEqualTo(2);
        read(Bytes.HELLO);
        channel.pipeline().fireChannelReadComplete();
        assertThat(reads).as("after the HELLO").isEqualTo(2);
    }

    @Test
    void autoReadOn_asksForNothing() {
        connect();
        reads = 0;

        pass(LIMIT);

        assertThat(reads).isZero();
    }

    @Test
    void removed_leavesNoTimer() {
        connect();
        assertThat(hasTimer()).isTrue();

        channel.pipeline().remove(handler);

        assertThat(hasTimer()).isFalse();
    }

    @Test
    void inactive_leavesNoTimer() {
        connect();
        channel.unsafe().close(channel.voidPromise()); // the channel's own close would cancel every timer
        channel.runPendingTasks();

        assertThat(channel.isOpen()).isFalse();
        assertThat(hasTimer()).isFalse();
        assertThat(seen).isEmpty();
    }

    @Test
    void movedToAnotherLoop_hasTheLimitAnew() {
        connect();
        pass(LIMIT - 1);
        channel.pipeline().fireChannelUnregistered();
        assertThat(hasTimer()).isFalse();
        channel.pipeline().fireChannelRegistered();
        pass(LIMIT - 1);
        assertThat(seen).isEmpty();

        pass(1);

        assertThat(seen).singleElement().asString().contains("none after 400 ms");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "PT-1S", "PT0.0005S", "PT2147483.648S"})
    void limit_outOfRange_isRefused(Duration limit) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HelloHandler(OURS, limit))
                .withMessage("handshake limit: " + limit + " (expected: whole milliseconds from 1 to 2147483647)");
    }

    private final class CountReads extends ChannelOutboundHandlerAdapter {
        @Override
        public void read(ChannelHandlerContext context) {
            reads++;
            context.read();
        }
    }

    private final class Behind extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            seen.add(FrameText.of((ByteBuf) message));
            ReferenceCountUtil.release(message);
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof Agreed both) {
                seen.add("agreed");
                agreed.add(both);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
            seen.add(
                    error instanceof ProtocolException broken
                            ? broken.reason() + " " + broken.getMessage()
                            : error.toString());
        }
    }
}
