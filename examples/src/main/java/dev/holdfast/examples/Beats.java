package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatListener;
import dev.holdfast.heartbeat.HeartbeatOptions;
import io.netty.channel.ChannelPipeline;

/**
 * A heartbeat as a command runs it.
 *
 * @param protocol what is spoken
 * @param options when, and what is told
 */
record Beats(BeatProtocol protocol, HeartbeatOptions options) {
    /** Puts the heartbeat, and what makes lines of the rest, at the end of a pipeline. */
    void addTo(ChannelPipeline pipeline, HeartbeatListener listener) {
        HeartbeatHandler heartbeat = HeartbeatHandler.create(protocol.beats(), options, listener);
        if (protocol.isOfLines()) {
            pipeline.addLast(new LineDecoder(), heartbeat);
        } else {
            protocol.cutter().ifPresent(pipeline::addLast);
            pipeline.addLast(heartbeat, new LineDecoder());
        }
    }
}
