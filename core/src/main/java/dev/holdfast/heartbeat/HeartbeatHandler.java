package dev.holdfast.heartbeat;

import dev.holdfast.heartbeat.HeartbeatProtocol.Kind;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.Evidence;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.verdict.PostMortem;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelOutputShutdownEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import io.netty.util.concurrent.PromiseNotifier;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Beats, answers beats, and says when the peer is dead and why: a handler for any pipeline, one for each channel.
 *
 * <p>It stands behind the decoder that makes the protocol's messages (and behind an {@link SslHandler}), before the handlers
 * that must not see beats. State is confined to the channel's event loop; an executor of its own is refused. Beats begin when
 * the channel is active, behind TLS when its handshake is complete, or, where the options say so, at {@link #start()}.
 *
 * <p>{@code write} and {@code flush} are not overridden: outbound messages cost nothing. An inbound message costs its
 * classification; the clock is not read for it.
 */
@SuppressWarnings("FutureReturnValueIgnored") // writes and closes tell of their end by the channel's events
public final class HeartbeatHandler extends HeartbeatNode {
    private static final Logger log = LoggerFactory.getLogger(HeartbeatHandler.class);
    /** The fraction of the golden ratio: its multiples are spread evenly over an interval, however many there are. */
    private static final double GOLDEN = 0.6180339887498949;

    private static final AtomicInteger started = new AtomicInteger();

    private final HeartbeatSettings settings;
    private @Nullable HeartbeatWheel wheel;
    private @Nullable ChannelHandlerContext context;
    /** The present silence, once it has been judged; null while nothing is wrong. */
    private @Nullable Silence silence;

    /** What {@link #probe} is to be told; null while nobody asks. */
    private @Nullable Promise<Duration> asked;

    private int sequence;
    /** When the newest probe left, on the unstalled clock, whether it is counted against the peer or not. */
    private long sentNanos;

    private long latenessNanos;
    /** Probes since the last answer: only a lone one can be matched in a protocol without sequences (Karn). */
    private byte unanswered;

    private boolean bytesRead;
    private boolean messagesRead;
    private boolean readRequested;
    /** Netty is about to ask for the next read by itself, unless somebody switches autoRead off before it does. */
    private boolean autoReadNext;

    private HeartbeatHandler(HeartbeatSettings settings) {
        this.settings = settings;
    }

    /** A handler for one channel. */
    public static HeartbeatHandler create(
            HeartbeatProtocol protocol, HeartbeatOptions options, HeartbeatListener listener) {
        return new HeartbeatHandler(new HeartbeatSettings(
                Objects.requireNonNull(protocol, "protocol"),
                Objects.requireNonNull(options, "options"),
                Objects.requireNonNull(listener, "listener")));
    }

    @Override
    HeartbeatSettings settings() {
        return settings;
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
        HeartbeatWheel running = wheel;
        if (!settings.expectsAnswers()) {
            roundTrip.setFailure(new UnsupportedOperationException("heartbeat: nothing is answered in "
                    + settings.protocol + " with mode " + settings.options.mode()));
        } else if (running == null || state() == State.DEAD) {
            roundTrip.setFailure(new IllegalStateException("heartbeat: " + state() + " (expected: running)"));
        } else if (asked != null) {
            PromiseNotifier.cascade(asked, roundTrip);
        } else {
            asked = roundTrip;
            if (state() == State.QUIET) {
                long now = running.nowNanos();
                long unstalled = running.unstalledNanos(now);
                latenessNanos = 0;
                send(mine, unstalled);
                onFreshProbe(unstalled);
                running.move(this, wakeUpNanos(now, unstalled));
            }
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        if (added.executor() != added.channel().eventLoop()) {
            throw new IllegalArgumentException("heartbeat: executor " + added.executor()
                    + " (expected: the channel's own event loop; add the handler without an executor)");
        }
        context = added;
        if (Silence.tcp(added.channel()) != null) {
            // A failed write would close the socket before the kernel could be asked why; the handler closes it
            // instead.
            added.channel().config().setAutoClose(false);
        }
        if (added.channel().isActive()) {
            beginBehindTls(added);
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext removed) {
        end();
        removed.channel().config().setAutoClose(true);
        context = null;
    }

    @Override
    public void channelActive(ChannelHandlerContext active) {
        beginBehindTls(active);
        active.fireChannelActive();
        autoReadNext = active.channel().config().isAutoRead();
    }

    @Override
    public void channelRegistered(ChannelHandlerContext registered) {
        if (registered.channel().isActive()) {
            beginBehindTls(registered); // it has moved to another event loop
        }
        registered.fireChannelRegistered();
    }

    @Override
    public void channelUnregistered(ChannelHandlerContext unregistered) {
        end();
        unregistered.fireChannelUnregistered();
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
        end();
        inactive.fireChannelInactive();
    }

    private void beginBehindTls(ChannelHandlerContext mine) {
        SslHandler tls = mine.pipeline().get(SslHandler.class);
        boolean handshaken = tls == null || tls.handshakeFuture().isSuccess();
        if (handshaken && !settings.options.isManualStart()) {
            begin(mine);
        }
    }

    private void begin(ChannelHandlerContext mine) {
        if (state() != State.STOPPED || !mine.channel().isActive() || mine.isRemoved()) {
            return;
        }
        HeartbeatWheel newWheel = HeartbeatWheel.of(mine.channel().eventLoop());
        wheel = newWheel;
        long now = newWheel.nowNanos();
        onStart(now, settings.phaseNanos(started.getAndIncrement() * GOLDEN));
        newWheel.add(this, wakeUpNanos(now, newWheel.unstalledNanos(now)), settings.tickNanos);
    }

    private void end() {
        onStop();
        refuse(new ClosedChannelException());
        unanswered = 0;
        silence = null;
        HeartbeatWheel mine = wheel;
        if (mine != null) {
            wheel = null;
            mine.remove(this);
        }
    }

    @Override
    long onWakeUp(long now, long unstalled, long stallNanos) {
        autoReadNext = false; // Netty's own read comes right after what announced it
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
        latenessNanos = now - nextBeatNanos();
        onBeat(now, unstalled);
        send(mine, unstalled);
    }

    private void suspect(ChannelHandlerContext mine, long now, long unstalled) {
        int unanswered = attempts();
        Channel channel = mine.channel();
        TcpSnapshot tcp = Silence.tcp(channel);
        presentSilence().look(channel, tcp, readsPaused(channel), probeNanos(), unstalled);
        onProbe(unstalled);
        if (settings.expectsAnswers()) {
            latenessNanos = 0;
            send(mine, unstalled);
        }
        tell(mine.channel(), new HeartbeatEvent.Suspect(unanswered, Duration.ofNanos(silenceNanos(now))));
    }

    private void send(ChannelHandlerContext mine, long unstalled) {
        sequence++;
        sentNanos = unstalled;
        unanswered = (byte) Math.min(2, unanswered + 1);
        mine.writeAndFlush(settings.protocol.ping(sequence, mine.alloc()));
    }

    @Override
    public void channelRead(ChannelHandlerContext mine, Object message) {
        bytesRead = true;
        Kind kind = settings.protocol.classify(message);
        if (kind == Kind.OTHER) {
            messagesRead = true;
            mine.fireChannelRead(message);
            return;
        }
        try {
            if (kind == Kind.PONG) {
                answered(mine, message);
            } else if (settings.protocol.answering() == HeartbeatProtocol.Answering.ANSWERED) {
                mine.write(settings.protocol.pong(message, mine.alloc()));
                mine.flush();
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void answered(ChannelHandlerContext mine, Object pong) {
        HeartbeatWheel running = wheel;
        long answeredSequence = settings.protocol.sequence(pong);
        boolean matched = unanswered > 0
                && (answeredSequence == HeartbeatProtocol.NO_SEQUENCE ? unanswered == 1 : answeredSequence == sequence);
        unanswered = 0;
        Promise<Duration> waiting = asked;
        if (running == null || !matched || (waiting == null && !settings.options.hasBeatEvents())) {
            return;
        }
        long unstalled = running.unstalledNanos(running.nowNanos());
        Duration roundTrip = Duration.ofNanos(Math.max(0, unstalled - sentNanos));
        if (settings.options.hasBeatEvents()) {
            tell(mine.channel(), new HeartbeatEvent.Beat(sequence, Duration.ofNanos(latenessNanos), roundTrip));
        }
        if (waiting != null) {
            asked = null;
            waiting.trySuccess(roundTrip);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext mine) {
        if (!bytesRead) {
            // Part of a message, which stays in the decoder in front; none at all, as at the peer's FIN, is no life.
            bytesRead = mine.channel().unsafe().recvBufAllocHandle().lastBytesRead() > 0;
        }
        if (bytesRead) {
            HeartbeatWheel running = wheel;
            if (running != null) {
                heard(mine, running.tickNanos(), messagesRead && settings.restartsGrid());
            }
            bytesRead = false;
            messagesRead = false;
        }
        readRequested = false;
        mine.fireChannelReadComplete();
        autoReadNext = mine.channel().config().isAutoRead();
    }

    private void heard(ChannelHandlerContext mine, long now, boolean restartGrid) {
        boolean waited = state() != State.QUIET;
        boolean suspected = onInbound(now, restartGrid);
        HeartbeatWheel running = wheel;
        if (waited && running != null) {
            silence = null;
            running.move(
                    this, wakeUpNanos(now, running.unstalledNanos(now))); // the next beat may be due before the timeout
        }
        if (suspected) {
            tell(mine.channel(), new HeartbeatEvent.Alive());
        }
    }

    @Override
    public void read(ChannelHandlerContext mine) {
        // Under autoRead Netty asks by itself, and what it has asked for is void when autoRead is switched off; another
        // thread may do that between Netty's look at it and this one.
        readRequested = !autoReadNext && !mine.channel().config().isAutoRead();
        autoReadNext = false;
        mine.read();
    }

    private boolean readsPaused(Channel channel) {
        return !channel.config().isAutoRead() && !readRequested;
    }

    /** Before the judgement: real I/O passes, so that what lies unread in the kernel is read. */
    private void recheck(ChannelHandlerContext mine) {
        Silence present = presentSilence();
        present.afterPasses(mine.channel().eventLoop(), () -> judge(mine, present));
    }

    private Silence presentSilence() {
        Silence present = silence;
        if (present == null) {
            present = new Silence();
            silence = present;
        }
        return present;
    }

    private void judge(ChannelHandlerContext mine, Silence present) {
        HeartbeatWheel running = wheel;
        if (running == null || present != silence || state() != State.JUDGING) {
            return; // it was heard meanwhile, or is gone
        }
        long now = running.nowNanos();
        long unstalled = running.unstalledNanos(now);
        Channel channel = mine.channel();
        TcpSnapshot tcp = Silence.tcp(channel);
        if (tcp != null && Silence.hasUnreadBytes(tcp, now - running.latestNanos(now - silenceNanos(now)))) {
            heard(mine, now - tcp.get(TcpSnapshot.Field.LAST_DATA_RECV, 0) * 1_000_000, false);
        } else {
            Verdict.Situation seen = present.look(channel, tcp, readsPaused(channel), probeNanos(), unstalled);
            rule(mine, Verdict.of(seen, settings), seen, now, unstalled);
        }
        if (state() != State.DEAD) {
            running.move(this, wakeUpNanos(now, unstalled));
        }
    }

    private void rule(ChannelHandlerContext mine, Verdict verdict, Verdict.Situation seen, long now, long unstalled) {
        switch (verdict.ruling()) {
            case EXCUSED -> {
                Objects.requireNonNull(silence).onExcused();
                onExcused(unstalled);
            }
            case PROBE_AGAIN -> {
                Objects.requireNonNull(silence).onFreshProbe();
                if (settings.expectsAnswers()) {
                    latenessNanos = 0;
                    send(mine, unstalled);
                }
                onFreshProbe(unstalled);
            }
            case DEAD -> {
                Evidence evidence =
                        new Evidence(Optional.ofNullable(seen.tcp()), seen.readsPaused(), seen.allBacklog());
                die(mine, verdict.cause(), verdict.rule(), evidence, Duration.ofNanos(silenceNanos(now)), null);
            }
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext mine, Object event) {
        if (event instanceof SslHandshakeCompletionEvent handshake && handshake.isSuccess()) {
            if (!settings.options.isManualStart()) {
                begin(mine);
            }
        } else if (event == ChannelInputShutdownEvent.INSTANCE) {
            end(); // nothing can be answered any more: what the kernel finds out is still told
        } else if (event == ChannelOutputShutdownEvent.INSTANCE && aWriteHasFailed(mine.channel())) {
            kernelDeath(mine, new IOException("a write failed"));
        }
        mine.fireUserEventTriggered(event);
    }

    /** Whether the output was shut down because the socket is broken, and not by somebody's wish. */
    private static boolean aWriteHasFailed(Channel channel) {
        TcpSnapshot tcp = Silence.tcp(channel);
        return tcp != null && tcp.get(TcpSnapshot.Field.STATE, 0) == TcpSnapshot.STATE_CLOSE;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext mine, Throwable error) {
        if (error instanceof IOException && !(error instanceof PeerDeadException)) {
            kernelDeath(mine, error);
        }
        mine.fireExceptionCaught(error);
    }

    private void kernelDeath(ChannelHandlerContext mine, Throwable error) {
        if (state() == State.DEAD) {
            return;
        }
        HeartbeatWheel running = wheel;
        Optional<TcpSnapshot> tcp = Optional.ofNullable(Silence.tcp(mine.channel()));
        DeathCause cause = PostMortem.established(error, tcp);
        Evidence evidence = new Evidence(tcp, readsPaused(mine.channel()), Silence.backlog(mine.channel()));
        Duration silent = running == null
                ? Duration.ofMillis(tcp.map(seen -> seen.get(TcpSnapshot.Field.LAST_DATA_RECV, 0))
                        .orElse(0L))
                : Duration.ofNanos(silenceNanos(running.nowNanos()));
        die(mine, cause, "the kernel ended the connection", evidence, silent, error);
    }

    private void die(
            ChannelHandlerContext mine,
            DeathCause cause,
            String rule,
            Evidence evidence,
            Duration silent,
            @Nullable Throwable error) {
        Channel channel = mine.channel();
        onDeath();
        PeerDeath death =
                new PeerDeath(name(channel.remoteAddress()), cause, silent, rule, evidence, Optional.ofNullable(error));
        PeerDeadException fatal = new PeerDeadException(death);
        refuse(fatal);
        tell(channel, new HeartbeatEvent.PeerDead(death));
        Abort.now(channel, fatal);
    }

    /** host:port, as people write it; no name is looked up for it. */
    private static String name(@Nullable SocketAddress peer) {
        if (peer instanceof InetSocketAddress known) {
            String host = known.getHostString();
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + known.getPort();
        }
        return String.valueOf(peer);
    }

    private void refuse(IOException why) {
        Promise<Duration> waiting = asked;
        if (waiting != null) {
            asked = null;
            waiting.tryFailure(why);
        }
    }

    private void tell(Channel channel, HeartbeatEvent event) {
        try {
            settings.listener.onEvent(channel, event);
        } catch (RuntimeException | Error thrown) {
            log.atError().addKeyValue("channel", channel).setCause(thrown).log("a heartbeat listener failed");
        }
    }
}
