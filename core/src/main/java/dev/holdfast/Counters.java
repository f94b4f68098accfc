package dev.holdfast;

/**
 * What has happened since the start, in numbers, on one client or on all connections of a server. Immutable; take another one for
 * newer numbers.
 *
 * @param attempts connects begun, or connections accepted
 * @param ups connections that came up, their handshake complete
 * @param deaths connections that ended because the peer was dead or was given up
 * @param downs connections that were up and ended, deaths among them
 * @param refused connections turned away by a limit of the server's
 * @param sent messages that somebody wanted to send
 * @param written of these, handed to the kernel
 * @param confirmed of these, confirmed by the peer
 * @param notSent messages that never left, or not as a whole
 * @param unknown messages written and not confirmed when their connection ended
 * @param received messages handed to the message listener
 * @param eventsDropped events of less weight (suspicions, stalls) dropped because the listener was too far behind
 */
public record Counters(
        long attempts,
        long ups,
        long deaths,
        long downs,
        long refused,
        long sent,
        long written,
        long confirmed,
        long notSent,
        long unknown,
        long received,
        long eventsDropped) {}
