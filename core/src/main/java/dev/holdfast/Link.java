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
import org.jspecify.annotations.Nullable;

/**
 * One connection from its first byte to its last, on either end: the last handler of its pipeline. What is not said to be otherwise is
 * confined to the event loop.
 */
abstract class Link extends ChannelInboundHandlerAdapter {
    static final AttributeKey<Link> KEY = AttributeKey.valueOf(Link.class.getName());

    final PeerSettings settings;
    final LinkOwner owner;
    final long epoch;
    final Outbound outbound;
    final CallbackQueue callbacks;
    final Connection connection = new Connection(this);

    final Shaking shaking;
    final Sending sending;
    final Parting parting = new Parting(this);

    private final Outcome outcome = new Outcome();
    private final CompletableFuture<Ending> gone = new CompletableFuture<>();

    // set before anybody else knows of the link
    private @Nullable Channel channel;
    private @Nullable InetSocketAddress remote;
    private @Nullable HeartbeatHandler heartbeat;
    private @Nullable Vitals vitals;

    // written by the event loop, read by anybody
    private volatile LinkPhase phase = LinkPhase.OPENING;

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

    /** The limits of the handshake end here, and what came before its time is on its way to the listener. */
    abstract void onMessagesFlow(ChannelHandlerContext mine);

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
        parting.end();
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
        if (phase == LinkPhase.OPENING && !outcome.isKnown()) {
            phase = LinkPhase.SHAKING;
            shaking.begin(mine);
        }
    }

    /** The application's handshake is complete, too. */
    final void onShaken(ChannelHandlerContext mine) {
        if (phase != LinkPhase.SHAKING || !mine.channel().isActive() || outcome.isKnown()) {
            return;
        }
        phase = LinkPhase.UP;
        vitals().onUp();
        sending.start(mine, answersProofs());
        owner.onUp(this);
        shaking.end(this::deliver);
        onMessagesFlow(mine);
        adjustReading(); // the listener may be behind with the messages of an earlier connection
    }

    /** The application's handshake failed on this side. */
    final void onHandshakeRefused(Throwable error) {
        boolean last = error instanceof HandshakeRefusedException refused && owner.isFinal(refused);
        outcome.handshakeFailed(error, last);
    }

    /** A message of the application's has come. */
    final void onMessageRead(ChannelHandlerContext mine, Object message) {
        switch (phase) {
            case OPENING, SHAKING -> shaking.onMessage(message);
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
        } else if (phase.isOpen()) {
            tell(event, owner.moment(this));
        }
    }

    private void tell(HeartbeatEvent event, ConnectionEvent.Moment moment) {
        if (event instanceof HeartbeatEvent.Suspect suspect) {
            owner.onEvent(new ConnectionEvent.Suspect(moment, connection, suspect.unanswered(), suspect.silence()));
        } else if (event instanceof HeartbeatEvent.Alive) {
            owner.onEvent(new ConnectionEvent.Alive(moment, connection));
        } else if (event instanceof HeartbeatEvent.LocalStall stall) {
            owner.onEvent(new ConnectionEvent.LocalStall(moment, connection, stall.length()));
        } // what was agreed is no news to anybody
    }

    /** A verdict that is not the heartbeat's. */
    final PeerDeath death(DeathCause cause, String why, Optional<Throwable> error) {
        Evidence evidence =
                Evidence.of(Transport.of(own()).snapshot(own()), !own().config().isAutoRead(), Backlog.NONE);
        return new PeerDeath(peerName(), cause, vitals().lastHeard(), why, evidence, error);
    }

    final void onDeath(PeerDeath death) {
        outcome.died(death.withPeer(peerName()), wasUp(), phase == LinkPhase.DRAINING);
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
        parting.onPeerEnds(mine);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext mine, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE && phase != LinkPhase.ENDED) {
            outcome.peerClosed(wasUp());
            if (phase.isOpen()) {
                parting.onPeerEnds(mine);
                parting.onFin();
            } else {
                closeHard();
            }
        }
        mine.fireUserEventTriggered(event);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext mine, Throwable error) {
        if (!outcome.isKnown()) { // what the heartbeat has judged is known already
            String why = "a handler of the pipeline failed: " + error;
            onDeath(death(DeathCause.PROTOCOL_ERROR, why, Optional.of(error)));
        }
        if (!(error instanceof ProtocolException)) { // or else the peer is being told why
            closeHard();
        }
    }

    /** Sends it if the connection is up. */
    final void write(Delivery delivery, Object message) {
        ChannelHandlerContext mine = context;
        String refusal = mine == null || phase != LinkPhase.UP
                ? "the connection is " + state()
                : refusal(settings.bytes(message));
        if (mine == null || refusal != null) {
            ReferenceCountUtil.release(message);
            outbound.notSent(delivery, String.valueOf(refusal));
        } else {
            sending.write(mine, delivery, message);
        }
    }

    /** Asks the peer now. */
    final void probe(CompletableFuture<Duration> answer) {
        if (phase != LinkPhase.UP && phase != LinkPhase.DRAINING) {
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

    /** Reads, unless somebody has paused it or too much waits for the listener, or for the handshake. */
    final void adjustReading() {
        Channel own = channel;
        if (own != null && phase != LinkPhase.ENDED) {
            boolean leaves = state() == ConnectionState.DRAINING; // the peer's answers and FIN are needed
            boolean reads = state() == ConnectionState.HANDSHAKING
                    ? !shaking.isFull()
                    : (!paused || leaves) && !callbacks.isFull();
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
        if (mine != null && phase.isOpen()) {
            parting.drain(mine, spanNanos, how, why);
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
        if (phase != LinkPhase.ENDED) {
            outcome.peerClosed(wasUp());
            Ending how = outcome.ending();
            phase = LinkPhase.ENDED;
            shaking.abort(how);
            parting.end();
            sending.end(how.toString());
            owner.onGone(this, outcome, wasUp());
            settings.complete(gone, how, null);
        }
        mine.fireChannelInactive();
    }

    /** Runs it on the event loop; false if that has ended. From any thread. */
    final boolean execute(Runnable task) {
        return Loops.execute(own().eventLoop(), task);
    }

    final @Nullable ChannelHandlerContext context() {
        return context;
    }

    final HeartbeatHandler heartbeat() {
        return Objects.requireNonNull(heartbeat);
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
        return phase.state;
    }

    final LinkPhase phase() {
        return phase;
    }

    /** Sets the phase, which is for {@link Parting}. */
    final void enter(LinkPhase next) {
        phase = next;
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
