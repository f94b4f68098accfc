package dev.holdfast.heartbeat;

import io.netty.channel.Channel;

/**
 * Is told what happens to a connection's heartbeat. Use one object for many connections: those of an event loop that have
 * the same options, protocol and listener share what they need, and the channel comes with each call.
 */
@FunctionalInterface
public interface HeartbeatListener {
    /**
     * Something happened. Called on the connection's event loop, in order, after the state it tells of is settled; it must
     * not block. What it throws is logged and changes nothing.
     */
    void onEvent(Channel channel, HeartbeatEvent event);
}
