package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** An old peer on a plain socket, one byte at a time: 01 is a beat, 41 its answer. */
final class BeatPeer implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 30_000;

    private final ServerSocket server;
    private Socket accepted = new Socket();

    BeatPeer() throws IOException {
        server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
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

    /** The next byte that comes in is this one. */
    void expect(int expected) throws IOException {
        assertThat(accepted.getInputStream().read()).isEqualTo(expected);
    }

    void send(String latin) throws IOException {
        accepted.getOutputStream().write(latin.getBytes(StandardCharsets.ISO_8859_1));
    }

    void answer(int beats) throws IOException {
        for (int i = 0; i < beats; i++) {
            expect(0x01);
            send("A");
        }
    }

    /** Answers for as long as the connection lasts; everything that comes in is a beat. */
    Thread answerOn() {
        Thread thread = new Thread(() -> {
            try {
                answer(Integer.MAX_VALUE);
            } catch (IOException | AssertionError itsEnd) {
                // the connection is gone
            }
        });
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Closes in the regular way. */
    void finish() throws IOException {
        accepted.shutdownOutput();
    }

    void reset() throws IOException {
        reset(accepted);
    }

    static void reset(Socket socket) throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        accepted.close();
        server.close();
    }
}
