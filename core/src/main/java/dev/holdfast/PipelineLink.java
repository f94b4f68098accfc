package dev.holdfast;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerAdapter;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A connection with the pipeline of somebody's own protocol: a message is whatever comes out of it. */
final class PipelineLink extends Link {
    /** Fired by the proxy handlers of netty-handler-proxy, which is no dependency of ours. */
    private static final String PROXY_CONNECTED = "io.netty.handler.proxy.ProxyConnectionEvent";

    /** Stands where the encoders end, so that what is written there is behind all they have written and no message of theirs. */
    @ChannelHandler.Sharable
    private static final class Foot extends ChannelHandlerAdapter {}

    private static final ChannelHandler FOOT = new Foot();

    private boolean behindProxy;

    PipelineLink(PeerSettings settings, LinkOwner owner, long epoch, Outbound outbound, CallbackQueue callbacks) {
        super(settings, owner, epoch, outbound, callbacks);
    }

    @Override
    void addCodec(ChannelPipeline pipeline, HeartbeatHandler beats) {
        behindProxy = owner.isBehindProxy();
        pipeline.addLast(FOOT);
        Objects.requireNonNull(settings.pipeline).accept(pipeline);
        pipeline.addLast(beats);
    }

    @Override
    void onMessagesFlow(ChannelHandlerContext mine) {}

    @Override
    @Nullable String refusal(int bytes) {
        return null; // the encoders know
    }

    @Override
    boolean answersProofs() {
        return false;
    }

    @Override
    public void channelRead(ChannelHandlerContext mine, Object message) {
        if (!phase().maySpeak() && settings.isBeat(message)) {
            ReferenceCountUtil.release(message); // the heartbeat has left the pipeline, for we have said our last word
        } else {
            onMessageRead(mine, message);
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext mine) {
        super.channelActive(mine);
        readyUnlessAwaited(mine);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext mine, Object event) {
        if (event.getClass().getName().equals(PROXY_CONNECTED)) {
            behindProxy = false;
            readyUnlessAwaited(mine);
        } else if (event instanceof SslHandshakeCompletionEvent handshake && handshake.isSuccess()) {
            readyUnlessAwaited(mine);
        }
        super.userEventTriggered(mine, event);
    }

    private void readyUnlessAwaited(ChannelHandlerContext mine) {
        SslHandler tls = mine.pipeline().get(SslHandler.class);
        boolean through = tls == null ? !behindProxy : tls.handshakeFuture().isSuccess();
        if (through) {
            onReady(mine);
        }
    }

    @Override
    ChannelFuture writeMessage(ChannelHandlerContext mine, Object message) {
        return mine.write(message);
    }

    @Override
    void writeProof(ChannelHandlerContext mine, long mark) {
        throw new IllegalStateException("a proof in a protocol without");
    }

    @Override
    ChannelFuture writeLastWord(ChannelHandlerContext mine, Close close) {
        mine.flush();
        return mine.pipeline().context(FOOT).writeAndFlush(Unpooled.EMPTY_BUFFER);
    }

    @Override
    boolean askToMove(Duration span) {
        return false;
    }

    @Override
    void turnAway(ChannelHandlerContext mine, CloseReason reason, String why) {
        closeHard();
    }
}
