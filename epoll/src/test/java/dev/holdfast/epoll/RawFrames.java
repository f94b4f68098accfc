package dev.holdfast.epoll;

import dev.holdfast.wire.Close;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import dev.holdfast.wire.Hello;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** The framed protocol on a plain socket, to be spoken well or badly. */
final class RawFrames {
    private static final UnpooledByteBufAllocator HEAP = UnpooledByteBufAllocator.DEFAULT;

    private final Socket socket;
    private final DataInputStream in;

    RawFrames(Socket socket) throws IOException {
        this.socket = socket;
        this.in = new DataInputStream(socket.getInputStream());
    }

    /** A frame: its type and its payload. */
    record Frame(int type, ByteBuf payload) {
        boolean is(FrameType expected) {
            return type == expected.code();
        }

        String text() {
            return payload.toString(StandardCharsets.UTF_8);
        }
    }

    RawFrames hello() throws IOException {
        return hello(Hello.builder().capabilities(Hello.CAPABILITY_CONFIRM).build());
    }

    RawFrames hello(Hello hello) throws IOException {
        return send(hello.write(HEAP));
    }

    /** HELLO and messages in one write. */
    RawFrames helloWith(String... messages) throws IOException {
        ByteBuf all =
                Hello.builder().capabilities(Hello.CAPABILITY_CONFIRM).build().write(HEAP);
        for (String message : messages) {
            all = Unpooled.wrappedBuffer(
                    all, Frames.data(HEAP, Unpooled.copiedBuffer(message, StandardCharsets.UTF_8)));
        }
        return send(all);
    }

    RawFrames data(String text) throws IOException {
        return send(Frames.data(HEAP, Unpooled.copiedBuffer(text, StandardCharsets.UTF_8)));
    }

    RawFrames close(Close close) throws IOException {
        return send(close.write(HEAP));
    }

    RawFrames pong(long sequence) throws IOException {
        return send(Frames.pong(HEAP, sequence));
    }

    RawFrames send(ByteBuf frame) throws IOException {
        byte[] bytes = new byte[frame.readableBytes()];
        frame.readBytes(bytes).release();
        socket.getOutputStream().write(bytes);
        return this;
    }

    /** The next frame; fails at the end of the stream. */
    Frame read() throws IOException {
        int length = in.readInt();
        int type = in.readUnsignedByte();
        in.skipNBytes(3);
        return new Frame(type, Unpooled.wrappedBuffer(in.readNBytes(length)));
    }

    /** The next frame of this type; others are dropped. */
    Frame read(FrameType type) throws IOException {
        Frame frame = read();
        while (!frame.is(type)) {
            frame = read();
        }
        return frame;
    }

    /** Answers PINGs, and drops everything else, until the stream ends or the peer says CLOSE. */
    RawFrames answerToTheEnd() throws IOException {
        for (Frame frame = read(); !frame.is(FrameType.CLOSE); frame = read()) {
            if (frame.is(FrameType.PING)) {
                pong(frame.payload().getLong(0));
            }
        }
        return this;
    }

    /** Drops everything until the stream ends. */
    static void drop(Socket socket) throws IOException {
        byte[] bytes = new byte[8192];
        int count = 0;
        while (count >= 0) {
            count = socket.getInputStream().read(bytes);
        }
    }
}
