package dev.holdfast;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.Backlog;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.Evidence;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.ProtocolException;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.AttributeKey;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * One connection from its first byte to its last, on either end: the last handler of its pipeline. What is not said to be otherwise is
 * confined to the event loop.
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // a close tells of its end by channelInactive, a write by the connection's end
abstract class Link extends ChannelInboundHandlerAdapter {
    static final AttributeKey<Link> KEY = AttributeKey.valueOf(Link.class.getName());

    private enum Phase {
        /** The transport, TLS or HELLO is not complete. */
        OPENING,
        /** The application's handshake. */
        SHAKING,
        /** Messages flow. */
        UP,
        /** No new messages of ours; what was sent is to be confirmed. */
        DRAINING,
        /** We have said the last word and read to the peer's. */
        PARTING,
        /** It is gone. Terminal. */
        ENDED
    }

    final PeerSettings settings;
    final LinkOwner owner;
    final long epoch;
    final Outbound outbound;
    final CallbackQueue callbacks;
    final Connection connection = new Connection(this);

    private final Shaking shaking;
    private final Sending sending;
    private final Parting parting = new Parting(this);
    private final Outcome outcome = new Outcome();
    private final CompletableFuture<Ending> gone = new CompletableFuture<>();

    // set before anybody else knows of the link
    private @Nullable Channel channel;
    private @Nullable InetSocketAddress remote;
    private @Nullable HeartbeatHandler heartbeat;
    private @Nullable Vitals vitals;

    // written by the event loop, read by anybody
    private volatile Phase phase = Phase.OPENING;

    private @Nullable ChannelHandlerContext context;
    private boolean paused;
    private @Nullable CloseReason unwanted;

    Link(PeerSettings settings, LinkOwner owner, long epoch, Outbound outbound, CallbackQueue callbacks) {
        this.settings = settings;
        this.owner = owner;
        this.epoch = epoch;
        this.outbound = outbound;
        this.callbacks = callbacks;
        this.shaking = new Shaking(this, settings);
        this.sending = new Sending(this, outbound);
    }

    /** Adds the handlers in front of this one that make messages of bytes, the heartbeat last. */
    abstract void addCodec(ChannelPipeline pipeline, HeartbeatHandler beats);

    /** The limits of the handshake end here. */
    abstract void onMessagesAllowed();

    /** What came before its time is on its way to the listener. */
    abstract void onEarlyMessagesDelivered(ChannelHandlerContext mine);

    /** Why the peer would not take a message of this size; null if it would. */
    abstract @Nullable String refusal(int bytes);

    abstract ChannelFuture writeMessage(ChannelHandlerContext mine, Object message);

    /** Whether the peer answers {@link #writeProof}. */
    abstract boolean answersProofs();

    /** Asks for the proof that everything up to the mark was read. */
    abstract void writeProof(ChannelHandlerContext mine, long mark);

    /** Asks the peer to move away within the span; false if the protocol has no word for it. */
    abstract boolean askToMove(Duration span);

    /** The last that we send. */
    abstract ChannelFuture writeLastWord(ChannelHandlerContext mine, Close close);

    /** Ends a connection whose handshake did not succeed, with the reason where the protocol has room for it. */
    abstract void turnAway(ChannelHandlerContext mine, CloseReason reason, String why);

    /** Adds everything to a fresh channel. The handlers in front, a proxy's and TLS, are there. */
    final void addTo(Channel fresh, InetSocketAddress address) {
        channel = fresh;
        remote = address;
        vitals = new Vitals(fresh.eventLoop().ticker());
        fresh.attr(KEY).set(this);
        HeartbeatHandler beats = settings.newHeartbeat();
        heartbeat = beats;
        addCodec(fresh.pipeline(), beats);
        fresh.pipeline().addLast(this);
    }

    /** The connection is not wanted: it is told so as soon as that can be done. Before it is active. */
    final void turnAwayWhenActive(CloseReason reason) {
        unwanted = reason;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext removed) {
        shaking.stopTimer();
        parting.stopTimer();
        owner.onRemoved(this);
    }

    @Override
    public void channelActive(ChannelHandlerContext active) {
        vitals().onHeard();
        Channel own = active.channel();
        SocketAddress local = own.localAddress(); // null if it is closed by now
        if (own.parent() == null && local != null && local.equals(own.remoteAddress())) {
            // A port that the kernel also gives to clients: TCP lets a socket connect to itself (simultaneous open).
            abandon(Ending.of(Ending.Kind.CONNECT_FAILED, "connected to itself: nobody listens there"));
            return;
        }
        owner.onConnected(this);
        shaking.onActive(active);
        active.fireChannelActive();
        CloseReason reason = unwanted;
        if (reason != null) {
            endWith(Ending.of(Ending.Kind.REFUSED, "turned away: " + reason));
            turnAway(active, reason, "no room for more connections");
        }
    }

    /** Transport, TLS and HELLO are complete. */
    final void onReady(ChannelHandlerContext mine) {
        if (phase == Phase.OPENING && !outcome.isKnown()) {
            phase = Phase.SHAKING;
            shaking.begin(mine);
        }
    }

    /** The application's handshake is complete, too. */
    final void onShaken(ChannelHandlerContext mine) {
        if (phase != Phase.SHAKING || !mine.channel().isActive() || outcome.isKnown()) {
            return;
        }
        phase = Phase.UP;
        vitals().onUp();
        sending.start(mine, answersProofs());
        onMessagesAllowed();
        owner.onUp(this);
        shaking.end(this::deliver);
        onEarlyMessagesDelivered(mine);
        adjustReading(); // the listener may be behind with the messages of an earlier connection
    }

    /** The application's handshake failed on this side. */
    final void onHandshakeRefused(Throwable error) {
        boolean last = error instanceof HandshakeRefusedException refused && owner.isFinal(refused);
        outcome.handshakeFailed(error, last);
    }

    @Override
    public void channelRead(ChannelHandlerContext mine, Object message) {
        onMessageRead(mine, message);
    }

    /** A message of the application's has come. */
    final void onMessageRead(ChannelHandlerContext mine, Object message) {
        switch (phase) {
            case OPENING, SHAKING -> shaking.onMessage(mine, message);
            case UP, DRAINING, PARTING -> deliver(message);
            case ENDED -> ReferenceCountUtil.release(message);
        }
    }

    private void deliver(Object message) {
        callbacks.add(
                (long) settings.bytes(message) + Outbound.OVERHEAD,
                () -> {
                    owner.counting().received.incrementAndGet();
                    try {
                        settings.onMessage.onMessage(connection, message);
                    } finally {
                        ReferenceCountUtil.release(message);
                    }
                },
                () -> ReferenceCountUtil.release(message));
        if (callbacks.dropped() > 0) { // to go on would give the listener a stream with a hole
            outcome.refuse("the callback executor refuses, so that messages cannot be handed over");
            closeHard();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext mine) {
        vitals().onHeard();
        mine.fireChannelReadComplete();
    }

    /** The heartbeat's news. */
    final void onHeartbeat(HeartbeatEvent event) {
        if (event instanceof HeartbeatEvent.PeerDead dead) {
            onDeath(dead.death());
        } else if (event instanceof HeartbeatEvent.Beat beat) {
            vitals().onRoundTrip(beat.roundTrip());
        } else if (isOpen()) {
            ConnectionEvent told = told(event);
            if (told != null) {
                owner.onEvent(told);
            }
        }
    }

    private @Nullable ConnectionEvent told(HeartbeatEvent event) {
        ConnectionEvent.Moment moment = owner.moment(this);
        if (event instanceof HeartbeatEvent.Suspect suspect) {
            return new ConnectionEvent.Suspect(moment, connection, suspect.unanswered(), suspect.silence());
        } else if (event instanceof HeartbeatEvent.Alive) {
            return new ConnectionEvent.Alive(moment, connection);
        } else if (event instanceof HeartbeatEvent.LocalStall stall) {
            return new ConnectionEvent.LocalStall(moment, connection, stall.length());
        }
        return null; // what was agreed is no news to anybody
    }

    final void onDeath(PeerDeath death) {
        outcome.died(death.withPeer(peerName()), wasUp(), phase == Phase.DRAINING);
    }

    final void endWith(Ending reason) {
        outcome.endWith(reason);
    }

    /** The peer has said its last word; ours follows, and then the FINs. */
    final void onPeerClose(ChannelHandlerContext mine, Close close) {
        Object credential = shaking.credential();
        boolean inVain = close.reason() == CloseReason.REFUSED
                && credential != null
                && owner.isFinal(HandshakeRefusedException.ofCredential(credential, "the peer refuses it"));
        outcome.peerSaid(close, mine.channel().parent() == null, wasUp(), inVain);
        part(mine);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext mine, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE && phase != Phase.ENDED) {
            outcome.peerClosed(wasUp());
            if (isOpen()) {
                part(mine);
                parting.onFin();
            } else {
                closeHard();
            }
        }
        mine.fireUserEventTriggered(event);
    }

    /** The peer ends it: nothing is waited for but that what was written leaves. */
    private void part(ChannelHandlerContext mine) {
        if (phase == Phase.PARTING || phase == Phase.ENDED) {
            return;
        }
        if (isOpen()) {
            owner.onPeerEnds(this);
        }
        boolean drains = phase == Phase.DRAINING;
        if (drains) {
            owner.onEvent(new ConnectionEvent.Drained(owner.moment(this), connection, sending.isIdle()));
        }
        shaking.stopTimer();
        phase = Phase.PARTING;
        if (drains) {
            parting.sayGoodbye(mine, CloseReason.NORMAL); // within what is left of the drain
        } else {
            parting.sayGoodbye(mine, CloseReason.NORMAL, settings.closeLimit.toNanos());
        }
        adjustReading();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext mine, Throwable error) {
        if (!outcome.isKnown()) { // what the heartbeat has judged is known already
            Channel own = mine.channel();
            onDeath(new PeerDeath(
                    peerName(),
                    DeathCause.PROTOCOL_ERROR,
                    vitals().lastHeard(),
                    "a handler of the pipeline failed: " + error,
                    Evidence.of(Transport.of(own).snapshot(own), !own.config().isAutoRead(), Backlog.NONE),
                    Optional.of(error)));
        }
        if (!(error instanceof ProtocolException)) { // or else the peer is being told why
            closeHard();
        }
    }

    /** Sends it if the connection is up. */
    final void write(Delivery delivery, Object message) {
        ChannelHandlerContext mine = context;
        String refusal =
                mine == null || phase != Phase.UP ? "the connection is " + state() : refusal(settings.bytes(message));
        if (mine == null || refusal != null) {
            ReferenceCountUtil.release(message);
            outbound.notSent(delivery, String.valueOf(refusal));
        } else {
            sending.write(mine, delivery, message);
        }
    }

    /** A message of the handshake. From any thread. */
    final CompletionStage<Void> sendInHandshake(Object message) {
        CompletableFuture<Void> written = new CompletableFuture<>();
        Object kept = settings.own(message);
        boolean taken = execute(() -> {
            ChannelHandlerContext mine = context;
            String refusal =
                    mine == null || phase != Phase.SHAKING ? "the handshake is over" : refusal(settings.bytes(kept));
            if (mine == null || refusal != null) {
                ReferenceCountUtil.release(kept);
                settings.complete(written, null, new IllegalStateException(refusal));
            } else {
                try {
                    writeMessage(mine, kept).addListener(done -> settings.complete(written, null, done.cause()));
                    mine.flush();
                } catch (RuntimeException | Error unsendable) {
                    settings.complete(written, null, unsendable);
                }
            }
        });
        if (!taken) {
            ReferenceCountUtil.release(kept);
            settings.complete(written, null, new IllegalStateException("the connection is CLOSED"));
        }
        return written.minimalCompletionStage();
    }

    /** Asks the peer now. */
    final void probe(CompletableFuture<Duration> answer) {
        if (phase != Phase.UP && phase != Phase.DRAINING) {
            settings.complete(answer, null, new ClosedChannelException());
            return;
        }
        heartbeat()
                .probe()
                .addListener(done ->
                        settings.complete(answer, done.isSuccess() ? (Duration) done.getNow() : null, done.cause()));
    }

    /** From any thread. */
    final void pause(boolean on) {
        execute(() -> {
            paused = on;
            adjustReading();
        });
    }

    /** Reads, unless somebody has paused it or too much waits for the listener. */
    final void adjustReading() {
        Channel own = channel;
        if (own != null && phase != Phase.ENDED) {
            boolean shakes =
                    phase == Phase.OPENING || phase == Phase.SHAKING; // few messages may come, see HandshakeExchange
            boolean leaves = phase == Phase.DRAINING || phase == Phase.PARTING; // its answers and FIN are needed
            boolean reads = shakes || ((!paused || leaves) && !owner.isInboundFull());
            own.config().setAutoRead(reads);
        }
    }

    /** Completes when it is gone. */
    final CompletionStage<Ending> gone() {
        return gone.minimalCompletionStage();
    }

    /**
     * Finishes what was sent and parts, within the span. A second call shortens the span, if it does.
     *
     * @param how what kind of end it is
     */
    final void drain(long spanNanos, Ending how, String why) {
        ChannelHandlerContext mine = context;
        outcome.endMoveWith(how);
        if (mine == null || !isOpen() || (phase != Phase.UP && !parting.isSooner(mine, spanNanos))) {
            return;
        }
        if (phase == Phase.PARTING) {
            parting.shorten(mine, spanNanos);
            return;
        }
        if (phase == Phase.UP) {
            phase = Phase.DRAINING;
            endWith(how);
            owner.onEvent(
                    new ConnectionEvent.Draining(owner.moment(this), connection, why, Duration.ofNanos(spanNanos)));
        }
        parting.drain(mine, spanNanos);
        adjustReading();
        sending.hurry(mine);
        if (sending.isIdle()) {
            onDrained(mine);
        }
    }

    /** Everything sent has found its fate, or the time for that is over. */
    final void onDrained(ChannelHandlerContext mine) {
        if (phase == Phase.DRAINING) {
            owner.onEvent(new ConnectionEvent.Drained(owner.moment(this), connection, sending.isIdle()));
            phase = Phase.PARTING;
            parting.sayGoodbye(mine, CloseReason.GOING_AWAY);
            adjustReading();
        }
    }

    /** Everything sent has found its fate. */
    final void onSendingIdle() {
        if (phase == Phase.DRAINING) {
            execute(
                    () -> { // not from within a write's promise
                        ChannelHandlerContext mine = context;
                        if (mine != null && sending.isIdle()) {
                            onDrained(mine);
                        }
                    });
        }
    }

    /** Below the pipeline: an SslHandler would hold the close back until its close_notify has left, 3 s or for ever. */
    final void closeHard() {
        Channel own = channel;
        if (own != null) {
            own.unsafe().close(own.unsafe().voidPromise());
        }
    }

    /** Gives it up, whatever it is doing, without a word. */
    final void abandon(Ending how) {
        endWith(how);
        closeHard();
    }

    @Override
    public void channelInactive(ChannelHandlerContext mine) {
        if (phase != Phase.ENDED) {
            outcome.peerClosed(wasUp());
            Ending how = outcome.ending();
            phase = Phase.ENDED;
            shaking.abort(how);
            parting.stopTimer();
            sending.end(how.toString());
            owner.onGone(this, outcome, wasUp());
            settings.complete(gone, how, null);
        }
        mine.fireChannelInactive();
    }

    /** Runs it on the event loop; false if that has ended. From any thread. */
    final boolean execute(Runnable task) {
        try {
            own().eventLoop().execute(task);
            return true;
        } catch (RejectedExecutionException ended) {
            return false;
        }
    }

    final @Nullable ChannelHandlerContext context() {
        return context;
    }

    final HeartbeatHandler heartbeat() {
        return Objects.requireNonNull(heartbeat);
    }

    /** Whether messages flow, or have. */
    private boolean isOpen() {
        return phase == Phase.UP || phase == Phase.DRAINING || phase == Phase.PARTING;
    }

    /** Whether frames of ours may still go. */
    final boolean maySpeak() {
        return phase == Phase.SHAKING || phase == Phase.UP || phase == Phase.DRAINING;
    }

    final void onProof(ChannelHandlerContext mine, long mark) {
        sending.onPingAnswered(mine, mark);
    }

    /** Whether its handshake was complete, now or once. From any thread. */
    final boolean wasUp() {
        return vitals().wasUp();
    }

    /** From any thread. */
    final Vitals vitals() {
        return Objects.requireNonNull(vitals);
    }

    /** Whether the calling thread is its event loop. */
    final boolean isOnItsLoop() {
        return own().eventLoop().inEventLoop();
    }

    final ConnectionState state() {
        return switch (phase) {
            case OPENING, SHAKING -> ConnectionState.HANDSHAKING;
            case UP -> ConnectionState.UP;
            case DRAINING, PARTING -> ConnectionState.DRAINING;
            case ENDED -> ConnectionState.CLOSED;
        };
    }

    final String peerName() {
        return ClientLife.address(remoteAddress());
    }

    final InetSocketAddress remoteAddress() {
        return Objects.requireNonNull(remote);
    }

    final Channel own() {
        return Objects.requireNonNull(channel);
    }

    static long now(ChannelHandlerContext mine) {
        return mine.executor().ticker().nanoTime();
    }
}
