package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.wire.Agreed;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.Drain;
import dev.holdfast.wire.Frames;
import dev.holdfast.wire.ProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.PendingWriteQueue;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.PromiseNotifier;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Lines as messages of the framed protocol: each outgoing line becomes a DATA frame, each incoming DATA frame a line, and
 * a CLOSE or DRAIN of the peer's a {@link Happening}. Behind the handlers that exchange HELLOs and beats; confined to the
 * event loop.
 *
 * <p>What is written before the HELLOs are exchanged waits for them. A line above the peer's maximum payload goes in
 * pieces. A close of ours begins with CLOSE, and ends with the peer's or the end of its stream, after {@value
 * #LINGER_MILLIS} ms at the latest; a CLOSE of the peer's is answered.
 */
@SuppressWarnings("FutureReturnValueIgnored") // channelInactive follows; a failed write of ours only hastens it
final class FramedLines extends ChannelDuplexHandler {
    private static final int LINGER_MILLIS = 1000;

    private enum State {
        /** The HELLOs are not exchanged yet: lines wait. */
        AWAITING_AGREEMENT,
        /** Lines flow. */
        OPEN,
        /** Our CLOSE was sent, by this handler or by the one that refused the peer. Terminal. */
        CLOSED
    }

    private State state = State.AWAITING_AGREEMENT;
    private int maxPayload;
    private @Nullable PendingWriteQueue waiting;
    private @Nullable Future<?> limit;
    /** The write of our CLOSE; null where another handler wrote it. */
    private @Nullable ChannelFuture goodbye;

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        waiting = new PendingWriteQueue(context);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        end();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        end();
        context.fireChannelInactive();
    }

    private void end() {
        PendingWriteQueue unsent = waiting;
        if (unsent != null) {
            unsent.removeAndFailAll(new ClosedChannelException());
        }
        Future<?> running = limit;
        if (running != null) {
            limit = null;
            running.cancel(false);
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        context.fireUserEventTriggered(event);
        if (event instanceof Agreed agreed && state == State.AWAITING_AGREEMENT) {
            state = State.OPEN;
            maxPayload = agreed.theirs().maxPayload();
            sendWaiting(context);
        }
    }

    private void sendWaiting(ChannelHandlerContext context) {
        PendingWriteQueue unsent = waiting;
        while (unsent != null && !unsent.isEmpty()) {
            Object lines = ReferenceCountUtil.retain(unsent.current());
            send(context, lines, unsent.remove());
        }
        context.flush();
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        PendingWriteQueue unsent = waiting;
        switch (state) {
            case AWAITING_AGREEMENT -> {
                if (unsent != null) {
                    unsent.add(message, promise);
                }
            }
            case OPEN -> send(context, message, promise);
            case CLOSED -> {
                ReferenceCountUtil.release(message);
                promise.setFailure(new ClosedChannelException());
            }
        }
    }

    /** Lines as bytes, each with its end, or one line as a string without. */
    private void send(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        ByteBuf lines =
                message instanceof ByteBuf bytes ? bytes : ByteBufUtil.writeUtf8(context.alloc(), message + "\n");
        if (!lines.isReadable()) {
            context.write(lines, promise);
            return;
        }
        try {
            while (lines.isReadable()) {
                ByteBuf frame = Frames.data(context.alloc(), nextLine(lines));
                context.write(frame, lines.isReadable() ? context.newPromise() : promise);
            }
        } finally {
            lines.release();
        }
    }

    /** The next line, or as much of it as the peer accepts; its end is skipped. */
    private ByteBuf nextLine(ByteBuf lines) {
        int end = lines.bytesBefore((byte) '\n');
        int length = end < 0 ? lines.readableBytes() : end;
        if (length > maxPayload) {
            return lines.readRetainedSlice(maxPayload);
        }
        ByteBuf line = lines.readRetainedSlice(length);
        if (end >= 0) {
            lines.skipBytes(1);
        }
        return line;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf frame = (ByteBuf) message;
        try {
            switch (Frames.type(frame)) {
                case DATA -> context.fireChannelRead(Frames.payload(frame).toString(StandardCharsets.UTF_8));
                case DRAIN -> context.fireUserEventTriggered(Happening.of(Drain.read(frame)));
                case CLOSE -> onClose(context, Close.read(frame));
                case HELLO, PING, PONG -> {} // for the handlers in front
            }
        } finally {
            frame.release();
        }
    }

    private void onClose(ChannelHandlerContext context, Close close) {
        context.fireUserEventTriggered(Happening.of(close));
        if (state != State.CLOSED) {
            sayGoodbye(context);
        }
        ChannelFuture ourClose = goodbye;
        if (ourClose != null) {
            ourClose.addListener(done -> context.close()); // the peer sends no more, and all of it was read
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
        if (error instanceof ProtocolException) {
            state = State.CLOSED; // the HelloHandler has sent a CLOSE with the reason, and sees to the end
        }
        context.fireExceptionCaught(error);
    }

    @Override
    public void close(ChannelHandlerContext context, ChannelPromise promise) {
        if (!context.channel().isActive()) {
            context.close(promise);
            return;
        }
        if (state != State.CLOSED) {
            sayGoodbye(context).addListener(done -> shutDownOutput(context));
        }
        PromiseNotifier.cascade(false, context.channel().closeFuture(), promise);
    }

    /** CLOSE, our last frame. */
    private ChannelFuture sayGoodbye(ChannelHandlerContext context) {
        state = State.CLOSED;
        if (context.pipeline().get(HeartbeatHandler.class) != null) {
            context.pipeline().remove(HeartbeatHandler.class); // no beat may follow what is our last frame
        }
        Close close = Close.of(CloseReason.NORMAL, Duration.ZERO);
        ChannelFuture written = context.writeAndFlush(close.write(context.alloc()));
        goodbye = written;
        limit = context.executor().schedule(() -> context.close(), LINGER_MILLIS, TimeUnit.MILLISECONDS);
        return written;
    }

    private static void shutDownOutput(ChannelHandlerContext context) {
        if (context.channel() instanceof DuplexChannel channel && channel.isActive()) {
            channel.shutdownOutput();
        }
    }
}
