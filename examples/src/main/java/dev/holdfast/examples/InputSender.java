package dev.holdfast.examples;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import java.io.ByteArrayOutputStream;
import java.io.IOException;

/**
 * Sends standard input to its end; while the connection takes no more, no more is read. On a thread of its own.
 *
 * <p>Where beats are lines, or lines are messages, only whole lines are sent, so that no beat comes to stand within one.
 */
final class InputSender implements Runnable {
    private static final int LONGEST_LINE = 1 << 20;

    private final Channel channel;
    private final PeerHandler handler;
    private final EventLog log;
    private final boolean wholeLines;
    /** The beginning of a line whose end has not been read. */
    private final ByteArrayOutputStream begun = new ByteArrayOutputStream();

    InputSender(Channel channel, PeerHandler handler, EventLog log, boolean wholeLines) {
        this.channel = channel;
        this.handler = handler;
        this.log = log;
        this.wholeLines = wholeLines;
    }

    @Override
    public void run() {
        byte[] chunk = new byte[8192];
        byte last = '\n';
        try {
            for (int count = System.in.read(chunk); count >= 0 && channel.isActive(); count = System.in.read(chunk)) {
                last = count == 0 ? last : chunk[count - 1];
                take(chunk, count);
            }
            if (last != '\n') {
                begun.write('\n'); // a last line without its end
                send();
            }
        } catch (IOException unreadable) {
            log.warn("standard input: " + unreadable.getMessage() + " (expected: lines to send)");
        }
    }

    private void take(byte[] chunk, int count) {
        int whole = wholeLines ? afterLastLine(chunk, count) : count;
        if (whole > 0) {
            begun.write(chunk, 0, whole);
            send();
        }
        begun.write(chunk, whole, count - whole);
        if (begun.size() > LONGEST_LINE) {
            log.warn("standard input: a line over " + LONGEST_LINE
                    + " bytes (expected: a shorter one; it goes in pieces, and a beat may come to stand between them)");
            send();
        }
    }

    private static int afterLastLine(byte[] chunk, int count) {
        int end = count;
        while (end > 0 && chunk[end - 1] != '\n') {
            end--;
        }
        return end;
    }

    private void send() {
        ChannelFuture written = handler.write(channel, Unpooled.wrappedBuffer(begun.toByteArray()));
        begun.reset();
        if (!channel.isWritable()) {
            written.awaitUninterruptibly();
        }
    }
}
