package dev.holdfast.heartbeat;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import java.io.IOException;

/** Ends a channel whose peer is dead: at once, with a reset, past every handler. */
final class Abort {
    private Abort() {}

    /**
     * Fails every write that is still pending with this cause, and closes the socket below the pipeline: an SslHandler would
     * hold the close back for its close_notify, which nobody will answer. On the event loop.
     */
    static void now(Channel channel, IOException cause) {
        ChannelOutboundBuffer pending = channel.unsafe().outboundBuffer();
        if (pending != null) {
            pending.addFlush();
            while (pending.remove(cause)) {
                // until nothing is left
            }
        }
        channel.config().setOption(ChannelOption.SO_LINGER, 0);
        channel.unsafe().close(channel.unsafe().voidPromise());
    }
}
