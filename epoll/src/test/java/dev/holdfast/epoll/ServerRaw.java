package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.wire.Close;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import dev.holdfast.wire.Hello;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.Optional;

/** A client of the framed protocol on a plain socket, that does what the test says and nothing else. */
final class ServerRaw implements AutoCloseable {
    private static final UnpooledByteBufAllocator HEAP = UnpooledByteBufAllocator.DEFAULT;

    final Socket socket;
    private final DataInputStream in;

    /** Around a socket that is connected, such as one of TLS. */
    ServerRaw(Socket connected) throws IOException {
        socket = connected;
        socket.setSoTimeout((int) ServerScene.PATIENCE.toMillis());
        socket.setTcpNoDelay(true);
        in = new DataInputStream(socket.getInputStream());
    }

    static ServerRaw connect(InetSocketAddress server) throws IOException {
        return connect("127.0.0.1", server);
    }

    /** From one of the addresses of this host. */
    static ServerRaw connect(String from, InetSocketAddress server) throws IOException {
        Socket socket = new Socket();
        socket.bind(new InetSocketAddress(InetAddress.getByName(from), 0));
        socket.connect(server, (int) ServerScene.PATIENCE.toMillis());
        return new ServerRaw(socket);
    }

    /** What came: its type and what is behind the header. */
    record Frame(FrameType type, ByteBuf whole) {}

    ServerRaw hello() throws IOException {
        return send(helloBytes());
    }

    static byte[] helloBytes() {
        return bytes(
                Hello.builder().capabilities(Hello.CAPABILITY_CONFIRM).build().write(HEAP));
    }

    ServerRaw data(int length) throws IOException {
        return send(bytes(Frames.data(HEAP, Unpooled.wrappedBuffer(new byte[length]))));
    }

    /** Announces a message and sends none of it. */
    ServerRaw dataHeader(int length) throws IOException {
        return send(bytes(Frames.dataHeader(HEAP, length)));
    }

    ServerRaw ping(long sequence) throws IOException {
        return send(bytes(Frames.ping(HEAP, sequence, 0)));
    }

    ServerRaw send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        return this;
    }

    private static byte[] bytes(ByteBuf frame) {
        try {
            return ByteBufUtil.getBytes(frame);
        } finally {
            frame.release();
        }
    }

    /** The next frame; empty at the end of the stream, or when it was reset. */
    Optional<Frame> read() throws IOException {
        try {
            int length = in.readInt();
            byte[] whole = new byte[Frames.HEADER_LENGTH + length];
            ByteBuf frame = Unpooled.wrappedBuffer(whole);
            frame.setInt(0, length);
            in.readFully(whole, Integer.BYTES, whole.length - Integer.BYTES);
            return Optional.of(new Frame(Frames.type(frame), frame));
        } catch (EOFException | SocketException ended) {
            return Optional.empty();
        }
    }

    /** The next frame of this type; PINGs are answered, others dropped. Empty if the stream ends before. */
    Optional<ByteBuf> read(FrameType type) throws IOException {
        for (Optional<Frame> next = read(); next.isPresent(); next = read()) {
            Frame frame = next.get();
            if (frame.type() == type) {
                return Optional.of(frame.whole());
            } else if (frame.type() == FrameType.PING) {
                pong(frame.whole());
            }
        }
        return Optional.empty();
    }

    private void pong(ByteBuf ping) throws IOException {
        try {
            send(bytes(Frames.pong(HEAP, Frames.sequence(ping))));
        } catch (SocketException ended) {
            // what can still be read is of interest
        }
    }

    /** HELLO for HELLO: the server's hook has not been asked yet. */
    ServerRaw shake() throws IOException {
        hello();
        assertThat(read(FrameType.HELLO)).isPresent();
        return this;
    }

    /** The CLOSE that comes; fails if the stream ends without. */
    Close readClose() throws IOException {
        return Close.read(read(FrameType.CLOSE).orElseThrow(() -> new AssertionError("no CLOSE before the end")));
    }

    /** Reads to the end of the stream. */
    void readToEnd() throws IOException {
        Optional<Frame> next = read();
        while (next.isPresent()) {
            next = read();
        }
    }

    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
