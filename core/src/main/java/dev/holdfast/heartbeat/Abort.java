package dev.holdfast.heartbeat;

import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.wire.HelloHandler;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;

/** Ends a channel whose peer is dead: at once, with a reset, past every handler. */
@SuppressWarnings("FutureReturnValueIgnored") // a close tells of its end by the channel's events
final class Abort implements DeathAction {
    static final Abort INSTANCE = new Abort();

    private Abort() {}

    @Override
    public void end(Channel channel, PeerDeath death) {
        if (!death.cause().leavesPeerAlive()) {
            abort(channel, death);
        } else if (channel.pipeline().get(HelloHandler.class) == null) {
            channel.close();
        } // or else that one has said CLOSE, and sees to the rest
    }

    /** The close goes below the pipeline: an SslHandler would hold it back for its close_notify, which nobody will answer. */
    private static void abort(Channel channel, PeerDeath death) {
        ChannelOutboundBuffer pending = channel.unsafe().outboundBuffer();
        if (pending != null) {
            PeerDeadException cause = new PeerDeadException(death);
            pending.addFlush();
            // What is written because a write has failed fails with the close: who tries again and again must not keep
            // us here.
            for (int left = pending.size(); left > 0 && pending.remove(cause); left--) {}
        }
        if (channel.isOpen()) {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
        }
        channel.unsafe().close(channel.unsafe().voidPromise());
    }
}
