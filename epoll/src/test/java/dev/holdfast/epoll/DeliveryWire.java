package dev.holdfast.epoll;

import dev.holdfast.AttemptBudget;
import dev.holdfast.Backoff;
import dev.holdfast.Delivery;
import dev.holdfast.PeerBuilder;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.LengthFieldPrepender;
import java.time.Duration;

/** The protocols in which deliveries are tried, and messages that can be told apart: their number, again and again. */
enum DeliveryWire {
    /** Our own. A confirmation waits for the listener. */
    FRAMED,
    /** Frames of somebody's own, with a byte that is answered by a byte: answered when it is read. */
    ANSWERED,
    /** The same without answers: what the kernel knows is all. */
    ONE_WAY;

    static final int LONGEST = 200_000;

    /** Speaks this protocol. */
    <B extends PeerBuilder<B>> B spokenBy(B builder) {
        builder.liveness(LivenessPolicy.of(SocketOptions.builder().build(), beats()));
        return switch (this) {
            case FRAMED -> builder;
            case ANSWERED -> builder.pipeline(DeliveryWire::frames, HeartbeatProtocol.frame(0x01, 0x41));
            case ONE_WAY -> builder.pipeline(DeliveryWire::frames, OneByte.INSTANCE);
        };
    }

    static void frames(ChannelPipeline pipeline) {
        pipeline.addLast(new LengthFieldBasedFrameDecoder(1 << 20, 0, 4, 0, 4), new LengthFieldPrepender(4));
    }

    private static HeartbeatOptions beats() {
        return HeartbeatOptions.builder()
                .interval(Duration.ofMillis(100))
                .timeout(Duration.ofMillis(150))
                .attempts(2)
                .writeStallTimeout(Duration.ofMillis(500))
                .slowReaderTolerance(Duration.ofMillis(500)) // a stopped peer with a closed window is given up, too
                .build();
    }

    /** Comes back at once. */
    static ReconnectOptions reconnect(boolean buffered) {
        return ReconnectOptions.builder()
                .backoff(Backoff.fixed(Duration.ofMillis(5)))
                .budget(AttemptBudget.unlimited())
                .bufferBytes(buffered ? 300_000 : 0)
                .build();
    }

    /** Who confirms, if anybody does. */
    boolean isConfirmed(Transport transport) {
        return this != ONE_WAY || transport.name().equals("epoll");
    }

    Delivery.Confirmation confirmation() {
        return this == ONE_WAY ? Delivery.Confirmation.KERNEL : Delivery.Confirmation.PROGRAM;
    }

    /** A message of so many times its number. */
    static ByteBuf message(long id, int length) {
        ByteBuf message = Unpooled.buffer(length);
        while (message.readableBytes() + Long.BYTES <= length) {
            message.writeLong(id);
        }
        return message;
    }

    /** The number of a message. */
    static long idOf(ByteBuf message) {
        if (message.readableBytes() < Long.BYTES) {
            throw new AssertionError("a message that nobody sent, of " + message.readableBytes() + " bytes");
        }
        long id = message.getLong(message.readerIndex());
        for (int i = 0; i + Long.BYTES <= message.readableBytes(); i += Long.BYTES) {
            if (message.getLong(message.readerIndex() + i) != id) {
                throw new AssertionError("a message that nobody sent: it begins as " + id + ", at " + i + " of "
                        + message.readableBytes() + " it does not");
            }
        }
        return id;
    }

    /** One byte, just sent. */
    private enum OneByte implements HeartbeatProtocol {
        INSTANCE;

        @Override
        public Answering answering() {
            return Answering.ONE_WAY;
        }

        @Override
        public Kind classify(Object message) {
            return message instanceof ByteBuf frame && frame.readableBytes() == 1 ? Kind.PING : Kind.OTHER;
        }

        @Override
        public Object ping(long sequence, ByteBufAllocator allocator) {
            return allocator.buffer(1, 1).writeByte(1);
        }

        @Override
        public Object pong(Object ping, ByteBufAllocator allocator) {
            throw new AssertionError("nothing is answered");
        }
    }
}
