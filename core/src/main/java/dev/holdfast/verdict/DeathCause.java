package dev.holdfast.verdict;

/**
 * Why a connection died, or never came to be.
 *
 * <p>A close that the peer asked for (FIN, with nothing outstanding) is no death and has no cause here. On NIO there is
 * no tcp_info, and where the error alone does not tell two causes apart the constant says which is named.
 */
public enum DeathCause {
    /** The peer's host, or the path to it, is gone: data or keepalive probes stay unacknowledged. NIO: also LOCAL_DROP. */
    PATH_DEAD,
    /** The peer's host answers, its window is closed and stays closed: the peer's program does not read. */
    PEER_NOT_READING,
    /** Our own firewall or queue drops what we send. NIO: named PATH_DEAD. */
    LOCAL_DROP,
    /** A RST, from the peer or from a box in between that forgot the connection. */
    RESET,
    /** The network said that the peer cannot be reached (ICMP unreachable, no route). */
    UNREACHABLE,
    /** Something on our own host ended the socket ({@code ss -K}, an administrator). */
    LOCALLY_ABORTED,
    /** Nothing answered the connect in time. */
    CONNECT_TIMEOUT,
    /** An error that none of the others describes; the exception is all there is. */
    OTHER
}
