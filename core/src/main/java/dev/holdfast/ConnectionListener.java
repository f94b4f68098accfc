package dev.holdfast;

/** Is told what happens to a connection. */
@FunctionalInterface
public interface ConnectionListener {
    /**
     * Something happened. Called on the callback executor, never twice at once for one client or one connection of a server, in
     * order, after the state it tells of is stored. It may call back and may block: that delays further callbacks, in the end
     * reading and new attempts, but no heartbeat. What it throws is logged.
     */
    void onEvent(ConnectionEvent event);
}
