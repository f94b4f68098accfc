package dev.holdfast.examples;

import dev.holdfast.Connection;
import dev.holdfast.PeerBuilder;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.policy.LivenessPolicy;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.string.LineEncoder;
import io.netty.handler.codec.string.LineSeparator;
import java.nio.charset.StandardCharsets;
import java.util.function.BiConsumer;

/**
 * What a command speaks through the connection layer: lines, each a message, and beats.
 *
 * @param protocol what a beat is
 * @param liveness when there are beats, and the options of the socket
 */
record Spoken(BeatProtocol protocol, LivenessPolicy liveness) {
    /** Tells a client or a server to speak it, and who is given the lines. */
    <B extends PeerBuilder<B>> B by(B builder, BiConsumer<Connection, String> lines) {
        builder.liveness(liveness);
        if (protocol.isFramed()) {
            return builder.onMessage(
                    (connection, message) -> lines.accept(connection, message.toString(StandardCharsets.UTF_8)));
        }
        return builder.pipeline(this::addCodec, protocol.beats()).onMessage(String.class, lines::accept);
    }

    private void addCodec(ChannelPipeline pipeline) {
        pipeline.addLast(new LineEncoder(LineSeparator.UNIX, StandardCharsets.UTF_8));
        protocol.cutter().ifPresent(pipeline::addLast);
        pipeline.addLast(
                protocol.form() == BeatProtocol.Form.BYTES
                        ? new LinesBesideBeats(protocol.beats())
                        : new LineDecoder());
    }

    /** Makes lines of the data, and leaves the beats that were cut out of it as they are. */
    private static final class LinesBesideBeats extends LineDecoder {
        private final HeartbeatProtocol beats;

        LinesBesideBeats(HeartbeatProtocol beats) {
            this.beats = beats;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
            if (beats.classify(message) == HeartbeatProtocol.Kind.OTHER) {
                super.channelRead(context, message);
            } else {
                context.fireChannelRead(message);
            }
        }
    }
}
