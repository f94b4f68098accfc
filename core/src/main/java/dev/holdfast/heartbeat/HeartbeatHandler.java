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
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelOutputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.DuplexChannelConfig;
import io.netty.handler.ssl.SslClientHelloHandler;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
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
     * Begins to beat, where {@link HeartbeatOptions.Builder#manualStart} has kept the handler from doing so by itself: at once,
     * or as soon as the channel is active and the handshakes in front (TLS, HELLO) are complete. From any thread; does
     * nothing if it beats already.
     *
     * @throws IllegalStateException if the handler is in no pipeline
     */
    public void start() {
        ChannelHandlerContext mine = context;
        if (mine == null) {
            throw new IllegalStateException("heartbeat: not in a pipeline (expected: added before start)");
        }
        mine.channel().eventLoop().execute(() -> {
            Pending.of(mine.channel()).started = true;
            if (mine.channel().isActive()) {
                beginBehindHandshakes(mine);
            }
        });
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
        return inquire("probe", Pending::probe);
    }

    /**
     * Asks the peer whether its program has read all that was written to the channel before, from this place of the
     * pipeline or from behind it, and gives the time that its answer took. From any thread. A ping of its own leaves behind
     * everything whose write came to the event loop before this call did, and only the answer to that ping, or to a later
     * one, counts. Where a beat or probe is unanswered it leaves when the peer is heard; who asks before it leaves shares it.
     *
     * <p>In a protocol without sequences ({@link HeartbeatProtocol#sequence}) answers are counted: every one that may still
     * come to an older ping is waited for first, and each draws one more ping.
     *
     * <p>The answer proves that much of a peer that answers a ping when it has read what came before. What its program has
     * made of it, it does not say.
     *
     * @return fails with {@link PeerDeadException} if the peer is found dead, with {@code ClosedChannelException} if the
     *     channel is closed first, with {@link IllegalStateException} if the heartbeat does not run, and with {@link
     *     UnsupportedOperationException} if nothing is answered in this protocol or mode
     * @throws IllegalStateException if the handler is in no pipeline
     */
    public Future<Duration> confirm() {
        return inquire("confirm", Pending::confirm);
    }

    /** Has an answer told to a caller on any thread. The shared promise is the one of all who may wait for the same answer. */
    private Future<Duration> inquire(String name, BiFunction<Pending, EventExecutor, Promise<Duration>> shared) {
        ChannelHandlerContext mine = context;
        if (mine == null) {
            throw new IllegalStateException("heartbeat: not in a pipeline (expected: added before " + name + ")");
        }
        Promise<Duration> roundTrip = mine.executor().newPromise();
        mine.executor().execute(() -> inquire(mine, shared, roundTrip));
        return roundTrip;
    }

    private void inquire(
            ChannelHandlerContext mine,
            BiFunction<Pending, EventExecutor, Promise<Duration>> shared,
            Promise<Duration> roundTrip) {
        if (!settings.expectsAnswers()) {
            roundTrip.tryFailure(new UnsupportedOperationException("heartbeat: nothing is answered in "
                    + settings.protocol + " with mode " + settings.options.mode()));
            return;
        }
        if (settings.wheel == null || state() == State.DEAD) {
            roundTrip.tryFailure(new IllegalStateException("heartbeat: " + state() + " (expected: running)"));
            return;
        }
        Pending pending = Pending.of(mine.channel());
        shared.apply(pending, mine.executor()).addListener(done -> {
            if (done.isSuccess()) {
                roundTrip.trySuccess((Duration) done.getNow());
            } else {
                roundTrip.tryFailure(done.cause());
            }
        });
        if (pending.asked != null || pending.needsPing()) {
            ask(mine);
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
        for (Map.Entry<String, ChannelHandler> each : added.pipeline()) {
            if (each.getValue() instanceof HeartbeatHandler && each.getValue() != this) {
                throw new IllegalStateException("heartbeat: a second one beside " + each.getKey()
                        + " (expected: one in a pipeline, which judges the connection)");
            }
        }
        context = added;
        onCounting(added.executor().ticker().nanoTime());
        if (Silence.canAsk(added.channel())) {
            // A failed write would close the socket before the kernel could be asked why; the handler closes it
            // instead.
            ChannelConfig config = added.channel().config();
            if (config.isAutoClose()) {
                config.setAutoClose(false);
            } else {
                Pending.of(added.channel()).autoCloseWasOff = true;
            }
        }
        if (added.channel().isActive()) {
            beginBehindHandshakes(added);
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext removed) {
        if (context == null) {
            return; // it was refused
        }
        end(removed.channel());
        Pending pending = Pending.find(removed.channel());
        if (Silence.canAsk(removed.channel()) && (pending == null || !pending.autoCloseWasOff)) {
            removed.channel().config().setAutoClose(true);
        }
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
        Pending.of(mine.channel()).closing = true;
        mine.close(promise);
    }

    @Override
    public void channelInactive(ChannelHandlerContext inactive) {
        Pending pending = Pending.find(inactive.channel());
        if (pending != null && pending.outstanding > 0) {
            IOException early =
                    new IOException("the peer closed with " + pending.outstanding + " bytes of ours unsent");
            ended(inactive, DeathCause.CLOSED_EARLY, "FIN, with data of ours outstanding", early);
        }
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
        boolean comes = mine.pipeline().get(SslClientHelloHandler.class) != null; // SNI makes an SslHandler of itself
        if (comes || (tls != null && !tls.handshakeFuture().isSuccess())) {
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
        if (state() != State.STOPPED) {
            return;
        }
        if (settings.isAgreed() || !(settings.protocol instanceof FramedBeats)) {
            beginUnlessManual(mine); // told before, or nothing to agree on
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
        Pending pending = Pending.find(mine.channel());
        if (!settings.options.isManualStart() || (pending != null && pending.started)) {
            begin(mine, isHalfClosed(mine.channel()));
        }
    }

    private void begin(ChannelHandlerContext mine, boolean halfClosed) {
        if (state() != State.STOPPED || !mine.channel().isActive() || mine.isRemoved()) {
            return;
        }
        if (halfClosed) {
            boolean awaited = settings.promises() || !settings.expectsAnswers();
            if (!settings.beats() || !awaited) {
                return; // nothing can be asked, or answered
            }
            settings = settings.beatingOnly();
        }
        HeartbeatWheel wheel = HeartbeatWheel.of(mine.channel().eventLoop());
        watchUserTimeout(mine, wheel);
        settings = wheel.join(settings);
        if (log == null && settings.keepsLog()) {
            log = BeatLog.create(settings.options.history());
        }
        long now = wheel.nowNanos();
        // Who relies on our beats is not to wait for longer because we have moved.
        boolean awaited = sequence != 0 && (settings.promises() || !settings.expectsAnswers());
        long phase = awaited ? settings.tickNanos : settings.phaseNanos(started.getAndIncrement() * GOLDEN);
        onStart(now, phase);
        wheel.add(this, now + phase);
        onAligned(wheel.alignedNanos(now + phase));
    }

    private void watchUserTimeout(ChannelHandlerContext mine, HeartbeatWheel wheel) {
        if (UserTimeoutGuard.isWanted(mine.channel())) {
            UserTimeoutGuard.watch(mine.channel(), wheel, (rule, tcp) -> vanished(mine, rule, tcp));
        }
    }

    private static boolean isHalfClosed(Channel channel) {
        return channel instanceof DuplexChannel duplex && (duplex.isInputShutdown() || duplex.isOutputShutdown());
    }

    /** One side has said FIN. What expects answers ends: they can't come, or be asked for. Beats that others rely on go on. */
    private void onHalfClose(ChannelHandlerContext mine) {
        boolean ran = settings.wheel != null;
        endBeats(mine.channel());
        if (ran) {
            begin(mine, true);
        }
    }

    private void end(Channel channel) {
        UserTimeoutGuard.stop(channel);
        endBeats(channel);
        Pending pending = Pending.find(channel);
        if (pending != null) {
            pending.keepAnswer(null);
        }
    }

    private void endBeats(Channel channel) {
        onStop();
        forgetOwed(channel);
        Pending pending = Pending.find(channel);
        if (pending != null) {
            pending.silence = null;
            pending.refuse(
                    channel.isOpen()
                            ? new IllegalStateException("heartbeat: it has ended (expected: running)")
                            : new ClosedChannelException());
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
        HeartbeatWheel wheel = settings.wheel;
        if (wheel != null) {
            watchUserTimeout(mine, wheel); // one may have been set since
        }
        Channel channel = mine.channel();
        if (settings.expectsAnswers() && Silence.backlog(channel) > 0 && Silence.tcp(channel) == null) {
            // By the time of the first suspicion it may have drained into the kernel's buffer, where NIO cannot see it.
            presentSilence(channel).look(channel, null, readsPaused(channel), 0, unstalled);
        }
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
        Kind kind;
        try {
            kind = settings.protocol.classify(message);
        } catch (RuntimeException | Error thrown) {
            ReferenceCountUtil.release(message);
            throw thrown;
        }
        if (kind == Kind.OTHER && (!isDead() || !isGivenUp(mine.channel()))) {
            onMessageRead();
            mine.fireChannelRead(message);
        } else {
            onBeatRead(mine, kind, message);
        }
    }

    private static boolean isGivenUp(Channel channel) {
        Pending pending = Pending.find(channel);
        return pending != null && pending.givenUp;
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
        HeartbeatSettings own = settings;
        HeartbeatWheel wheel = own.wheel;
        if (wheel != null) {
            if (!hasReadAny()) {
                heardPerhaps(mine, wheel);
            } else if (isQuiet()) {
                onInbound(wheel.dueNanos(), hasReadMessages() && own.restartsGrid());
            } else {
                heard(mine, wheel.dueNanos(), hasReadMessages() && own.restartsGrid());
            }
            if (hasReadAny() && mine.channel().unsafe().recvBufAllocHandle().lastBytesRead() < 0) {
                onFin(mine.channel()); // right behind the last words: they filled the buffer, and Netty read on
            }
        }
        if (hasReadPings()) {
            onPingsEnd(mine);
        } else {
            mine.fireChannelReadComplete();
            onBatchEnd(mine);
        }
    }

    private void onPingsEnd(ChannelHandlerContext mine) {
        mine.flush();
        mine.fireChannelReadComplete();
        onBatchEnd(mine);
        if (!isDead() && onPeerPings(mine.executor().ticker().nanoTime())) {
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
        int bytes = mine.channel().unsafe().recvBufAllocHandle().lastBytesRead();
        if (bytes < 0) {
            onFin(mine.channel());
        } else if (bytes > 0) {
            long now = wheel.dueNanos();
            mine.executor().execute(() -> {
                if (mine.channel().isActive() && settings.wheel == wheel) {
                    heard(mine, now, false);
                }
            });
        }
    }

    /** A FIN: what of ours has not left now never will, unless the user keeps our half open. */
    private static void onFin(Channel channel) {
        boolean staysOpen = channel.config() instanceof DuplexChannelConfig duplex && duplex.isAllowHalfClosure();
        TcpSnapshot tcp = Silence.tcp(channel);
        long unsent = Silence.backlog(channel) + (tcp == null ? 0 : tcp.get(TcpSnapshot.Field.NOTSENT_BYTES, 0));
        if (unsent > 0 && !staysOpen) {
            Pending.of(channel).outstanding = unsent;
        }
    }

    @Override
    void heard(ChannelHandlerContext mine, long now, boolean restartGrid) {
        HeartbeatWheel wheel = settings.wheel;
        if (isQuiet() || wheel == null) {
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
        if (pending != null && pending.needsPing()) {
            mine.executor().execute(() -> ask(mine)); // the unanswered one left too soon to serve
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
            onHalfClose(mine); // what the kernel finds out is still told
        } else if (event == ChannelOutputShutdownEvent.INSTANCE) {
            if (aWriteHasFailed(mine.channel())) {
                kernelDeath(mine, new IOException("a write failed"));
            } else if (settings.expectsAnswers()) {
                endBeats(mine.channel());
            }
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
