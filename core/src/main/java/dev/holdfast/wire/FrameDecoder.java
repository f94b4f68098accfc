package dev.holdfast.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.ByteToMessageDecoder;
import org.jspecify.annotations.Nullable;

/**
 * Cuts the inbound stream into frames, checks each against the rules of the protocol and passes it on as a {@link
 * ByteBuf}, header included, that belongs to the next handler. One decoder serves one channel, on its event loop.
 *
 * <p>A frame's length is checked as soon as its eight bytes of header are there, before memory is taken for the rest.
 * Unknown optional frames are dropped as they arrive. When the peer breaks a rule, a {@link ProtocolException} goes down
 * the pipeline as {@code exceptionCaught}, once, and everything after it is dropped unread; so is everything after a
 * CLOSE, and after a failure of our own, such as a lack of memory. To answer with a CLOSE and to close the channel is up to the handlers behind.
 *
 * <p>A frame may share its memory with the others of the same read: who keeps small messages for long copies them. Where
 * auto-read is off, a read that completed no frame is followed by another. When the decoder is removed, bytes not yet
 * cut go to the next handler as they are.
 */
public final class FrameDecoder extends ChannelInboundHandlerAdapter {
    /*
     * Why not a ByteToMessageDecoder: it keeps the buffer of a read for itself, so each frame has to be a slice of it, and
     * with Netty's default (adaptive) allocator a slice is a new object. Here a buffer that holds exactly one frame, the
     * rule for beats, is passed on itself, and a small frame among others is copied into a recycled buffer.
     */

    /** Frames up to this size are copied out of a buffer that holds more: every frame but DATA, and short messages. */
    private static final int COPIED_LENGTH = 64;

    private final FrameRules rules;

    /** What was read and not yet cut; never without readable bytes after {@link #channelRead}. */
    private @Nullable ByteBuf pending;

    /** Of the frame whose header was checked, the bytes still to be cut, header included; 0 between frames. */
    private int awaited;

    private boolean skipping;
    private boolean decoding;

    /** Whether bytes have come, and whether a frame was passed on, since the last {@link #channelReadComplete}. */
    private boolean fed;

    private boolean delivered;
    private boolean cutOff;
    private long receivedBytes;

    /**
     * A decoder for the peer that is sent this HELLO.
     *
     * @param ours names the longest payload that the peer may send
     */
    public FrameDecoder(Hello ours) {
        this.rules = new FrameRules(ours.maxPayload());
    }

    /**
     * Holds a smaller limit than our HELLO announced, until it is called again: for the time in which a stranger should not
     * make us hold much. It counts for DATA and for frames that are skipped, from the next header that is looked at; a frame
     * above it breaks the protocol, {@link CloseReason#FRAME_TOO_LARGE}. Only on the channel's event loop.
     *
     * @param bytes from {@link Hello#MIN_MAX_PAYLOAD} to what our HELLO announced, which is the limit from the beginning
     * @throws IllegalArgumentException if it is out of range
     */
    public void limitPayload(int bytes) {
        rules.limitPayload(bytes);
    }

    /**
     * How many bytes have come so far. It grows while a long frame is still under way, too: a handler behind, which sees
     * whole frames only, compares it at {@code channelReadComplete} to know whether the peer gave a sign of life.
     */
    public long receivedBytes() {
        return receivedBytes;
    }

    /**
     * Whether a part of a frame has come and the rest not yet. Still true at {@code channelInactive} and after it, if the
     * stream was cut off there.
     */
    public boolean isInsideFrame() {
        return pending != null || awaited > 0 || cutOff;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        assert context.executor().inEventLoop();
        if (!(message instanceof ByteBuf in)) {
            context.fireChannelRead(message);
            return;
        }
        receivedBytes += in.readableBytes();
        fed = true;
        try {
            pending = join(context.alloc(), pending, in);
            // A handler behind may read from within its own channelRead: the loop already running takes these bytes
            // too.
            if (!decoding) {
                decodeAll(context);
            }
        } catch (RuntimeException | Error lost) {
            // No memory, as a rule. Bytes may be missing now, and what comes next must not be taken for a header.
            fail();
            throw lost;
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        boolean readOn = fed && !delivered && !context.channel().config().isAutoRead();
        fed = false;
        delivered = false;
        context.fireChannelReadComplete();
        if (readOn) {
            context.read();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        cutOff = isInsideFrame();
        dropPending();
        context.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        if (!decoding) {
            passPending(context);
        }
    }

    private void decodeAll(ChannelHandlerContext context) {
        decoding = true;
        try {
            boolean more = true;
            while (more && pending != null && !context.isRemoved()) {
                more = decodeNext(context, pending);
            }
        } finally {
            decoding = false;
        }
        if (context.isRemoved()) {
            passPending(context);
        } else if (pending != null && !pending.isReadable()) {
            dropPending();
        }
    }

    /** Cuts one frame at most, and says whether it is worth trying again. */
    private boolean decodeNext(ChannelHandlerContext context, ByteBuf in) {
        if (isOver()) {
            dropPending();
            return false;
        }
        try {
            if (awaited == 0 && !checkHeader(in)) {
                return false;
            }
            return skipping ? skip(in) : deliver(context, in);
        } catch (ProtocolException broken) {
            fail();
            context.fireExceptionCaught(broken);
            return false;
        }
    }

    private boolean checkHeader(ByteBuf in) {
        if (in.readableBytes() < Frames.HEADER_LENGTH) {
            return false;
        }
        long header = in.getLong(in.readerIndex());
        skipping = rules.onHeader(header) == FrameRules.Action.SKIP;
        awaited = Frames.HEADER_LENGTH + (int) FrameRules.length(header);
        return true;
    }

    private boolean skip(ByteBuf in) {
        int skipped = Math.min(awaited, in.readableBytes());
        in.skipBytes(skipped);
        awaited -= skipped;
        return awaited == 0;
    }

    private boolean deliver(ChannelHandlerContext context, ByteBuf in) {
        if (in.readableBytes() < awaited) {
            return false;
        }
        if (Frames.type(in) == FrameType.HELLO) {
            HelloLayout.check(in);
        }
        ByteBuf frame = cut(context.alloc(), in, awaited);
        awaited = 0;
        delivered = true;
        context.fireChannelRead(frame);
        return true;
    }

    private ByteBuf cut(ByteBufAllocator allocator, ByteBuf in, int length) {
        if (in.readableBytes() == length) {
            pending = null;
            return in;
        }
        return length <= COPIED_LENGTH
                ? allocator.buffer(length, length).writeBytes(in, length)
                : in.readRetainedSlice(length);
    }

    private static ByteBuf join(ByteBufAllocator allocator, @Nullable ByteBuf pending, ByteBuf in) {
        if (pending == null) {
            return ByteToMessageDecoder.MERGE_CUMULATOR.cumulate(allocator, Unpooled.EMPTY_BUFFER, in);
        }
        boolean ours = pending.refCnt() == 1 && !pending.isReadOnly();
        if (ours && pending.writableBytes() < in.readableBytes()) {
            pending.discardReadBytes();
        }
        return ByteToMessageDecoder.MERGE_CUMULATOR.cumulate(allocator, pending, in);
    }

    private void fail() {
        rules.onFailure();
        awaited = 0;
        dropPending();
    }

    /** Whether the last frame that counts is behind us; a CLOSE counts until it is cut. */
    private boolean isOver() {
        return awaited == 0 && rules.isOver();
    }

    private void passPending(ChannelHandlerContext context) {
        ByteBuf rest = pending;
        if (rest == null || isOver()) {
            dropPending();
            return;
        }
        pending = null;
        context.fireChannelRead(rest);
        context.fireChannelReadComplete();
    }

    private void dropPending() {
        ByteBuf dropped = pending;
        pending = null;
        if (dropped != null) {
            dropped.release();
        }
    }
}
