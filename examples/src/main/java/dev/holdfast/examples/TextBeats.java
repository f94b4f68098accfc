package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatListener;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.handler.codec.string.LineEncoder;
import io.netty.handler.codec.string.LineSeparator;
import io.netty.handler.codec.string.StringDecoder;
import java.nio.charset.StandardCharsets;

/** Beats of a line protocol, answered and counted: {@code BEAT 17} draws {@code HEARD 17}. */
public final class TextBeats implements HeartbeatProtocol {
    private static final String BEAT = "BEAT ";
    private static final String HEARD = "HEARD ";
    private static final int LONGEST_LINE = 8192;
    private static final int LONGEST_NUMBER = 18;

    @Override
    public Answering answering() {
        return Answering.ANSWERED;
    }

    @Override
    public Object ping(long sequence, ByteBufAllocator allocator) {
        return BEAT + sequence;
    }

    @Override
    public Object pong(Object ping, ByteBufAllocator allocator) {
        return HEARD + sequence(ping);
    }

    @Override
    public Kind classify(Object message) {
        if (!(message instanceof String line) || sequence(line) == NO_SEQUENCE) {
            return Kind.OTHER;
        }
        return line.startsWith(BEAT) ? Kind.PING : Kind.PONG;
    }

    @Override
    public long sequence(Object message) {
        String line = (String) message;
        if (line.startsWith(BEAT)) {
            return number(line, BEAT.length());
        }
        return line.startsWith(HEARD) ? number(line, HEARD.length()) : NO_SEQUENCE;
    }

    /** What came from the peer may be anything, and must not throw. */
    private static long number(String line, int from) {
        int digits = line.length() - from;
        boolean isNumber = digits > 0
                && digits <= LONGEST_NUMBER
                && line.chars().skip(from).allMatch(each -> each >= '0' && each <= '9');
        return isNumber ? Long.parseLong(line, from, line.length(), 10) : NO_SEQUENCE;
    }

    @Override
    public String toString() {
        return "BEAT n/HEARD n";
    }

    /** Behind what makes strings of lines, and lines of strings; your own handlers follow. */
    static void addTo(ChannelPipeline pipeline, HeartbeatOptions options, HeartbeatListener listener) {
        pipeline.addLast(
                new LineBasedFrameDecoder(LONGEST_LINE),
                new StringDecoder(StandardCharsets.UTF_8),
                new LineEncoder(LineSeparator.UNIX, StandardCharsets.UTF_8),
                HeartbeatHandler.create(new TextBeats(), options, listener));
    }
}
