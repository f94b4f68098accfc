package dev.holdfast.examples;

import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.string.LineEncoder;
import io.netty.handler.codec.string.LineSeparator;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** What stands between the socket and a command's own handlers. */
final class Pipelines {
    private Pipelines() {}

    /** Makes lines of what comes in, and of the strings that go out; takes the beats out, if there are any. */
    static void add(ChannelPipeline pipeline, Optional<Beats> beats, PeerHandler handler) {
        pipeline.addLast(new LineEncoder(LineSeparator.UNIX, StandardCharsets.UTF_8));
        beats.ifPresentOrElse(
                each -> each.addTo(pipeline, (channel, event) -> handler.heard(event)),
                () -> pipeline.addLast(new LineDecoder()));
    }
}
