package dev.holdfast;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.wire.Agreed;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.Drain;
import dev.holdfast.wire.DrainReason;
import dev.holdfast.wire.FrameDecoder;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import dev.holdfast.wire.Hello;
import dev.holdfast.wire.HelloHandler;
import dev.holdfast.wire.ProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A connection that speaks the framed protocol: a message is the payload of a DATA frame. */
@SuppressWarnings("FutureReturnValueIgnored") // a write that fails ends in channelInactive
final class FramedLink extends Link {
    /** Up to this size a message is copied behind its header, which costs less than a second write. */
    private static final int COPIED_BYTES = 1024;

    private @Nullable FrameDecoder decoder;

    /** What both HELLOs came to; null before. */
    private @Nullable Agreed agreed;

    /** The newest proof asked for that the channel was too full to answer; 0 if there is none. */
    private long unanswered;

    /** The proof asked for while messages had to wait; 0 if none was. */
    private long askedEarly;

    FramedLink(PeerSettings settings, LinkOwner owner, long epoch, Outbound outbound, CallbackQueue callbacks) {
        super(settings, owner, epoch, outbound, callbacks);
    }

    @Override
    void addCodec(ChannelPipeline pipeline, HeartbeatHandler beats) {
        Hello hello = settings.hello();
        FrameDecoder frames = new FrameDecoder(hello);
        frames.limitPayload(settings.maxHandshakeMessage);
        decoder = frames;
        pipeline.addLast(frames, new HelloHandler(hello, settings.handshakeLimit), beats);
    }

    @Override
    void onMessagesFlow(ChannelHandlerContext mine) {
        allowMessages();
        if (askedEarly != 0) {
            answerWhenRead(mine, askedEarly);
        }
    }

    private void allowMessages() {
        FrameDecoder frames = decoder;
        if (frames != null) {
            frames.limitPayload(settings.maxMessage);
        }
    }

    @Override
    @Nullable String refusal(int bytes) {
        Agreed both = agreed;
        int most = both == null ? 0 : both.theirs().maxPayload();
        return bytes <= most ? null : bytes + " bytes (expected: " + most + " at most, all that the peer takes)";
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext mine, Object event) {
        if (event instanceof Agreed both) {
            agreed = both; // it goes on when all of this read was seen: a CLOSE may come with the HELLO
            if (settings.handshake == null) {
                allowMessages(); // HELLO was all of the handshake
            }
        }
        super.userEventTriggered(mine, event);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext mine) {
        super.channelReadComplete(mine);
        if (agreed != null) {
            onReady(mine);
        }
    }

    @Override
    boolean answersProofs() {
        Agreed both = agreed;
        return both != null && both.agreement().confirms();
    }

    @Override
    public void channelRead(ChannelHandlerContext mine, Object message) {
        ByteBuf frame = (ByteBuf) message;
        switch (Frames.type(frame)) {
            case DATA -> onMessageRead(mine, Frames.payload(frame));
            case PING, PONG -> onProofFrame(mine, frame);
            case DRAIN -> {
                Drain drain = Drain.read(frame);
                frame.release();
                owner.onDrainAsked(this, drain);
            }
            case CLOSE -> {
                Close close = Close.read(frame);
                frame.release();
                onPeerClose(mine, close);
            }
            case HELLO -> frame.release(); // for the handler in front
        }
    }

    /** Beats end at the heartbeat, while that is there. */
    private void onProofFrame(ChannelHandlerContext mine, ByteBuf frame) {
        boolean proof = Frames.isConfirmation(frame);
        boolean asked = Frames.type(frame) == FrameType.PING;
        long sequence = Frames.sequence(frame);
        frame.release();
        if (proof && asked) {
            answerWhenRead(mine, sequence);
        } else if (proof) {
            sending.onPingAnswered(mine, sequence & ~Frames.CONFIRMATION_BIT);
        }
    }

    /** The answer leaves when the listener has returned from every message before it. */
    private void answerWhenRead(ChannelHandlerContext mine, long sequence) {
        if (state() == ConnectionState.HANDSHAKING) {
            askedEarly = sequence; // what came before it waits for the handshake; the last one asks for all
            return;
        }
        boolean idle = callbacks.isIdle(); // before the look at what was dropped, which is counted first
        if (callbacks.dropped() > 0) {
            return; // the listener's executor has refused: nobody reads any more
        } else if (idle) {
            answer(mine, sequence);
        } else {
            callbacks.add(Outbound.OVERHEAD, () -> execute(() -> answer(mine, sequence)));
        }
    }

    private void answer(ChannelHandlerContext mine, long sequence) {
        if (!phase().maySpeak()) {
            return;
        }
        if (mine.channel().isWritable()) {
            mine.writeAndFlush(Frames.pong(mine.alloc(), sequence));
        } else {
            unanswered = sequence; // only the newest: an honest peer has one on its way
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext mine) {
        long kept = unanswered;
        if (kept != 0 && mine.channel().isWritable()) {
            unanswered = 0;
            answer(mine, kept);
        }
        mine.fireChannelWritabilityChanged();
    }

    @Override
    ChannelFuture writeMessage(ChannelHandlerContext mine, Object message) {
        ByteBuf payload = (ByteBuf) message;
        int length = payload.readableBytes();
        if (length <= COPIED_BYTES) {
            return mine.write(Frames.data(mine.alloc(), payload));
        }
        // One write, so that a header never leaves without its payload.
        return mine.write(
                mine.alloc().compositeBuffer(2).addComponents(true, Frames.dataHeader(mine.alloc(), length), payload));
    }

    @Override
    void writeProof(ChannelHandlerContext mine, long mark) {
        mine.write(Frames.ping(mine.alloc(), mark | Frames.CONFIRMATION_BIT, 0));
    }

    @Override
    ChannelFuture writeLastWord(ChannelHandlerContext mine, Close close) {
        return mine.writeAndFlush(close.write(mine.alloc()));
    }

    @Override
    boolean askToMove(Duration span) {
        ChannelHandlerContext mine = context();
        if (mine != null && phase().maySpeak()) {
            mine.writeAndFlush(Drain.of(DrainReason.SHUTDOWN, span).write(mine.alloc()));
        }
        return true;
    }

    @Override
    void turnAway(ChannelHandlerContext mine, CloseReason reason, String why) {
        mine.pipeline().fireExceptionCaught(new ProtocolException(reason, why)); // the HelloHandler says it
    }
}
