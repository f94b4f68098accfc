package dev.holdfast.examples;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Cuts beats out of a stream that has no frames: each becomes a buffer of its own, wherever it stands, and what lies between
 * them is passed on as it is. Confined to the event loop.
 *
 * <p>A beat of several bytes may come in several reads, so the beginning of one at the end of a read is held back: until
 * it is complete, until other bytes show that it is none, until the end of the connection, or for {@value #HOLD_MILLIS} ms,
 * after which it passes as data. That is time for TCP to repeat a lost segment twice.
 */
final class BeatCutter extends ChannelInboundHandlerAdapter {
    static final int HOLD_MILLIS = 1000;
    private static final byte[] NOTHING = {};

    private final byte[] ping;
    private final byte[] pong;
    private byte[] held = NOTHING;
    private @Nullable Future<?> release;

    /** Neither of them may be the beginning of the other. */
    BeatCutter(byte[] ping, byte[] pong) {
        this.ping = ping.clone();
        this.pong = pong.clone();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof ByteBuf bytes)) {
            context.fireChannelRead(message);
            return;
        }
        ByteBuf in = held.length == 0 ? bytes : Unpooled.wrappedBuffer(Unpooled.wrappedBuffer(takeHeld()), bytes);
        try {
            cut(context, in);
        } finally {
            in.release();
        }
    }

    private void cut(ChannelHandlerContext context, ByteBuf in) {
        int at = in.readerIndex();
        while (at < in.writerIndex()) {
            int length = beatAt(in, at);
            if (length == 0) {
                at++;
                continue;
            }
            pass(context, in, at - in.readerIndex());
            if (length < 0) {
                hold(context, ByteBufUtil.getBytes(in));
                return;
            }
            pass(context, in, length);
            at = in.readerIndex();
        }
        pass(context, in, in.readableBytes());
    }

    private static void pass(ChannelHandlerContext context, ByteBuf in, int length) {
        if (length > 0) {
            context.fireChannelRead(in.readRetainedSlice(length));
        }
    }

    /** The length of the beat that begins here, 0 where none does, -1 where one may. */
    private int beatAt(ByteBuf in, int at) {
        int asPing = match(in, at, ping);
        if (asPing > 0) {
            return asPing;
        }
        int asPong = match(in, at, pong);
        return asPong > 0 ? asPong : Math.min(asPing, asPong);
    }

    private static int match(ByteBuf in, int at, byte[] beat) {
        int there = Math.min(beat.length, in.writerIndex() - at);
        for (int i = 0; i < there; i++) {
            if (in.getByte(at + i) != beat[i]) {
                return 0;
            }
        }
        return there == beat.length ? there : -1;
    }

    private void hold(ChannelHandlerContext context, byte[] beginning) {
        held = beginning;
        release = context.executor().schedule(() -> passHeld(context), HOLD_MILLIS, TimeUnit.MILLISECONDS);
    }

    private byte[] takeHeld() {
        byte[] taken = held;
        held = NOTHING;
        Future<?> timer = release;
        if (timer != null) {
            release = null;
            timer.cancel(false);
        }
        return taken;
    }

    private void passHeld(ChannelHandlerContext context) {
        byte[] data = takeHeld();
        if (data.length > 0) {
            context.fireChannelRead(Unpooled.wrappedBuffer(data));
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        passHeld(context);
        context.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        takeHeld();
    }
}
