package dev.holdfast.epoll;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** A peer on a plain socket that answers 01 with 41, until the script says otherwise; it counts its answers. */
final class ScriptedPeer implements AutoCloseable {
    private enum Manners {
        ANSWERS,
        ONLY_READS,
        HANGS
    }

    private final ServerSocket server;
    private final Thread thread;
    private final AtomicInteger answered = new AtomicInteger();
    private final CountDownLatch accepted = new CountDownLatch(1);
    private volatile Manners manners = Manners.ANSWERS;
    private volatile long bytesPerSecond = Long.MAX_VALUE;
    private volatile Socket socket = new Socket();

    ScriptedPeer() throws IOException {
        this(new ServerSocket());
    }

    /** A peer on a socket of another kind, such as one of TLS. */
    ScriptedPeer(ServerSocket unbound) throws IOException {
        server = unbound;
        server.setReceiveBufferSize(65536);
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        thread = new Thread(this::run, "scripted-peer");
        thread.start();
    }

    SocketAddress address() {
        return server.getLocalSocketAddress();
    }

    int answered() {
        return answered.get();
    }

    /** Reads and answers again. */
    void answer() {
        manners = Manners.ANSWERS;
    }

    void hang() {
        manners = Manners.HANGS;
    }

    void readWithoutAnswering() {
        manners = Manners.ONLY_READS;
    }

    void readSlowly(long bytes) {
        bytesPerSecond = bytes;
    }

    /** Says something that is no beat. */
    void say(int value) throws IOException, InterruptedException {
        say(value, 1);
    }

    /** The same so many times, in one segment. */
    void say(int value, int times) throws IOException, InterruptedException {
        accepted.await();
        byte[] words = new byte[times];
        Arrays.fill(words, (byte) value);
        socket.getOutputStream().write(words);
    }

    void reset() throws IOException, InterruptedException {
        accepted.await();
        socket.setSoLinger(true, 0);
        socket.close();
    }

    void halfClose() throws IOException, InterruptedException {
        accepted.await();
        socket.shutdownOutput();
        manners = Manners.HANGS;
    }

    void closeRegularly() throws IOException, InterruptedException {
        accepted.await();
        socket.close();
    }

    private void run() {
        try (Socket mine = server.accept()) {
            mine.setTcpNoDelay(true);
            socket = mine;
            accepted.countDown();
            byte[] buffer = new byte[65536];
            InputStream in = mine.getInputStream();
            while (true) {
                while (manners == Manners.HANGS) {
                    LockSupport.parkNanos(1_000_000);
                    if (mine.isClosed()) {
                        return;
                    }
                }
                int count = in.read(buffer);
                if (count < 0) {
                    return;
                }
                answer(mine, buffer, count);
                long rate = bytesPerSecond;
                if (rate != Long.MAX_VALUE) {
                    LockSupport.parkNanos(count * 1_000_000_000L / rate);
                }
            }
        } catch (IOException closed) {
            // by the script or by the other side
        }
    }

    private void answer(Socket mine, byte[] buffer, int count) throws IOException {
        for (int i = 0; i < count && manners == Manners.ANSWERS; i++) {
            if (buffer[i] == 0x01) {
                mine.getOutputStream().write(0x41);
                answered.incrementAndGet();
            }
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        socket.close();
    }
}
