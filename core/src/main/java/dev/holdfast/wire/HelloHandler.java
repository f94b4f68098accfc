package dev.holdfast.wire;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslClientHelloHandler;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Exchanges the HELLOs of the framed protocol and refuses who breaks its rules: a handler for one channel, right behind its
 * {@link FrameDecoder}, whose state is confined to the event loop.
 *
 * <p>It sends our HELLO when the channel is active, at once if it already is, and behind an {@link SslHandler} when its handshake is
 * complete. When the peer's HELLO has come, which ends here, and a version is common to both, it fires {@link Agreed} down
 * the pipeline. <strong>Until that event nobody else may send anything of ours</strong>, a CLOSE after our HELLO excepted: heartbeats begin and
 * messages leave with it. All other frames pass on, a CLOSE of the peer's too, which is for the handlers behind to answer.
 *
 * <p>When the peer breaks a rule, has no version in common with us or sends no HELLO within the limit, this handler sends
 * CLOSE with the reason (after our HELLO, if that has not gone yet) and passes the {@link ProtocolException} on as {@code
 * exceptionCaught}. It advises no delay: when to connect again is left to the peer's own backoff. A handler behind may
 * close the channel then. If none does, the connection is ended from here, as the protocol asks: our output is shut down
 * behind the CLOSE, input is read and dropped, and the channel closes at the peer's CLOSE, at the end of the stream, or
 * after {@value #LINGER_MILLIS} ms at the latest. Only the first error is passed on.
 *
 * <p>A limit that our own event loop has overslept is not held against the peer: its HELLO may lie unread, so we look
 * again after {@value #LOOK_AGAIN_MILLIS} ms of reading. So do we where auto-read is off at that moment. With auto-read off
 * this handler asks for reads until the HELLO is there, and for none after it; what came behind the HELLO in the same read
 * passes on unasked.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails ends in channelInactive
public final class HelloHandler extends ChannelInboundHandlerAdapter {
    /**
     * How long the peer's HELLO may take by default: 10 s, as long as Netty gives a TLS handshake. A HELLO lost three times
     * still comes: it is repeated after 1, 3 and 7 s where nothing is known of the path yet (RFC 6298, sections 2.1 and 5.5).
     */
    public static final Duration DEFAULT_HANDSHAKE_LIMIT = Duration.ofSeconds(10);

    /** From the CLOSE to the end of the channel. */
    static final int LINGER_MILLIS = 1000;

    /** Several passes of I/O, also of a loop with thousands of channels. */
    static final int LOOK_AGAIN_MILLIS = 100;

    /** A timer that is later than this has been held up: longer than a pause of a healthy JVM, as a rule. */
    private static final long STALL_ALLOWANCE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private enum State {
        /** Nothing was sent: the channel is not active, or its TLS handshake not complete. */
        IDLE,
        /** Our HELLO was sent, the peer's has not come. */
        AWAITING_HELLO,
        /** Both were exchanged: frames pass. */
        AGREED,
        /** The peer was refused and our CLOSE was sent: what comes is dropped. Terminal. */
        REFUSED
    }

    private final Hello ours;
    private final Duration limit;
    private State state = State.IDLE;
    private long startNanos;
    private boolean lookedAgain;

    /** The limit of the present state, if it has one. */
    private @Nullable Future<?> timer;

    /** What came of the HELLOs. */
    private @Nullable Agreed agreed;

    /** The write of our CLOSE. */
    private @Nullable ChannelFuture lastWrite;

    /** A handler with the {@linkplain #DEFAULT_HANDSHAKE_LIMIT default limit}. */
    public HelloHandler(Hello ours) {
        this(ours, DEFAULT_HANDSHAKE_LIMIT);
    }

    /**
     * A handler for one channel.
     *
     * @param ours what we say; the decoder in front was made with the same
     * @param handshakeLimit how long the peer's HELLO may take, counted from ours: 1 ms to 2147483647 ms
     * @throws IllegalArgumentException if the limit is out of range, or no whole number of milliseconds
     */
    public HelloHandler(Hello ours, Duration handshakeLimit) {
        this.ours = Objects.requireNonNull(ours, "ours");
        WireMillis.check("handshake limit", handshakeLimit, 1, Integer.MAX_VALUE);
        this.limit = handshakeLimit;
    }

    /** What came of both HELLOs, for a handler that was not there to be told; empty until then. On the event loop. */
    public Optional<Agreed> agreed() {
        return Optional.ofNullable(agreed);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        if (beginBehindTls(context)) {
            context.flush();
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        stopTimer();
    }

    @Override
    public void channelRegistered(ChannelHandlerContext context) {
        if (state == State.AWAITING_HELLO) { // it has moved to another event loop
            startNanos = now(context);
            await(context, limit.toMillis());
        } else if (state == State.REFUSED) {
            linger(context);
        }
        context.fireChannelRegistered();
    }

    @Override
    public void channelUnregistered(ChannelHandlerContext context) {
        stopTimer();
        context.fireChannelUnregistered();
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        boolean begun = beginBehindTls(context);
        context.fireChannelActive();
        if (begun) {
            context.flush(); // who is turned away at once by a handler behind gets HELLO and CLOSE together
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        stopTimer();
        context.fireChannelInactive();
    }

    /** Returns whether a HELLO was written, and waits to be flushed. */
    private boolean beginBehindTls(ChannelHandlerContext context) {
        SslHandler tls = context.pipeline().get(SslHandler.class);
        boolean comes =
                context.pipeline().get(SslClientHelloHandler.class) != null; // SNI makes an SslHandler of itself
        return !comes && (tls == null || tls.handshakeFuture().isSuccess()) && begin(context);
    }

    private boolean begin(ChannelHandlerContext context) {
        if (state != State.IDLE || !context.channel().isActive()) {
            return false;
        }
        state = State.AWAITING_HELLO;
        startNanos = now(context);
        context.write(ours.write(context.alloc()));
        await(context, limit.toMillis());
        askForRead(context);
        return true;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof SslHandshakeCompletionEvent handshake && handshake.isSuccess()) {
            if (begin(context)) {
                context.flush();
            }
        } else if (event == ChannelInputShutdownEvent.INSTANCE && state == State.REFUSED) {
            closeBehindOurClose(context);
        }
        context.fireUserEventTriggered(event);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        assert context.executor().inEventLoop();
        if (!(message instanceof ByteBuf frame)) {
            context.fireChannelRead(message);
            return;
        }
        switch (state) {
            case IDLE, AWAITING_HELLO -> onFirstFrame(context, frame);
            case AGREED -> context.fireChannelRead(frame);
            case REFUSED -> onFrameAfterRefusal(context, frame);
        }
    }

    /** The decoder lets nothing but a HELLO be the first. */
    private void onFirstFrame(ChannelHandlerContext context, ByteBuf frame) {
        if (begin(context)) {
            context.flush();
        }
        Agreed both;
        try {
            Hello theirs = Hello.read(frame);
            both = new Agreed(theirs, Agreement.between(ours, theirs));
        } catch (ProtocolException broken) {
            refuse(context, broken);
            return;
        } finally {
            frame.release();
        }
        state = State.AGREED;
        agreed = both;
        stopTimer();
        context.fireUserEventTriggered(both);
    }

    private void onFrameAfterRefusal(ChannelHandlerContext context, ByteBuf frame) {
        boolean isLast = Frames.type(frame) == FrameType.CLOSE;
        ReferenceCountUtil.release(frame);
        if (isLast) {
            closeBehindOurClose(context);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        context.fireChannelReadComplete();
        if (state == State.AWAITING_HELLO || state == State.REFUSED) {
            askForRead(context);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
        if (error instanceof ProtocolException broken) {
            refuse(context, broken);
        } else {
            context.fireExceptionCaught(error);
        }
    }

    private void onLimit(ChannelHandlerContext context, long dueNanos) {
        long now = now(context);
        boolean stalled = now - dueNanos > STALL_ALLOWANCE_NANOS;
        boolean mayBePaused = !context.channel().config().isAutoRead() && !lookedAgain;
        if (stalled || mayBePaused) {
            lookedAgain = true;
            askForRead(context);
            await(context, LOOK_AGAIN_MILLIS);
            return;
        }
        long elapsedMillis = TimeUnit.NANOSECONDS.toMillis(now - startNanos);
        refuse(
                context,
                new ProtocolException(
                        CloseReason.HANDSHAKE_TIMEOUT,
                        "HELLO of %s: none after %d ms (expected: within the handshake limit %s)"
                                .formatted(context.channel().remoteAddress(), elapsedMillis, limit)));
    }

    private void refuse(ChannelHandlerContext context, ProtocolException broken) {
        if (state == State.REFUSED) {
            return;
        }
        begin(context);
        state = State.REFUSED;
        Close close = Close.of(broken.reason(), Duration.ZERO);
        lastWrite = context.writeAndFlush(close.write(context.alloc()));
        lastWrite.addListener(done -> shutDownOutput(context));
        linger(context);
        askForRead(context);
        context.fireExceptionCaught(broken);
    }

    /** CLOSE is our last frame: the peer sees the end of the stream behind it. */
    private static void shutDownOutput(ChannelHandlerContext context) {
        SslHandler tls = context.pipeline().get(SslHandler.class);
        if (tls == null) {
            shutDownSocket(context);
        } else {
            tls.closeOutbound().addListener(done -> shutDownSocket(context));
        }
    }

    private static void shutDownSocket(ChannelHandlerContext context) {
        if (context.channel() instanceof DuplexChannel channel && channel.isActive()) {
            channel.shutdownOutput();
        }
    }

    /** The peer sends no more, and we read all of it; what is left is our own CLOSE. */
    private void closeBehindOurClose(ChannelHandlerContext context) {
        ChannelFuture ourClose = lastWrite;
        if (ourClose != null) {
            ourClose.addListener(done -> close(context));
        }
    }

    private static void close(ChannelHandlerContext context) {
        // Below the pipeline: an SslHandler would hold the close back until its close_notify has left, 3 s or for ever.
        context.channel().unsafe().close(context.channel().unsafe().voidPromise());
    }

    private void linger(ChannelHandlerContext context) {
        stopTimer();
        timer = context.executor().schedule(() -> close(context), LINGER_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void await(ChannelHandlerContext context, long millis) {
        stopTimer();
        long dueNanos = now(context) + TimeUnit.MILLISECONDS.toNanos(millis);
        timer = context.executor().schedule(() -> onLimit(context, dueNanos), millis, TimeUnit.MILLISECONDS);
    }

    private void stopTimer() {
        Future<?> running = timer;
        if (running != null) {
            timer = null;
            running.cancel(false);
        }
    }

    private static void askForRead(ChannelHandlerContext context) {
        if (!context.channel().config().isAutoRead()) {
            context.read();
        }
    }

    private static long now(ChannelHandlerContext context) {
        return context.executor().ticker().nanoTime();
    }
}
