package dev.holdfast;

/**
 * Is given the peer's messages.
 *
 * @param <M> what the pipeline makes of them; {@code ByteBuf} with the framed protocol
 */
@FunctionalInterface
public interface MessageListener<M> {
    /**
     * A message has come. Called on the callback executor, never twice at once for one client or one connection of a server, in
     * the order in which the messages were sent. A reference-counted message is released when this method returns: retain it
     * to keep it. It may block: when too much waits behind it, reading is paused, and the peer slows down. When it returns, or
     * throws, which is logged, the message counts as read ({@link Delivery.State#CONFIRMED}).
     */
    void onMessage(Connection connection, M message);
}
