package dev.holdfast;

import static dev.holdfast.ConnectionState.CLOSED;
import static dev.holdfast.ConnectionState.CONNECTING;
import static dev.holdfast.ConnectionState.DRAINING;
import static dev.holdfast.ConnectionState.HANDSHAKING;
import static dev.holdfast.ConnectionState.IDLE;
import static dev.holdfast.ConnectionState.RESOLVING;
import static dev.holdfast.ConnectionState.UP;
import static dev.holdfast.ConnectionState.WAITING;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * When to resolve, connect, wait and end: the life of a client's connection without a socket, a thread or a clock. Events and
 * the present time come in, what is to be done goes out. Not thread-safe.
 *
 * <p>A round is one resolution and the addresses it gave, each tried once, in turn. Every round has a number, and so has every
 * attempt: its epoch. An event with the number of another one comes too late and changes nothing.
 */
final class ConnectionMachine {
    /** What the caller has to do. Whatever there is of an earlier attempt has to be given up for all but the first two. */
    enum Action {
        /** Nothing. */
        NONE,
        /** Finish what was sent, then close the connection of the present epoch. */
        DRAIN,
        /** Resolve the names, for the present round. */
        RESOLVE,
        /** Connect to {@link #address()}, in the present epoch. */
        CONNECT,
        /** Wait for {@link #delayNanos()}, and for a slot of the budget. */
        WAIT,
        /** It is over. */
        END
    }

    private final Backoff backoff;
    private final long stableNanos;
    private final boolean reconnects;
    private final RandomGenerator random;

    private ConnectionState state = IDLE;
    private long round;
    private long epoch;
    private List<InetSocketAddress> addresses = List.of();
    private int next;
    private int failures;
    private long delayNanos;
    private long upSinceNanos;
    private @Nullable IllegalStateException problem;
    private boolean moves;
    private boolean movesAtOnce;
    private boolean ownWish;

    /** The address that failed last, or that we were asked to leave; null if none has. */
    private @Nullable InetSocketAddress lastFailed;

    ConnectionMachine(ReconnectOptions options, RandomGenerator random) {
        this.backoff = options.backoff();
        this.stableNanos = options.stableAfter().toNanos();
        this.reconnects = options.reconnects();
        this.random = random;
    }

    ConnectionState state() {
        return state;
    }

    /** The number of the present round, or of the last one. */
    long round() {
        return round;
    }

    /** The number of the present attempt, or of the last one; 0 before the first. */
    long epoch() {
        return epoch;
    }

    /** Where the present attempt goes to. */
    InetSocketAddress address() {
        return addresses.get(next);
    }

    /** Failed rounds, and connections that did not last, in a row. */
    int failures() {
        return failures;
    }

    /** How long {@link Action#WAIT} waits. */
    long delayNanos() {
        return delayNanos;
    }

    /** What was wrong with the user's backoff, which has ended the connection; empty if nothing was. */
    Optional<IllegalStateException> problem() {
        return Optional.ofNullable(problem);
    }

    /** Whether another connection follows the one that drains. */
    boolean moves() {
        return moves;
    }

    /** Connections are wanted from now on: the first slot is waited for. */
    Action onStart() {
        if (state != IDLE) {
            throw illegal(WAITING);
        }
        return waitFor(0);
    }

    /** The delay has passed, and the budget has a slot. */
    Action onWaited() {
        if (state != WAITING) {
            return Action.NONE;
        }
        state = RESOLVING;
        round++;
        return Action.RESOLVE;
    }

    /** The names have been resolved, to one address at least. */
    Action onResolved(long ofRound, List<InetSocketAddress> found) {
        if (ofRound != round || state != RESOLVING) {
            return Action.NONE;
        }
        if (found.isEmpty()) {
            return again(0);
        }
        List<InetSocketAddress> inTurn = new ArrayList<>(new LinkedHashSet<>(found));
        // Begins behind the one that failed last: where the limit of a round cuts it short, the rest comes first in the
        // next.
        Collections.rotate(inTurn, -1 - inTurn.indexOf(lastFailed));
        addresses = List.copyOf(inTurn);
        next = -1;
        return connectNext();
    }

    private Action connectNext() {
        next++;
        epoch++;
        state = CONNECTING;
        return Action.CONNECT;
    }

    /**
     * Nothing can be connected to in this round, or not for longer: the resolution failed, or the round's limit has passed.
     *
     * @param tried whether the attempt at the present address has begun
     */
    Action onRoundFailed(long ofRound, boolean tried) {
        if (ofRound != round) {
            return Action.NONE;
        }
        return switch (state) {
            case CONNECTING, HANDSHAKING -> {
                lastFailed = tried ? address() : lastFailed;
                yield again(0);
            }
            case RESOLVING -> again(0);
            case IDLE, UP, DRAINING, WAITING, CLOSED -> Action.NONE;
        };
    }

    /** The peer's kernel has accepted. */
    void onConnected(long ofEpoch) {
        if (ofEpoch == epoch && state == CONNECTING) {
            state = HANDSHAKING;
        }
    }

    /** The handshake is complete. True if the connection is up by it. */
    boolean onHandshaken(long ofEpoch, long now) {
        if (ofEpoch != epoch || state != HANDSHAKING) {
            return false;
        }
        state = UP;
        upSinceNanos = now;
        return true;
    }

    /**
     * The attempt failed or its connection is gone.
     *
     * @param forGood whether it makes no sense to try again
     * @param noEarlierNanos how long the peer wants to be left alone
     */
    Action onEnded(long ofEpoch, long now, boolean forGood, long noEarlierNanos) {
        if (ofEpoch != epoch) {
            return Action.NONE;
        }
        return switch (state) {
            case CONNECTING, HANDSHAKING -> onAttemptFailed(forGood, noEarlierNanos);
            case UP -> onGone(now, forGood, noEarlierNanos);
            case DRAINING -> moves ? onGone(now, forGood, noEarlierNanos) : end();
            case IDLE, RESOLVING, WAITING, CLOSED -> Action.NONE;
        };
    }

    private Action onAttemptFailed(boolean forGood, long noEarlierNanos) {
        lastFailed = address();
        if (forGood) {
            return end();
        }
        return next + 1 < addresses.size() && (noEarlierNanos == 0 || !reconnects)
                ? connectNext()
                : again(noEarlierNanos);
    }

    private Action onGone(long now, boolean forGood, long noEarlierNanos) {
        boolean stable = now - upSinceNanos >= stableNanos;
        boolean atOnce = movesAtOnce && (stable || ownWish) && !forGood && noEarlierNanos == 0;
        moves = false;
        movesAtOnce = false;
        ownWish = false;
        lastFailed = address();
        failures = stable ? 0 : failures;
        return atOnce ? waitFor(0) : forGood ? end() : again(noEarlierNanos);
    }

    private Action again(long noEarlierNanos) {
        if (!reconnects) {
            return end();
        }
        failures = failures == Integer.MAX_VALUE ? failures : failures + 1;
        try {
            long delay = BackoffDelay.nanos(backoff, failures, random);
            // A sum: all whom a peer asked to stay away for 10 s would otherwise come back at the same instant.
            return waitFor(noEarlierNanos > Long.MAX_VALUE - delay ? Long.MAX_VALUE : noEarlierNanos + delay);
        } catch (IllegalStateException broken) {
            problem = broken;
            return end();
        }
    }

    private Action waitFor(long nanos) {
        state = WAITING;
        delayNanos = nanos;
        return Action.WAIT;
    }

    /** Somebody wants a connection now: a wait is cut short, a connection that is up is left for a new one. */
    Action onReconnectNow() {
        return switch (state) {
            case WAITING -> delayNanos == 0 ? Action.NONE : waitFor(0); // the slot is kept
            case UP -> reconnects ? onOwnMove() : Action.NONE; // there would be no other
            case IDLE -> throw illegal(RESOLVING);
            case RESOLVING, CONNECTING, HANDSHAKING, DRAINING, CLOSED -> Action.NONE;
        };
    }

    /**
     * The connection is to be left for another one, if it is up.
     *
     * @param ours whether that is one client's own time to move. Then the next round follows at once, where the connection was
     *     stable; otherwise the peer ends many connections at the same time, perhaps, and the backoff spreads them
     */
    Action onMove(boolean ours) {
        if (state != UP) {
            return Action.NONE;
        }
        state = DRAINING;
        moves = reconnects;
        movesAtOnce = ours && reconnects;
        return Action.DRAIN;
    }

    /**
     * We leave the connection by our own wish, its age for instance. The next round follows at once, however short the connection was: it
     * is no failure of anybody's.
     */
    Action onOwnMove() {
        Action action = onMove(true);
        ownWish |= action == Action.DRAIN;
        return action;
    }

    /** The connection ended otherwise than we meant it to: others may have lost theirs, too, so the backoff spreads us. */
    void onMoveFailed() {
        movesAtOnce = false;
        ownWish = false;
    }

    /** No connection is wanted any more. One that is up is drained first. */
    Action onEnd() {
        return switch (state) {
            case UP, DRAINING -> {
                state = DRAINING;
                moves = false;
                movesAtOnce = false;
                yield Action.DRAIN;
            }
            case IDLE, RESOLVING, CONNECTING, HANDSHAKING, WAITING -> end();
            case CLOSED -> Action.NONE;
        };
    }

    private Action end() {
        state = CLOSED;
        moves = false;
        movesAtOnce = false;
        return Action.END;
    }

    private IllegalStateException illegal(ConnectionState to) {
        return new IllegalStateException("connection: " + state + " to " + to + " (expected: a legal step)");
    }
}
