package dev.holdfast;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslHandler;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How a connection ends in the regular way: what was sent is confirmed, the last word said, the output shut down, the input read to
 * the peer's FIN, and only then the socket closed, for a kernel that closes a socket with unread input sends a reset, which may
 * destroy what is on its way. All of it has one limit. Confined to the event loop.
 */
final class Parting {
    /** What is kept of a drain's span for the goodbye, at most: time for a lost segment to be repeated. */
    private static final long GOODBYE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Link link;
    private final LoopTimer timer = new LoopTimer();
    private long limitNanos;
    private @Nullable ChannelFuture lastWord;

    Parting(Link link) {
        this.link = link;
    }

    /**
     * Ends it from our side, while it is open: waits until everything sent has found its fate, and keeps time for the goodbye. Where an
     * end is under way, it is to be over sooner, if that is what the span says.
     */
    void drain(ChannelHandlerContext mine, long spanNanos, Ending how, String why) {
        LinkPhase phase = link.phase();
        if (phase != LinkPhase.UP && spanNanos >= leftNanos(mine)) {
            return;
        }
        if (phase == LinkPhase.PARTING) {
            limit(mine, spanNanos);
            return;
        }
        if (phase == LinkPhase.UP) {
            link.enter(LinkPhase.DRAINING);
            link.endWith(how);
            link.owner.onEvent(new ConnectionEvent.Draining(
                    link.owner.moment(link), link.connection, why, Duration.ofNanos(spanNanos)));
        }
        limitNanos = Link.now(mine) + spanNanos;
        long forGoodbye = Math.min(spanNanos / 4, GOODBYE_NANOS);
        timer.schedule(mine.executor(), spanNanos - forGoodbye, () -> onDrained(mine));
        link.adjustReading();
        link.sending.hurry(mine);
        if (link.sending.isIdle()) {
            onDrained(mine);
        }
    }

    /** Everything sent has found its fate. */
    void onSendingIdle() {
        if (link.phase() == LinkPhase.DRAINING) {
            // Not from within a write's promise.
            link.execute(() -> {
                ChannelHandlerContext mine = link.context();
                if (mine != null && link.sending.isIdle()) {
                    onDrained(mine);
                }
            });
        }
    }

    /** Everything sent has found its fate, or the time for that is over. */
    private void onDrained(ChannelHandlerContext mine) {
        if (link.phase() == LinkPhase.DRAINING) {
            part(mine, CloseReason.GOING_AWAY, leftNanos(mine));
        }
    }

    /** The peer ends it: nothing is waited for but that what was written leaves, within what is left of a drain. */
    void onPeerEnds(ChannelHandlerContext mine) {
        LinkPhase phase = link.phase();
        if (phase != LinkPhase.PARTING && phase != LinkPhase.ENDED) {
            if (phase.isOpen()) {
                link.owner.onPeerEnds(link);
            }
            link.shaking.stopTimer();
            boolean drains = phase == LinkPhase.DRAINING;
            part(mine, CloseReason.NORMAL, drains ? leftNanos(mine) : link.settings.closeLimit.toNanos());
        }
    }

    private void part(ChannelHandlerContext mine, CloseReason reason, long spanNanos) {
        if (link.phase() == LinkPhase.DRAINING) {
            link.owner.onEvent(
                    new ConnectionEvent.Drained(link.owner.moment(link), link.connection, link.sending.isIdle()));
        }
        link.enter(LinkPhase.PARTING);
        if (mine.pipeline().get(HeartbeatHandler.class) != null) {
            mine.pipeline().remove(HeartbeatHandler.class); // no beat may follow the last word
        }
        limit(mine, spanNanos);
        ChannelFuture word = link.writeLastWord(mine, Close.of(reason, Duration.ZERO));
        lastWord = word;
        word.addListener(done -> shutDownOutput(mine.channel()));
        link.adjustReading();
    }

    /** The goodbye is to be over in so much time. */
    private void limit(ChannelHandlerContext mine, long spanNanos) {
        limitNanos = Link.now(mine) + spanNanos;
        timer.schedule(mine.executor(), spanNanos, link::closeHard);
    }

    private long leftNanos(ChannelHandlerContext mine) {
        return Math.max(0, limitNanos - Link.now(mine));
    }

    /** The peer has nothing more to say; when our last word is out, all is done. */
    void onFin() {
        ChannelFuture word = lastWord;
        if (word != null) {
            word.addListener(done -> link.closeHard());
        }
    }

    /** The connection is gone. */
    void end() {
        timer.stop();
    }

    private static void shutDownOutput(Channel channel) {
        SslHandler tls = channel.pipeline().get(SslHandler.class);
        if (tls == null) {
            shutDownSocket(channel);
        } else {
            tls.closeOutbound().addListener(done -> shutDownSocket(channel));
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // if it fails, the limit ends the connection
    private static void shutDownSocket(Channel channel) {
        if (channel instanceof DuplexChannel duplex && channel.isActive()) {
            duplex.shutdownOutput();
        }
    }
}
