package dev.holdfast.heartbeat;

/** When beats are sent. */
public enum HeartbeatMode {
    /** At every grid point, whatever else flows: for a peer that counts on our beats, or a round-trip time measured all the time. */
    ALWAYS,
    /**
     * Only when the peer is quiet: application bytes from it put the next beat off to one interval after the last of them.
     * Answers to beats don't, so a quiet connection beats exactly on its grid. The default: a busy connection costs nothing.
     */
    WHEN_QUIET,
    /** Never: the peer is judged by what it sends on its own. */
    WATCH_ONLY
}
