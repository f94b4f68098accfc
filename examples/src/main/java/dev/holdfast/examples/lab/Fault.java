package dev.holdfast.examples.lab;

import dev.holdfast.verdict.DeathCause;
import java.util.Locale;

/** What is done to a connection, and the cause that has to be named for it: {@link DeathCause} has the same as a table. */
enum Fault {
    /** Nothing that a connection may die of. */
    NONE(DeathCause.OTHER),
    /** The peer's host or the path is gone. */
    PATH_GONE(DeathCause.PATH_DEAD, DeathCause.PATH_DEAD, DeathCause.PATH_DEAD, DeathCause.HEARTBEAT_TIMEOUT),
    /** The same while more is to be sent than the kernel takes. */
    PATH_GONE_BEHIND_BACKLOG(
            DeathCause.PATH_DEAD, DeathCause.PATH_DEAD, DeathCause.PATH_DEAD, DeathCause.STALLED_WRITE),
    /** The peer's program does nothing. */
    HUNG(DeathCause.PEER_HUNG, DeathCause.HEARTBEAT_TIMEOUT, DeathCause.PEER_HUNG, DeathCause.HEARTBEAT_TIMEOUT),
    /** The peer reads nothing. */
    NOT_READING(
            DeathCause.PEER_NOT_READING,
            DeathCause.STALLED_WRITE,
            DeathCause.PEER_NOT_READING,
            DeathCause.STALLED_WRITE),
    /** Our own host lets nothing out. */
    LOCAL_DROP(DeathCause.LOCAL_DROP, DeathCause.PATH_DEAD, DeathCause.LOCAL_DROP, DeathCause.HEARTBEAT_TIMEOUT),
    /** Somebody sent a reset. */
    RESET(DeathCause.RESET),
    /** The network said unreachable. */
    UNREACHABLE(DeathCause.UNREACHABLE),
    /** Our own administrator. */
    LOCAL_KILL(DeathCause.LOCALLY_ABORTED),
    /** Somebody closes in the regular way: no death, and no cause. */
    CLOSED(DeathCause.OTHER),
    /** Nobody answers the connect. */
    CONNECT(DeathCause.CONNECT_TIMEOUT),
    /** The peer says nothing before its handshake is complete. */
    HANDSHAKE(DeathCause.HANDSHAKE_DEADLINE);

    private final DeathCause byKernelOnEpoll;
    private final DeathCause byKernelOnNio;
    private final DeathCause byHeartbeatOnEpoll;
    private final DeathCause byHeartbeatOnNio;

    Fault(DeathCause always) {
        this(always, always, always, always);
    }

    Fault(
            DeathCause byKernelOnEpoll,
            DeathCause byKernelOnNio,
            DeathCause byHeartbeatOnEpoll,
            DeathCause byHeartbeatOnNio) {
        this.byKernelOnEpoll = byKernelOnEpoll;
        this.byKernelOnNio = byKernelOnNio;
        this.byHeartbeatOnEpoll = byHeartbeatOnEpoll;
        this.byHeartbeatOnNio = byHeartbeatOnNio;
    }

    DeathCause cause(boolean byHeartbeat, boolean onEpoll) {
        if (onEpoll) {
            return byHeartbeat ? byHeartbeatOnEpoll : byKernelOnEpoll;
        }
        return byHeartbeat ? byHeartbeatOnNio : byKernelOnNio;
    }

    String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
