package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.Backlog;
import dev.holdfast.verdict.Evidence;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.verdict.PostMortem;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * Follows one connection to its end, and says once how it ended: closed, or dead with the cause and the kernel's evidence.
 * Confined to the event loop.
 *
 * <p>Behind a heartbeat, the deaths of which come in by {@link #heard}, only that judges. Otherwise this handler does, and
 * switches Netty's automatic close after a failed write off: it would close the socket before the kernel could be asked why
 * the write failed.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a close needs no waiting: channelInactive follows
final class PeerHandler extends ChannelInboundHandlerAdapter {
    /** What becomes of a connection. Called on the event loop; {@code closed} or {@code dead} is the last call, and comes once. */
    interface Listener {
        /** The connection is there, its options are set and reported. */
        void up(PeerHandler handler, Channel channel);

        /** A line has come in. */
        void received(PeerHandler handler, Channel channel, String line);

        /** The peer, or we ourselves, closed the connection in the regular way. */
        void closed(boolean byPeer);

        /** The connection died. */
        void dead(PeerDeath death);

        /** Anything else that the heartbeat or the peer's protocol tells. */
        default void happened(Happening happening) {}
    }

    private final String peer;
    private final Listener listener;
    private final boolean judges;
    private final Ticker ticker = Ticker.systemTicker();
    private long lastReadNanos;
    private boolean closing;
    private boolean ended;

    /**
     * A handler for one connection.
     *
     * @param judges whether it names the causes itself; otherwise a heartbeat before it in the pipeline does
     */
    PeerHandler(String peer, Listener listener, boolean judges) {
        this.peer = peer;
        this.listener = listener;
        this.judges = judges;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        if (judges) {
            context.channel().config().setAutoClose(false);
        }
        lastReadNanos = ticker.nanoTime();
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        lastReadNanos = ticker.nanoTime();
        listener.up(this, context.channel());
        context.fireChannelActive();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        lastReadNanos = ticker.nanoTime();
        listener.received(this, context.channel(), (String) message);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof Happening happening && !ended) {
            listener.happened(happening);
        }
        context.fireUserEventTriggered(event);
    }

    /** Writes through the whole pipeline; a failure is judged here. From any thread. */
    ChannelFuture write(Channel channel, Object message) {
        return channel.writeAndFlush(message).addListener((ChannelFutureListener) done -> {
            if (!done.isSuccess() && (judges || !(done.cause() instanceof IOException))) {
                died(channel, done.cause());
            }
        });
    }

    /** What the heartbeat tells. On the event loop. */
    void heard(HeartbeatEvent event) {
        if (closing || ended) {
            return;
        }
        if (event instanceof HeartbeatEvent.PeerDead dead) {
            end(() -> listener.dead(dead.death().withPeer(peer)));
        } else {
            listener.happened(Happening.of(event));
        }
    }

    /** Closes from our side. From any thread. */
    void close(Channel channel) {
        channel.eventLoop().execute(() -> {
            closing = true;
            channel.close();
        });
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
        died(context.channel(), error);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        end(() -> listener.closed(!closing));
        context.fireChannelInactive();
    }

    private void died(Channel channel, Throwable error) {
        if (closing || ended) {
            return; // what our own close cuts off is no death of the peer, and a peer dies once
        }
        Optional<TcpSnapshot> evidence = Transport.of(channel).snapshot(channel);
        Duration silence = Duration.ofNanos(ticker.nanoTime() - lastReadNanos);
        PeerDeath death = new PeerDeath(
                peer,
                PostMortem.established(error, evidence),
                silence,
                "the kernel ended the connection",
                Evidence.of(evidence, !channel.config().isAutoRead(), Backlog.NONE),
                Optional.of(root(error)));
        end(() -> listener.dead(death));
        channel.close();
    }

    /** The transport's own error, below Netty's wrapping. */
    private static Throwable root(Throwable error) {
        Throwable cause = error.getCause();
        return cause == null ? error : root(cause);
    }

    private void end(Runnable report) {
        if (!ended) {
            ended = true;
            report.run();
        }
    }
}
