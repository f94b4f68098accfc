package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.PeerDeadException;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.PostMortem;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.string.LineEncoder;
import io.netty.handler.codec.string.LineSeparator;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A connection that is silent for a while and then asked whether it still carries anything: by the protocol's ping, or where no
 * protocol is spoken by a keepalive probe that is made due at once. Confined to the event loop.
 *
 * <p>The silence begins with the connection, or with the last byte of what the peer says within its first second.
 */
@SuppressWarnings("FutureReturnValueIgnored") // what fails here shows in the connection's fate
final class SilentConnection extends ChannelInboundHandlerAdapter {
    /** A greeting and a HELLO come within it. */
    private static final Duration GREETING = Duration.ofSeconds(1);
    /** Keepalive when the kernel is asked: a probe a second, as often as this. */
    private static final int PROBES = 3;

    private static final long LOOK_AGAIN_MILLIS = 50;
    /** The kernel counts the age of an acknowledgement in its ticks. */
    private static final long TICK_MILLIS = 10;
    /** Without tcp_info no news is good news, but only after the kernel would have given up. */
    private static final Duration NO_NEWS = Duration.ofMillis(PROBES * 1000L + 1500);

    /** What became of it. */
    enum Fate {
        /** It was asked after its silence, and answered. */
        TOLERATED,
        /** It was asked after its silence, and found dead. */
        CUT,
        /** The other side ended it while it was silent. */
        CLOSED,
        /** The peer spoke by itself. */
        NOT_SILENT,
        /** There was no connection, or it did not outlast its greeting. */
        FAILED
    }

    /**
     * How it went.
     *
     * @param fate what became of it
     * @param after the length of the silence
     * @param what the same in words
     */
    record Outcome(Fate fate, Duration after, String what) {}

    /** Where it stands. */
    private enum State {
        /** Nothing is sent. */
        SILENT,
        /** The question has left. */
        ASKED,
        /** The outcome is known. */
        ENDED
    }

    private final Transport transport;
    private final Duration silence;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final Ticker ticker = Ticker.systemTicker();
    private State state = State.SILENT;
    private long connectedNanos;
    private long silentSinceNanos;
    private long askedNanos;
    private @Nullable Future<?> timer;
    private @Nullable Throwable error;

    private SilentConnection(Transport transport, Duration silence) {
        this.transport = transport;
        this.silence = silence;
    }

    /**
     * Opens one and holds it. Cancelling the future closes it.
     *
     * @param beats what is asked after the silence; they must start by hand. Empty asks the kernel
     */
    static CompletableFuture<Outcome> hold(
            EventLoopGroup group,
            Transport transport,
            SocketOptions options,
            Optional<Beats> beats,
            InetSocketAddress remote,
            Duration silence) {
        SilentConnection connection = new SilentConnection(transport, silence);
        Bootstrap bootstrap = new Bootstrap()
                .group(group)
                .channel(transport.channelType())
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(connection);
                        channel.pipeline().addLast(new LineEncoder(LineSeparator.UNIX, StandardCharsets.UTF_8));
                        beats.ifPresent(each -> each.addTo(channel.pipeline(), (silent, event) -> {}));
                        channel.pipeline().addLast(new Rest());
                    }
                });
        ChannelFuture connected = options.connect(bootstrap, remote);
        connected.addListener((ChannelFutureListener) done -> {
            if (!done.isSuccess()) {
                connection.end(
                        done.channel(),
                        Fate.FAILED,
                        Duration.ZERO,
                        String.valueOf(done.cause().getMessage()));
            }
        });
        connection.outcome.whenComplete((ended, failure) -> connected.channel().close());
        return connection.outcome;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        connectedNanos = ticker.nanoTime();
        beSilent(context);
        context.fireChannelActive();
    }

    private void beSilent(ChannelHandlerContext context) {
        silentSinceNanos = ticker.nanoTime();
        Future<?> before = timer;
        if (before != null) {
            before.cancel(false);
        }
        timer = context.executor().schedule(() -> ask(context), silence.toNanos(), TimeUnit.NANOSECONDS);
    }

    private Duration silentFor() {
        return Duration.ofNanos(ticker.nanoTime() - silentSinceNanos);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (state == State.SILENT) {
            if (ticker.nanoTime() - connectedNanos < GREETING.toNanos()) {
                beSilent(context);
            } else {
                end(
                        context.channel(),
                        Fate.NOT_SILENT,
                        silentFor(),
                        "the peer spoke by itself after " + Times.text(silentFor()) + " of silence");
            }
        }
        context.fireChannelRead(message);
    }

    private void ask(ChannelHandlerContext context) {
        if (state != State.SILENT || !context.channel().isActive()) {
            return;
        }
        state = State.ASKED;
        askedNanos = ticker.nanoTime();
        HeartbeatHandler heartbeat = context.pipeline().get(HeartbeatHandler.class);
        if (heartbeat == null) {
            askKernel(context.channel());
            return;
        }
        heartbeat.start();
        Future<Duration> asked = heartbeat.probe();
        asked.addListener(done -> {
            if (done.isSuccess()) {
                end(context.channel(), Fate.TOLERATED, silence, "answered after " + Times.text(asked.getNow()));
            } else {
                end(context.channel(), Fate.CUT, silence, reason(done.cause()));
            }
        });
    }

    private static String reason(Throwable failure) {
        return failure instanceof PeerDeadException dead
                ? dead.death().cause().name()
                : String.valueOf(failure.getMessage());
    }

    /** With keepalive on, an idle time that is over already makes a probe due (tcp_sock_set_keepidle_locked() in net/ipv4/tcp.c). */
    private void askKernel(Channel channel) {
        try {
            transport.set(channel, TcpOption.TCP_KEEPINTVL, 1);
            transport.set(channel, TcpOption.TCP_KEEPCNT, PROBES);
            transport.set(channel, TcpOption.SO_KEEPALIVE, 1);
            transport.set(channel, TcpOption.TCP_KEEPIDLE, 1);
        } catch (IOException | UnsupportedOperationException refused) {
            end(channel, Fate.FAILED, silence, "the kernel cannot be asked: " + refused.getMessage());
            return;
        }
        channel.eventLoop().schedule(() -> look(channel), LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void look(Channel channel) {
        if (state != State.ASKED) {
            return;
        }
        long waitedMillis = TimeUnit.NANOSECONDS.toMillis(ticker.nanoTime() - askedNanos);
        OptionalLong heard = transport
                .snapshot(channel)
                .map(tcp -> tcp.get(TcpSnapshot.Field.LAST_ACK_RECV))
                .orElse(OptionalLong.empty());
        if (heard.isPresent() && heard.getAsLong() <= waitedMillis + TICK_MILLIS) {
            end(channel, Fate.TOLERATED, silence, "a keepalive probe was acknowledged");
        } else if (heard.isEmpty() && waitedMillis >= NO_NEWS.toMillis()) {
            end(channel, Fate.TOLERATED, silence, "the kernel did not give up on its keepalive probes");
        } else {
            channel.eventLoop().schedule(() -> look(channel), LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
        error = failure;
        ended(context.channel());
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        ended(context.channel());
        context.fireChannelInactive();
    }

    private void ended(Channel channel) {
        Throwable failure = error;
        String how = failure == null
                ? "closed by the other side"
                : PostMortem.established(failure, Optional.empty()).name();
        switch (state) {
            case SILENT -> {
                boolean atOnce = ticker.nanoTime() - connectedNanos < GREETING.toNanos();
                end(channel, atOnce ? Fate.FAILED : Fate.CLOSED, silentFor(), how);
            }
            case ASKED -> end(channel, Fate.CUT, silence, how);
            case ENDED -> {}
        }
    }

    private void end(Channel channel, Fate fate, Duration after, String what) {
        if (state != State.ENDED) {
            state = State.ENDED;
            Future<?> pending = timer;
            if (pending != null) {
                pending.cancel(false);
            }
            outcome.complete(new Outcome(fate, after, what));
            channel.close();
        }
    }

    /** What nobody wanted. */
    private static final class Rest extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
            // the first handler has seen it
        }
    }
}
