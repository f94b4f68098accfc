package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HexFormat;

/** A peer of the framed protocol on a plain socket, which says frame by frame what it is told to say. */
final class FramedPeer implements AutoCloseable {
    /** Version 1, beats neither sent nor wished, messages up to 1024 bytes. */
    static final String HELLO = "00000028 01 00 0000 484f4c44 01 01 0000 0000000000000000"
            + "00000000 00000000 00000000 00000400 0000000000000000";

    static final String DRAIN = "00000008 05 00 0000 0002 0000 00007530";
    static final String CLOSE = "00000008 06 00 0000 0007 0000 000003e8";
    static final int HELLO_TYPE = 1;
    static final int PING = 2;
    static final int DATA = 4;
    static final int CLOSE_TYPE = 6;

    private static final int PATIENCE_MILLIS = 30_000;

    private final ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    private Socket accepted = new Socket();

    FramedPeer() throws IOException {
        server.setSoTimeout(PATIENCE_MILLIS);
    }

    String address() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    void accept() throws IOException {
        accepted = server.accept();
        accepted.setSoTimeout(PATIENCE_MILLIS);
        accepted.setTcpNoDelay(true);
    }

    void send(String hex) throws IOException {
        accepted.getOutputStream().write(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    /** The payload of the next frame, which is of this type. */
    byte[] expect(int type) throws IOException {
        DataInputStream in = new DataInputStream(accepted.getInputStream());
        int length = in.readInt();
        assertThat(in.readInt() >>> 24).as("type").isEqualTo(type);
        return in.readNBytes(length);
    }

    /** Answers a PING. */
    void answer() throws IOException {
        String sequence = HexFormat.of().formatHex(expect(PING), 0, 8);
        send("00000008 03 00 0000" + sequence);
    }

    /** Nothing comes any more, and the connection was not reset. */
    void expectEnd() throws IOException {
        assertThat(accepted.getInputStream().read()).isEqualTo(-1);
    }

    @Override
    public void close() throws IOException {
        accepted.close();
        server.close();
    }
}
