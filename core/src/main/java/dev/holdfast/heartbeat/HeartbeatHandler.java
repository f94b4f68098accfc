package dev.holdfast.heartbeat;

import dev.holdfast.heartbeat.HeartbeatProtocol.Kind;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.PostMortem;
import dev.holdfast.verdict.TcpSnapshot;
import dev.holdfast.wire.Agreed;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.HelloHandler;
import dev.holdfast.wire.ProtocolException;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelOutputShutdownEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import io.netty.util.concurrent.PromiseNotifier;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Beats, answers beats, and says when the peer is dead and why: a handler for any pipeline, one for each channel.
 *
 * <p>It stands behind the decoder that makes the protocol's messages (and behind an {@link SslHandler}), before the handlers
 * that must not see beats. State is confined to the channel's event loop; an executor of its own is refused. Beats begin when
 * the channel is active, behind TLS when its handshake is complete, behind a {@link HelloHandler} when both sides have
 * agreed, or, where the options say so, at {@link #start()}.
 *
 * <p>{@code write} and {@code flush} are not overridden: outbound messages cost nothing. An inbound message costs its
 * classification; the clock is not read for it.
 *
 * <p>Pings are answered also while no beats are sent. Several that come with one read are answered each; while the channel
 * is not writable only the newest is, as soon as there is room.
 */
@SuppressWarnings("FutureReturnValueIgnored") // writes and closes tell of their end by the channel's events
public final class HeartbeatHandler extends BeatExchange {
    /** The fraction of the golden ratio: its multiples are spread evenly over an interval, however many there are. */
    private static final double GOLDEN = 0.6180339887498949;

    private static final AtomicInteger started = new AtomicInteger();

    private @Nullable ChannelHandlerContext context;

    private HeartbeatHandler(HeartbeatSettings settings) {
        super(settings);
    }

    /** A handler for one channel. */
    public static HeartbeatHandler create(
            HeartbeatProtocol protocol, HeartbeatOptions options, HeartbeatListener listener) {
        return new HeartbeatHandler(new HeartbeatSettings(
                Objects.requireNonNull(protocol, "protocol"),
                Objects.requireNonNull(options, "options"),
                Objects.requireNonNull(listener, "listener")));
    }

    /**
     * Begins to beat, where {@link HeartbeatOptions.Builder#manualStart} has kept the handler from doing so by itself. From
     * any thread; does nothing if it beats already.
     *
     * @throws IllegalStateException if the handler is in no pipeline
     */
    public void start() {
        ChannelHandlerContext mine = context;
        if (mine == null) {
            throw new IllegalStateException("heartbeat: not in a pipeline (expected: added before start)");
        }
        mine.channel().eventLoop().execute(() -> begin(mine));
    }

    /**
     * Asks the peer now, instead of at the next grid point, and gives the round-trip time of the answer. From any thread. A
     * probe that is on its way already serves; it is suspected and judged like any other.
     *
     * @return fails with {@link PeerDeadException} if the peer is found dead, with {@code ClosedChannelException} if the
     *     channel is closed first, with {@link IllegalStateException} if the heartbeat does not run, and with {@link
     *     UnsupportedOperationException} if nothing is answered in this protocol or mode
     * @throws IllegalStateException if the handler is in no pipeline
     */
    public Future<Duration> probe() {
        ChannelHandlerContext mine = context;
        if (mine == null) {
            throw new IllegalStateException("heartbeat: not in a pipeline (expected: added before probe)");
        }
        Promise<Duration> roundTrip = mine.executor().newPromise();
        mine.executor().execute(() -> probe(mine, roundTrip));
        return roundTrip;
    }

    private void probe(ChannelHandlerContext mine, Promise<Duration> roundTrip) {
        HeartbeatWheel running = settings.wheel;
        if (!settings.expectsAnswers()) {
            roundTrip.setFailure(new UnsupportedOperationException("heartbeat: nothing is answered in "
                    + settings.protocol + " with mode " + settings.options.mode()));
            return;
        }
        if (running == null || state() == State.DEAD) {
            roundTrip.setFailure(new IllegalStateException("heartbeat: " + state() + " (expected: running)"));
            return;
        }
        Pending pending = Pending.of(mine.channel());
        if (pending.asked != null) {
            PromiseNotifier.cascade(pending.asked, roundTrip);
            return;
        }
        pending.asked = roundTrip;
        if (state() == State.QUIET) {
            long now = running.nowNanos();
            long unstalled = running.unstalledNanos(now);
            send(mine, now, 0);
            onFreshProbe(unstalled);
            running.move(this, wakeUpNanos(now, unstalled));
        }
    }

    @Override
    long tickNanos() {
        return settings.tickNanos;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        if (added.executor() != added.channel().eventLoop()) {
            throw new IllegalArgumentException("heartbeat: executor " + added.executor()
                    + " (expected: the channel's own event loop; add the handler without an executor)");
        }
        context = added;
        onCounting(added.executor().ticker().nanoTime());
        if (Silence.tcp(added.channel()) != null) {
            // A failed write would close the socket before the kernel could be asked why; the handler closes it
            // instead.
            added.channel().config().setAutoClose(false);
        }
        if (added.channel().isActive()) {
            beginBehindHandshakes(added);
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext removed) {
        end(removed.channel());
        removed.channel().config().setAutoClose(true);
        context = null;
    }

    @Override
    public void channelActive(ChannelHandlerContext active) {
        beginBehindHandshakes(active);
        active.fireChannelActive();
        onActive(active.channel());
    }

    @Override
    public void channelRegistered(ChannelHandlerContext registered) {
        if (registered.channel().isActive()) {
            beginBehindHandshakes(registered); // it has moved to another event loop
        }
        registered.fireChannelRegistered();
    }

    @Override
    public void channelUnregistered(ChannelHandlerContext unregistered) {
        end(unregistered.channel());
        unregistered.fireChannelUnregistered();
    }

    @Override
    public void close(ChannelHandlerContext mine, ChannelPromise promise) {
        UserTimeoutGuard.stop(mine.channel()); // it counts for what the kernel still has to send after the close
        mine.close(promise);
    }

    @Override
    public void channelInactive(ChannelHandlerContext inactive) {
        if (state() != State.DEAD) {
            // Netty keeps what closed a channel from within, and tells it to whoever writes later.
            Throwable refused = inactive.writeAndFlush(Unpooled.EMPTY_BUFFER).cause();
            if (refused != null && refused.getCause() instanceof IOException error) {
                kernelDeath(inactive, error);
            }
        }
        end(inactive.channel());
        inactive.fireChannelInactive();
    }

    private void beginBehindHandshakes(ChannelHandlerContext mine) {
        SslHandler tls = mine.pipeline().get(SslHandler.class);
        if (tls != null && !tls.handshakeFuture().isSuccess()) {
            return; // its completion is an event
        }
        HelloHandler hello = mine.pipeline().get(HelloHandler.class);
        if (hello == null) {
            beginUnlessManual(mine);
        } else {
            hello.agreed().ifPresent(both -> agree(mine, both));
        }
    }

    /** The peer's HELLO has come: what is promised is kept from the first beat on. */
    private void agree(ChannelHandlerContext mine, Agreed both) {
        if (state() != State.STOPPED || !(settings.protocol instanceof FramedBeats)) {
            return;
        }
        HeartbeatSettings negotiated = settings.agreed(both.agreement());
        boolean lengthened = !negotiated.bound().equals(settings.bound());
        if (lengthened && settings.options.refusesLongerBound()) {
            giveUp(
                    mine,
                    CloseReason.BEAT_INTERVAL,
                    "the interval agreed makes the bound "
                            + negotiated.bound().map(Duration::toString).orElse("endless") + " (expected: "
                            + settings.bound().map(Duration::toString).orElse("none") + ", refuseLongerBound)");
            return;
        }
        settings = negotiated;
        tell(
                mine.channel(),
                new HeartbeatEvent.Agreed(
                        both.agreement().sending().interval(),
                        both.agreement().receiving().interval(),
                        negotiated.bound(),
                        lengthened));
        beginUnlessManual(mine);
    }

    private void beginUnlessManual(ChannelHandlerContext mine) {
        if (!settings.options.isManualStart()) {
            begin(mine);
        }
    }

    private void begin(ChannelHandlerContext mine) {
        if (state() != State.STOPPED || !mine.channel().isActive() || mine.isRemoved()) {
            return;
        }
        HeartbeatWheel wheel = HeartbeatWheel.of(mine.channel().eventLoop());
        settings = wheel.join(settings);
        if (log == null && settings.keepsLog()) {
            log = BeatLog.create(settings.options.history());
        }
        long now = wheel.nowNanos();
        onStart(now, settings.phaseNanos(started.getAndIncrement() * GOLDEN));
        wheel.add(this, wakeUpNanos(now, wheel.unstalledNanos(now)));
        UserTimeoutGuard.watch(mine.channel(), wheel, (rule, tcp) -> vanished(mine, rule, tcp));
    }

    private void end(Channel channel) {
        UserTimeoutGuard.stop(channel);
        endBeats(channel);
    }

    private void endBeats(Channel channel) {
        onStop();
        owed = NONE_OWED;
        Pending pending = Pending.find(channel);
        if (pending != null) {
            pending.silence = null;
            pending.keepAnswer(null);
            pending.refuse(new ClosedChannelException());
        }
        HeartbeatWheel wheel = settings.wheel;
        if (wheel != null) {
            settings = wheel.leave(settings);
            wheel.remove(this);
        }
    }

    @Override
    long onWakeUp(long now, long unstalled, long stallNanos) {
        onTimePassed();
        ChannelHandlerContext mine = context;
        if (mine == null || state() == State.STOPPED || state() == State.DEAD) {
            return LEAVE;
        }
        if (stallNanos > settings.stallAllowanceNanos && (state() != State.QUIET || now - nextBeatNanos() >= 0)) {
            tell(mine.channel(), new HeartbeatEvent.LocalStall(Duration.ofNanos(stallNanos)));
        }
        for (Action action = next(now, unstalled); action != Action.NONE; action = next(now, unstalled)) {
            switch (action) {
                case BEAT -> beat(mine, now, unstalled);
                case SUSPECT -> suspect(mine, now, unstalled);
                case JUDGE -> recheck(mine);
                case NONE -> {}
            }
        }
        return state() == State.STOPPED || state() == State.DEAD ? LEAVE : wakeUpNanos(now, unstalled);
    }

    private void beat(ChannelHandlerContext mine, long now, long unstalled) {
        long lateness = now - nextBeatNanos();
        onBeat(now, unstalled);
        send(mine, now, lateness);
    }

    private void suspect(ChannelHandlerContext mine, long now, long unstalled) {
        int inVain = attempts();
        Channel channel = mine.channel();
        presentSilence(channel)
                .look(channel, Silence.tcp(channel), readsPaused(channel), sinceProbeNanos(unstalled), unstalled);
        onProbe(unstalled);
        if (settings.expectsAnswers()) {
            send(mine, now, 0);
        }
        tell(channel, new HeartbeatEvent.Suspect(inVain, Duration.ofNanos(silenceNanos(now))));
    }

    @Override
    public void channelRead(ChannelHandlerContext mine, Object message) {
        Kind kind = settings.protocol.classify(message);
        if (kind == Kind.OTHER && state() != State.DEAD) {
            onMessageRead();
            mine.fireChannelRead(message);
        } else {
            onBeatRead(mine, kind, message);
        }
    }

    private void onBeatRead(ChannelHandlerContext mine, Kind kind, Object message) {
        boolean another = hasReadPings();
        try {
            switch (kind) {
                case PONG -> {
                    onBeatRead(false);
                    answered(mine, message);
                }
                case PING -> {
                    onBeatRead(true);
                    if (settings.protocol.answering() == HeartbeatProtocol.Answering.ANSWERED
                            && state() != State.DEAD) {
                        answer(mine, message, another);
                    }
                }
                case OTHER -> {} // of a peer that was given up, and that nobody is to hear any more
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext mine) {
        HeartbeatWheel wheel = settings.wheel;
        if (wheel != null) {
            if (hasReadAny()) {
                heard(mine, wheel.tickNanos(), hasReadMessages() && settings.restartsGrid());
            } else {
                heardPerhaps(mine, wheel);
            }
        }
        boolean pings = hasReadPings();
        if (pings) {
            mine.flush();
        }
        mine.fireChannelReadComplete();
        onBatchEnd(mine);
        if (pings
                && state() != State.DEAD
                && onPeerPings(mine.executor().ticker().nanoTime())) {
            giveUp(
                    mine,
                    CloseReason.TOO_MANY_PINGS,
                    "pings came faster than permittedPeerInterval " + settings.options.permittedPeerInterval());
        }
    }

    /**
     * No message came out of the decoder in front, which may keep a part of one. No bytes, as at the peer's FIN, are no life,
     * nor is a read that fails: Netty ends its batch like any other, with the number of bytes of the one before, and tells of the
     * failure then.
     */
    private void heardPerhaps(ChannelHandlerContext mine, HeartbeatWheel wheel) {
        if (mine.channel().unsafe().recvBufAllocHandle().lastBytesRead() > 0) {
            long now = wheel.tickNanos();
            mine.executor().execute(() -> {
                if (mine.channel().isActive() && settings.wheel == wheel) {
                    heard(mine, now, false);
                }
            });
        }
    }

    @Override
    void heard(ChannelHandlerContext mine, long now, boolean restartGrid) {
        HeartbeatWheel wheel = settings.wheel;
        if (state() == State.QUIET || wheel == null) {
            onInbound(now, restartGrid);
            return;
        }
        long unstalled = wheel.unstalledNanos(now);
        long planned = wakeUpNanos(now, unstalled);
        boolean suspected = onInbound(now, restartGrid);
        Pending pending = Pending.find(mine.channel());
        if (pending != null) {
            pending.silence = null;
        }
        long next = wakeUpNanos(now, unstalled);
        if (next < planned) {
            wheel.move(this, next); // otherwise it is woken up as planned, and says then
        }
        if (suspected) {
            tell(mine.channel(), new HeartbeatEvent.Alive());
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext mine, Object event) {
        if (event instanceof SslHandshakeCompletionEvent handshake) {
            if (handshake.isSuccess()) {
                beginBehindHandshakes(mine);
            } else {
                kernelDeath(mine, new SSLException("the handshake failed: " + handshake.cause(), handshake.cause()));
            }
        } else if (event instanceof Agreed both) {
            agree(mine, both);
        } else if (event == ChannelInputShutdownEvent.INSTANCE) {
            endBeats(mine.channel()); // nothing can be answered any more: what the kernel finds out is still told
        } else if (event == ChannelOutputShutdownEvent.INSTANCE && aWriteHasFailed(mine.channel())) {
            kernelDeath(mine, new IOException("a write failed"));
        }
        mine.fireUserEventTriggered(event);
    }

    /** Whether the output was shut down because the socket is broken, and not by somebody's wish. */
    private static boolean aWriteHasFailed(Channel channel) {
        TcpSnapshot tcp = Silence.tcp(channel);
        return tcp != null
                && tcp.get(TcpSnapshot.Field.STATE, 0) == TcpSnapshot.STATE_CLOSE
                && !PostMortem.hasEndedRegularly(tcp, channel.parent() == null);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext mine, Throwable error) {
        if (error instanceof ProtocolException broken) {
            DeathCause cause = switch (broken.reason()) {
                case TOO_MANY_PINGS -> DeathCause.FLOOD;
                case HANDSHAKE_TIMEOUT -> DeathCause.HANDSHAKE_DEADLINE;
                default -> DeathCause.PROTOCOL_ERROR;
            };
            ended(mine, cause, String.valueOf(broken.getMessage()), broken);
        } else if (error.getCause() instanceof SSLException broken) {
            kernelDeath(mine, broken); // in the DecoderException of the SslHandler
        } else if (error instanceof IOException && !(error instanceof PeerDeadException)) {
            kernelDeath(mine, error);
        }
        mine.fireExceptionCaught(error);
    }

    /** We end the connection: a HelloHandler in front tells the peer why. */
    private static void giveUp(ChannelHandlerContext mine, CloseReason reason, String why) {
        mine.pipeline().fireExceptionCaught(new ProtocolException(reason, why));
    }
}
