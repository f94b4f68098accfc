package dev.holdfast.heartbeat;

import dev.holdfast.verdict.PeerDeath;
import io.netty.channel.Channel;

/** What is done to a channel whose peer is dead. */
@FunctionalInterface
public interface DeathAction {
    /**
     * Ends the channel, or does not: then it stays open without a heartbeat, and what the peer still sends passes on, unless it
     * was given up alive (a flood, a broken protocol). Called once, on the channel's event loop, after the listener was told. If it throws,
     * that is logged and the channel is aborted.
     */
    void end(Channel channel, PeerDeath death);

    /**
     * The default: every pending write fails with a {@link PeerDeadException}, and the socket is closed with a reset, past
     * every handler, without waiting for TLS to say goodbye to somebody who does not listen. Where the peer lives and it is
     * we who give it up (a flood, a broken protocol, a handshake that failed), the channel is closed in the regular way.
     */
    static DeathAction abort() {
        return Abort.INSTANCE;
    }
}
