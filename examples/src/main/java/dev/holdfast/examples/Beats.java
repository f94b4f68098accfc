package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatListener;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.wire.FrameDecoder;
import dev.holdfast.wire.Hello;
import dev.holdfast.wire.HelloHandler;
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
        switch (protocol.form()) {
            case FRAMES -> {
                Hello hello = hello();
                pipeline.addLast(new FrameDecoder(hello), new HelloHandler(hello), heartbeat, new FramedLines());
            }
            case LINES -> pipeline.addLast(new LineDecoder(), heartbeat);
            case BYTES -> {
                protocol.cutter().ifPresent(pipeline::addLast);
                pipeline.addLast(heartbeat, new LineDecoder());
            }
        }
    }

    /** What we say: our times, or, where beats are only answered, that we neither send nor wish any. */
    private Hello hello() {
        return (options.isManualStart() ? Hello.builder() : options.hello()).build();
    }
}
