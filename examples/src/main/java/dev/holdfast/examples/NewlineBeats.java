package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatListener;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.LineBasedFrameDecoder;

/** Beats that nobody answers, each side just sends its own: a line end with nothing before it, as between STOMP's frames. */
public final class NewlineBeats implements HeartbeatProtocol {
    private static final int LONGEST_LINE = 8192;

    @Override
    public Answering answering() {
        return Answering.ONE_WAY;
    }

    @Override
    public Object ping(long sequence, ByteBufAllocator allocator) {
        return allocator.directBuffer(1).writeByte('\n');
    }

    @Override
    public Object pong(Object ping, ByteBufAllocator allocator) {
        throw new AssertionError("nothing is answered");
    }

    @Override
    public Kind classify(Object message) {
        return message instanceof ByteBuf line && !line.isReadable() ? Kind.PING : Kind.OTHER;
    }

    @Override
    public String toString() {
        return "a line end, one-way";
    }

    /** Behind what cuts lines, before what makes text of them: a beat costs no string. */
    static void addTo(ChannelPipeline pipeline, HeartbeatOptions options, HeartbeatListener listener) {
        pipeline.addLast(
                new LineBasedFrameDecoder(LONGEST_LINE),
                HeartbeatHandler.create(new NewlineBeats(), options, listener));
    }
}
