package dev.holdfast;

import dev.holdfast.ConnectionMachine.Action;
import dev.holdfast.wire.Drain;
import io.netty.channel.EventLoop;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Does what the {@link ConnectionMachine} says: resolves, connects, waits, tells. Confined to one event loop, on which all the client's
 * channels live, but for what is said to be otherwise.
 */
final class ClientLife implements LinkOwner {
    final String name;
    final PeerSettings settings;
    final Outbound outbound;
    final CompletableFuture<Ending> closed = new CompletableFuture<>();

    private final ReconnectOptions reconnect;
    private final Rounds rounds;
    private final Attempts attempts;
    private final Loops loops;
    private final EventLoop loop;
    private final ConnectionMachine machine;
    private final CallbackQueue callbacks;
    private final Happenings happenings;
    private final Counting counting = new Counting();
    private final SendBuffer buffer;
    private final LoopTimer waitTimer = new LoopTimer();
    private final LoopTimer ageTimer = new LoopTimer();
    private final SplittableRandom random = new SplittableRandom();
    private final AttemptSlot slot;
    private final WritabilityNews writability;

    // written by the event loop, read by anybody
    private volatile ConnectionState state = ConnectionState.IDLE;
    private volatile @Nullable Link up;
    private volatile @Nullable Ending last;
    private volatile UpStage nextUp = new UpStage();

    private @Nullable Link link;
    private @Nullable Drain drainAsked;
    private @Nullable Object refusedCredential;
    private boolean upLeft = true;
    private boolean firstOfRound;

    ClientLife(ResilientClient.Builder builder) {
        this.name = builder.name;
        this.reconnect = builder.reconnect;
        this.settings = new PeerSettings(builder, reconnect.handshakeLimit());
        this.loops = Loops.of(builder, 1);
        this.loop = loops.next();
        this.attempts = new Attempts(builder, loops, loop);
        this.callbacks = new CallbackQueue(settings.executor, settings.inboundLimit, this::onInbound, this::onInbound);
        this.happenings = new Happenings(
                name, name, loop.ticker(), loop.ticker().nanoTime(), counting, callbacks, settings.onEvent);
        this.outbound =
                new Outbound(settings.outboundLimit, counting, settings.executor, () -> execute(this::tellWritability));
        this.writability = new WritabilityNews(outbound, happenings, loop);
        this.buffer = new SendBuffer(reconnect, outbound, loop);
        this.slot = new AttemptSlot(reconnect.budget());
        // A generator of its own: a thread's, used by another thread, would give every process the same "random"
        // delays.
        this.machine = new ConnectionMachine(reconnect, random);
        this.rounds = new Rounds(builder, settings.executor, loop);
    }

    /** From any thread, once. */
    void start() {
        loop.execute(() -> act(machine.onStart()));
    }

    /** From any thread. */
    Delivery send(Object message) {
        Objects.requireNonNull(message, "message");
        Object kept = settings.own(message);
        Delivery delivery = outbound.begin(settings.bytes(kept));
        if (delivery.state() == Delivery.State.NOT_SENT) {
            ReferenceCountUtil.release(kept);
        } else if (!execute(() -> submit(delivery, kept))) {
            ReferenceCountUtil.release(kept);
            outbound.notSent(delivery, name + " is CLOSED");
        }
        return delivery;
    }

    private void submit(Delivery delivery, Object message) {
        Link present = link;
        if (present != null && present.state() == ConnectionState.UP) {
            present.write(delivery, message);
        } else if (state != ConnectionState.CLOSED && (state != ConnectionState.DRAINING || machine.moves())) {
            buffer.add(delivery, message, name + " is " + state);
        } else {
            ReferenceCountUtil.release(message);
            outbound.notSent(delivery, name + " is " + state);
        }
    }

    /** From any thread. */
    void reconnectNow() {
        execute(() -> {
            Action action = machine.onReconnectNow();
            if (action == Action.DRAIN) {
                drain(settings.closeLimit, "reconnectNow");
            } else {
                act(action);
            }
        });
    }

    /** From any thread. */
    CompletionStage<Ending> end(Duration span, String why) {
        Runnable end = () -> {
            Action action = machine.onEnd();
            if (action == Action.DRAIN) {
                drain(span, why);
            } else if (action == Action.END) {
                last = Ending.of(Ending.Kind.CLOSED, why);
                act(action);
            }
        };
        if (!execute(
                end)) { // somebody has shut a shared loop down: nothing runs there any more, so it may run elsewhere
            loop.terminationFuture().addListener(done -> end.run());
        }
        return closed.minimalCompletionStage();
    }

    private void drain(Duration span, String why) {
        state = machine.state();
        leaveUp();
        Ending.Kind kind = machine.moves() ? Ending.Kind.MOVED : Ending.Kind.CLOSED;
        ageTimer.stop();
        Objects.requireNonNull(link).drain(span.toNanos(), Ending.of(kind, why), why);
    }

    /** Completes when there is a connection; the same for all who ask while there is none, whoever gives up. From any thread. */
    UpStage up() {
        return nextUp;
    }

    Optional<Connection> connection() {
        Link present = up;
        return present == null ? Optional.empty() : Optional.of(present.connection);
    }

    ConnectionState state() {
        return state;
    }

    /** Why the last attempt failed, for a message; empty where none has. */
    String lastFailure() {
        Ending failed = last;
        return failed == null ? "" : ", " + failed;
    }

    boolean mustNotWaitHere() {
        return loop.inEventLoop() || CallbackQueue.isCallbackThread();
    }

    void refuseToWaitHere(String what) {
        if (mustNotWaitHere()) {
            throw new IllegalStateException(what
                    + ": from a callback or an event loop (expected: another thread; what it waits for runs here)");
        }
    }

    private boolean execute(Runnable task) {
        return Loops.execute(loop, task);
    }

    // ---- what the machine says

    private void act(Action action) {
        state = machine.state();
        switch (action) {
            case NONE, DRAIN -> {}
            case RESOLVE -> resolve();
            case CONNECT -> connect();
            case WAIT -> {
                giveUpAttempt();
                await(machine.delayNanos());
            }
            case END -> finish();
        }
    }

    private void giveUpAttempt() {
        rounds.stop();
        waitTimer.stop();
        ageTimer.stop();
        Link present = link;
        link = null;
        if (present != null) {
            present.abandon(Ending.of(Ending.Kind.CLOSED, "the attempt was given up"));
        }
    }

    private void await(long nanos) {
        if (nanos == 0) {
            awaitSlot();
            return;
        }
        happenings.tell(new ConnectionEvent.Waiting(
                moment(), machine.failures(), Duration.ofNanos(nanos), Optional.ofNullable(last)));
        waitTimer.schedule(loop, nanos, this::awaitSlot);
    }

    /** The wait is over; the budget, and listeners that are far behind, may still hold us up. */
    private void awaitSlot() {
        if (machine.state() != ConnectionState.WAITING) {
            return;
        }
        if (happenings.isFarBehind()) {
            waitTimer.schedule(loop, Happenings.LOOK_AGAIN_NANOS, this::awaitSlot);
            return;
        }
        long wait = slot.waitNanos(now());
        if (wait > 0) {
            waitTimer.schedule(loop, wait, this::awaitSlot);
        } else {
            act(machine.onWaited());
        }
    }

    private void resolve() {
        long round = machine.round();
        firstOfRound = true;
        rounds.start(
                found -> {
                    if (found.addresses().isEmpty()) {
                        last = Ending.of(Ending.Kind.RESOLVE_FAILED, found.problem());
                        rounds.stop();
                        act(machine.onRoundFailed(round, false));
                    } else {
                        act(machine.onResolved(round, found.addresses()));
                    }
                },
                () -> {
                    last = Ending.of(
                            Ending.Kind.CONNECT_FAILED,
                            "no connection within the round limit " + reconnect.roundLimit() + lastFailure());
                    act(machine.onRoundFailed(round, link != null));
                });
    }

    private void connect() {
        Link before = link;
        link = null;
        if (before != null) {
            before.abandon(Ending.of(Ending.Kind.CLOSED, "the attempt was given up"));
        }
        Optional<Ending> why = firstOfRound ? Optional.empty() : Optional.ofNullable(last);
        firstOfRound = false;
        connect(machine.epoch(), why);
    }

    private void connect(long epoch, Optional<Ending> why) {
        if (epoch != machine.epoch() || machine.state() != ConnectionState.CONNECTING) {
            return;
        }
        long wait = slot.beginNanos(now());
        if (wait > 0) {
            waitTimer.schedule(loop, wait, () -> connect(epoch, why));
            return;
        }
        InetSocketAddress address = machine.address();
        drainAsked = null;
        counting.attempts.incrementAndGet();
        happenings.tell(new ConnectionEvent.Connecting(moment(), address, why));
        Link fresh = settings.newLink(this, epoch, outbound, callbacks);
        link = fresh;
        attempts.connect(fresh, address, how -> {
            if (fresh == link) {
                last = how;
                act(machine.onEnded(epoch, now(), how.kind() == Ending.Kind.REFUSED, 0));
            }
        });
    }

    private void finish() {
        giveUpAttempt();
        buffer.end(name + " is CLOSED");
        Ending how = machine.problem()
                .map(problem -> Ending.of(
                        Ending.Kind.REFUSED,
                        problem.getMessage() + (problem.getCause() == null ? "" : ": " + problem.getCause())))
                .orElseGet(() -> Objects.requireNonNullElseGet(last, () -> Ending.of(Ending.Kind.CLOSED, "closed")));
        last = how;
        happenings.tell(new ConnectionEvent.Closed(moment(), how));
        settings.execute(this::tellNoneWillBeUp);
        loops.end(() -> {
            Runnable over = () -> {
                tellNoneWillBeUp(); // the executor may be late with what it was given first
                closed.complete(how);
            };
            callbacks.add(0, over, over); // behind the last event
            settings.completeAtLast(closed, over);
        });
    }

    private void tellNoneWillBeUp() {
        nextUp.future().completeExceptionally(new IllegalStateException(name + ": CLOSED" + lastFailure()));
    }

    // ---- what the link tells

    @Override
    public void onConnected(Link connected) {
        machine.onConnected(connected.epoch);
        state = machine.state();
    }

    @Override
    public void onUp(Link shaken) {
        if (shaken != link || !machine.onHandshaken(shaken.epoch, now())) {
            shaken.abandon(Ending.of(Ending.Kind.CLOSED, "the attempt was given up"));
            return;
        }
        rounds.stop();
        refusedCredential = null;
        up = shaken; // before the state: who sees UP finds it
        state = machine.state();
        upLeft = false;
        counting.ups.incrementAndGet();
        happenings.tell(new ConnectionEvent.Up(moment(), shaken.connection, shaken.connection.options()));
        settings.complete(nextUp.future(), shaken.connection, null);
        buffer.sendAll(shaken::write);
        tellWritability();
        reconnect.ageNanos(random).ifPresent(age -> ageTimer.schedule(loop, age, this::onOld));
        Drain asked = drainAsked;
        if (asked != null) {
            onDrainAsked(shaken, asked);
        }
    }

    private void onOld() {
        if (machine.onOwnMove() == Action.DRAIN) {
            drain(settings.closeLimit, "maximum age");
        }
    }

    @Override
    public void onDrainAsked(Link asked, Drain drain) {
        if (asked != link) {
            return;
        }
        if (machine.onMove(true) == Action.DRAIN || machine.state() == ConnectionState.DRAINING) {
            drain(drain.span(), "the peer asks for it: DRAIN " + drain.reason()); // of several the shortest counts
        } else {
            drainAsked = drain;
        }
    }

    @Override
    public void onDrainWanted(Link wanted, Duration span) {
        if (wanted == link && (machine.onOwnMove() == Action.DRAIN || machine.state() == ConnectionState.DRAINING)) {
            drain(span, "drained"); // of several the shortest counts
        }
    }

    @Override
    public void onPeerEnds(Link ending) {
        if (ending == link) {
            machine.onMove(false);
            state = machine.state();
            leaveUp();
        }
    }

    @Override
    public void onGone(Link gone, Outcome outcome, boolean wasUp) {
        if (gone != link) {
            return;
        }
        link = null;
        ageTimer.stop();
        Ending how = outcome.ending();
        last = how;
        if (how.kind() != Ending.Kind.MOVED) {
            machine.onMoveFailed();
        }
        Action action = machine.onEnded(
                gone.epoch, now(), outcome.isForGood(), outcome.noEarlier().toNanos());
        state = machine.state();
        up = null;
        if (wasUp) {
            leaveUp();
            counting.downs.incrementAndGet();
            if (how.kind() == Ending.Kind.PEER_DEAD) {
                counting.deaths.incrementAndGet();
            }
            happenings.tell(new ConnectionEvent.Down(moment(), gone.connection, how));
        }
        act(action);
    }

    @Override
    public void onRemoved(Link removed) {}

    @Override
    public void onEvent(ConnectionEvent event) {
        happenings.tellIfRoom(event);
    }

    private ConnectionEvent.Moment moment() {
        return happenings.moment(machine.epoch(), machine.state());
    }

    @Override
    public ConnectionEvent.Moment moment(Link of) {
        return happenings.moment(of.epoch, state);
    }

    @Override
    public boolean isBehindProxy() {
        return attempts.hasProxy();
    }

    @Override
    public Counting counting() {
        return counting;
    }

    @Override
    public boolean isFinal(HandshakeRefusedException refused) {
        Optional<Object> credential = refused.credential();
        boolean again = credential.isPresent() && credential.get().equals(refusedCredential);
        refusedCredential = credential.orElse(null);
        return credential.isEmpty() || again;
    }

    private void onInbound() {
        execute(() -> {
            Link present = link;
            if (present != null) {
                present.adjustReading();
            }
        });
    }

    /** Who waits from now on waits for the next connection. */
    private void leaveUp() {
        if (!upLeft) {
            upLeft = true;
            nextUp = new UpStage();
        }
    }

    private void tellWritability() {
        writability.look(up);
    }

    static String address(InetSocketAddress address) {
        return new Endpoint(address.getHostString(), address.getPort()).toString();
    }

    private long now() {
        return loop.ticker().nanoTime();
    }
}
