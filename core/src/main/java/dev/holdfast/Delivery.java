package dev.holdfast;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a message that was sent. Thread-safe.
 *
 * <pre>
 * PENDING -> NOT_SENT
 *         -> WRITTEN -> CONFIRMED
 *                    -> UNKNOWN
 * </pre>
 *
 * <p>WRITTEN is the last state, too, where nothing can confirm: a heartbeat that is not answered, on NIO. Its stages complete on
 * the callback executor.
 */
public final class Delivery {
    /** What is known of a message. */
    public enum State {
        /** It waits: for the connection, or for the kernel to take it. */
        PENDING,
        /** The kernel has taken all of it; no more is known. */
        WRITTEN,
        /** The peer has it; {@link Delivery#confirmation()} says who of them. */
        CONFIRMED,
        /** It never left, or not as a whole: the peer does not have it. */
        NOT_SENT,
        /** It was written, and its connection ended before it was confirmed: the peer may have it or not. */
        UNKNOWN
    }

    /** Who has confirmed. */
    public enum Confirmation {
        /**
         * The peer's program: an answer came to a ping that was written after the message. In the framed protocol, between two ends
         * of this library, that answer leaves when the peer's message listener has returned; in a pipeline of one's own it
         * proves that the peer's program has read the message off the socket.
         */
        PROGRAM,
        /** Only the peer's kernel, or a proxy that ends TCP in front of it, has acknowledged the bytes. */
        KERNEL
    }

    private final long id;
    private final int bytes;
    private final Executor executor;

    /** Written by the connection's event loop, or by who made it before anybody else sees it. */
    private volatile State state = State.PENDING;

    // each written before the state that goes with it
    private volatile @Nullable Confirmation confirmation;
    private volatile @Nullable String reason;

    // made by whoever asks first, completed by whoever finds the state reached
    private final AtomicReference<@Nullable CompletableFuture<Delivery>> written = new AtomicReference<>();
    private final AtomicReference<@Nullable CompletableFuture<Delivery>> confirmed = new AtomicReference<>();

    private volatile boolean unconfirmable;

    /** Makes a confirmation come soon; set before WRITTEN, null where none is on its way. */
    private volatile @Nullable Runnable hasten;

    Delivery(long id, int bytes, Executor executor) {
        this.id = id;
        this.bytes = bytes;
        this.executor = executor;
    }

    /** The number of the message: of one client, or one connection of a server, from 1. */
    public long id() {
        return id;
    }

    /** How many bytes the message counts for. */
    public int bytes() {
        return bytes;
    }

    /** What is known now. */
    public State state() {
        return state;
    }

    /** Who has confirmed; empty unless CONFIRMED. */
    public Optional<Confirmation> confirmation() {
        return Optional.ofNullable(confirmation);
    }

    /** Why it was NOT_SENT or is UNKNOWN; empty otherwise. */
    public Optional<String> reason() {
        return Optional.ofNullable(reason);
    }

    /** Completes when it is WRITTEN; fails with a {@link DeliveryException} if it is NOT_SENT. */
    public CompletionStage<Delivery> written() {
        return stage(written);
    }

    /**
     * Completes when it is CONFIRMED, or WRITTEN where nothing can confirm; fails with a {@link DeliveryException} if it is NOT_SENT
     * or UNKNOWN. Who asks hastens the ping that confirms. Do not wait for it in a message listener: it comes when the peer's
     * listener has returned, which may be waiting for ours.
     */
    public CompletionStage<Delivery> confirmed() {
        CompletionStage<Delivery> asked = stage(confirmed);
        Runnable sooner = hasten;
        if (sooner != null) {
            sooner.run();
        }
        return asked;
    }

    /** Whether somebody waits for the confirmation. */
    boolean isConfirmationAwaited() {
        return confirmed.get() != null;
    }

    /** The message is on its way to the kernel, on a connection that can confirm. */
    void onConfirmable(Runnable sooner) {
        hasten = sooner;
    }

    /** The kernel has taken all of it. False if that, or something beyond it, was known. */
    boolean onWritten() {
        return become(State.WRITTEN, State.PENDING);
    }

    /** The peer has it. */
    boolean onConfirmed(Confirmation who) {
        if (state != State.WRITTEN) {
            return false;
        }
        confirmation = who;
        hasten = null;
        return become(State.CONFIRMED, State.WRITTEN);
    }

    /** Nothing can confirm it: WRITTEN, which follows, is all that will be known. */
    void onUnconfirmable() {
        hasten = null;
        unconfirmable = true;
    }

    /** It never left, or not as a whole. */
    boolean onNotSent(String why) {
        if (state != State.PENDING) {
            return false;
        }
        reason = why;
        hasten = null;
        return become(State.NOT_SENT, State.PENDING);
    }

    /** Its connection ended. */
    boolean onConnectionEnded(String why) {
        if (state != State.WRITTEN) {
            return false;
        }
        reason = why;
        hasten = null;
        return become(State.UNKNOWN, State.WRITTEN);
    }

    private boolean become(State next, State from) {
        if (state != from) {
            return false;
        }
        state = next;
        tell();
        return true;
    }

    private CompletionStage<Delivery> stage(AtomicReference<@Nullable CompletableFuture<Delivery>> place) {
        CompletableFuture<Delivery> fresh = new CompletableFuture<>();
        CompletableFuture<Delivery> asked = place.compareAndExchange(null, fresh);
        tell();
        return (asked == null ? fresh : asked).minimalCompletionStage();
    }

    /** Completes what was asked for and is reached. The state is stored before, or the stage: nobody is missed. */
    private void tell() {
        CompletableFuture<Delivery> first = written.get();
        CompletableFuture<Delivery> second = confirmed.get();
        State now = state;
        switch (now) {
            case PENDING -> {}
            case WRITTEN -> {
                complete(first, now);
                if (unconfirmable) {
                    complete(second, now);
                }
            }
            case CONFIRMED, NOT_SENT -> {
                complete(first, now);
                complete(second, now);
            }
            case UNKNOWN -> {
                complete(first, State.WRITTEN);
                complete(second, now);
            }
        }
    }

    private void complete(@Nullable CompletableFuture<Delivery> asked, State reached) {
        if (asked == null || asked.isDone()) {
            return;
        }
        Runnable completion = reached == State.NOT_SENT || reached == State.UNKNOWN
                ? () -> asked.completeExceptionally(new DeliveryException(this, String.valueOf(reason)))
                : () -> asked.complete(this);
        PeerSettings.execute(executor, completion);
    }
}
