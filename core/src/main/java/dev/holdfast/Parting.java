package dev.holdfast;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How a connection ends in the regular way: what was sent is confirmed, the last word said, the output shut down, the input read to
 * the peer's FIN, and only then the socket closed, for a kernel that closes a socket with unread input sends a reset, which may
 * destroy what is on its way. All of it has one limit. Confined to the event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a close tells of its end by channelInactive
final class Parting {
    /** What is kept of a drain's span for the goodbye, at most: time for a lost segment to be repeated. */
    private static final long GOODBYE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Link link;
    private @Nullable Future<?> timer;
    private long limitNanos;
    private @Nullable ChannelFuture lastWord;

    Parting(Link link) {
        this.link = link;
    }

    /** Whether a drain within this time would end sooner than the one under way. */
    boolean isSooner(ChannelHandlerContext mine, long spanNanos) {
        return Link.now(mine) + spanNanos - limitNanos < 0;
    }

    /** Waits until everything sent has found its fate, and keeps time for the goodbye. */
    void drain(ChannelHandlerContext mine, long spanNanos) {
        limitNanos = Link.now(mine) + spanNanos;
        long forGoodbye = Math.min(spanNanos / 4, GOODBYE_NANOS);
        schedule(mine, spanNanos - forGoodbye, () -> link.onDrained(mine));
    }

    /** Says the last word, within what is left of the drain. */
    void sayGoodbye(ChannelHandlerContext mine, CloseReason reason) {
        sayGoodbye(mine, reason, Math.max(0, limitNanos - Link.now(mine)));
    }

    void sayGoodbye(ChannelHandlerContext mine, CloseReason reason, long spanNanos) {
        if (mine.pipeline().get(HeartbeatHandler.class) != null) {
            mine.pipeline().remove(HeartbeatHandler.class); // no beat may follow the last word
        }
        shorten(mine, spanNanos);
        ChannelFuture word = link.writeLastWord(mine, Close.of(reason, Duration.ZERO));
        lastWord = word;
        word.addListener(done -> shutDownOutput(mine.channel()));
    }

    /** The goodbye is to be over in so much time. */
    void shorten(ChannelHandlerContext mine, long spanNanos) {
        limitNanos = Link.now(mine) + spanNanos;
        schedule(mine, spanNanos, link::closeHard);
    }

    /** The peer has nothing more to say; when our last word is out, all is done. */
    void onFin() {
        ChannelFuture word = lastWord;
        if (word != null) {
            word.addListener(done -> link.closeHard());
        }
    }

    private static void shutDownOutput(Channel channel) {
        SslHandler tls = channel.pipeline().get(SslHandler.class);
        if (tls == null) {
            shutDownSocket(channel);
        } else {
            tls.closeOutbound().addListener(done -> shutDownSocket(channel));
        }
    }

    private static void shutDownSocket(Channel channel) {
        if (channel instanceof DuplexChannel duplex && channel.isActive()) {
            duplex.shutdownOutput();
        }
    }

    private void schedule(ChannelHandlerContext mine, long nanos, Runnable then) {
        stopTimer();
        timer = mine.executor().schedule(then, nanos, TimeUnit.NANOSECONDS);
    }

    void stopTimer() {
        Future<?> running = timer;
        if (running != null) {
            timer = null;
            running.cancel(false);
        }
    }
}
