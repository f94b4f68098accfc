package dev.holdfast.verdict;

/**
 * Why a connection died, or never came to be.
 *
 * <p>A close that the peer asked for (FIN) is no death and has no cause here. What can be named depends on whether the kernel
 * can be asked: on epoll it can, on NIO there is only the error, or the heartbeat's own silence.
 *
 * <table>
 *   <caption>Fault and cause</caption>
 *   <thead>
 *     <tr><th>fault</th><th>cause on epoll</th><th>cause on NIO</th></tr>
 *   </thead>
 *   <tbody>
 *     <tr><td>the peer's host or the path is gone, noticed by the kernel</td><td>PATH_DEAD</td><td>PATH_DEAD</td></tr>
 *     <tr><td>the same, noticed by the heartbeat</td><td>PATH_DEAD</td><td>HEARTBEAT_TIMEOUT, or STALLED_WRITE behind a
 *         full send buffer</td></tr>
 *     <tr><td>the peer's program hangs, its kernel answers</td><td>PEER_HUNG</td><td>HEARTBEAT_TIMEOUT</td></tr>
 *     <tr><td>the peer reads nothing while we write</td><td>PEER_NOT_READING</td><td>STALLED_WRITE</td></tr>
 *     <tr><td>our own firewall or queue drops what we send, noticed by the kernel</td><td>LOCAL_DROP</td>
 *         <td>PATH_DEAD</td></tr>
 *     <tr><td>the same, noticed by the heartbeat</td><td>LOCAL_DROP</td><td>HEARTBEAT_TIMEOUT</td></tr>
 *     <tr><td>a reset by the peer or a box in between</td><td>RESET</td><td>RESET</td></tr>
 *     <tr><td>ICMP unreachable, no route</td><td>UNREACHABLE</td><td>UNREACHABLE</td></tr>
 *     <tr><td>the socket is ended on our own host</td><td>LOCALLY_ABORTED</td><td>LOCALLY_ABORTED</td></tr>
 *     <tr><td>nobody answers the connect</td><td>CONNECT_TIMEOUT</td><td>CONNECT_TIMEOUT</td></tr>
 *     <tr><td>the peer is silent before its handshake is complete (HELLO, TLS)</td><td>HANDSHAKE_DEADLINE</td>
 *         <td>HANDSHAKE_DEADLINE</td></tr>
 *     <tr><td>the peer pings faster than permitted</td><td>FLOOD</td><td>FLOOD</td></tr>
 *     <tr><td>the peer breaks the rules of the protocol, or nothing can be agreed with it</td><td>PROTOCOL_ERROR</td>
 *         <td>PROTOCOL_ERROR</td></tr>
 *     <tr><td>the peer closes (FIN) while data of ours has not left, as far as can be seen</td><td>CLOSED_EARLY</td>
 *         <td>CLOSED_EARLY</td></tr>
 *     <tr><td>a certificate is refused, or a record cannot be read</td><td>TLS_FAILURE</td><td>TLS_FAILURE</td></tr>
 *   </tbody>
 * </table>
 */
public enum DeathCause {
    /** The peer's host, or the path to it, is gone: data or probes stay unacknowledged. */
    PATH_DEAD,
    /** The peer's kernel, or a proxy that ends TCP there, acknowledges; the program behind it does not answer. */
    PEER_HUNG,
    /** The peer's kernel answers, its window is closed and stays closed: the peer's program does not read. */
    PEER_NOT_READING,
    /** The peer's window is open, and what we send does not leave our own host. */
    LOCAL_DROP,
    /** What we wrote stands still, and it cannot be told why. */
    STALLED_WRITE,
    /** A RST, from the peer or from a box in between that forgot the connection. */
    RESET,
    /** The network said that the peer cannot be reached (ICMP unreachable, no route). */
    UNREACHABLE,
    /** Something on our own host ended the socket ({@code ss -K}, an administrator). */
    LOCALLY_ABORTED,
    /** Nothing came, and the kernel cannot be asked why, or had nothing of ours to acknowledge. */
    HEARTBEAT_TIMEOUT,
    /** Nothing answered the connect in time. */
    CONNECT_TIMEOUT,
    /** The connection was there, but the peer did not finish the handshake in time. */
    HANDSHAKE_DEADLINE,
    /** The peer pinged faster than permitted, for long. */
    FLOOD,
    /** The peer sent what the protocol forbids, or agrees to nothing that we can accept. */
    PROTOCOL_ERROR,
    /** TLS failed: a certificate was refused by one of the sides, or a record could not be read. */
    TLS_FAILURE,
    /** The peer closed in the regular way, but data of ours had not left yet, and never will. */
    CLOSED_EARLY,
    /** An error that none of the others describes; the exception is all there is. */
    OTHER;

    /** Whether somebody lives there all the same, and it is we who end the connection. */
    public boolean leavesPeerAlive() {
        return this == HANDSHAKE_DEADLINE || this == FLOOD || this == PROTOCOL_ERROR || this == TLS_FAILURE;
    }
}
