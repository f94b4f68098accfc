package dev.holdfast.epoll;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A peer on a plain socket that answers 01 with 41 while its gate is open, and keeps the answers back while it is shut. It
 * records when each probe came, and when it was answered.
 */
final class GatedPeer implements AutoCloseable {
    private static final int PING = 0x01;
    private static final int PONG = 0x41;

    private final ServerSocket server;
    private final List<Long> probes = new ArrayList<>();
    private final List<Long> answers = new ArrayList<>();
    private boolean shut;
    private boolean dead;
    private boolean closed;
    private Socket socket = new Socket();

    GatedPeer() throws IOException {
        server = new ServerSocket();
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Thread thread = new Thread(this::run, "gated-peer");
        thread.setDaemon(true);
        thread.start();
    }

    int port() {
        return server.getLocalPort();
    }

    private void run() {
        try (Socket mine = server.accept()) {
            mine.setTcpNoDelay(true);
            accepted(mine);
            InputStream in = mine.getInputStream();
            for (int read = in.read(); read >= 0; read = in.read()) {
                if (read == PING) {
                    probed(System.nanoTime());
                }
            }
        } catch (IOException ended) {
            // by us or by the other side
        } finally {
            closed();
        }
    }

    private synchronized void closed() {
        closed = true;
        notifyAll();
    }

    /** Whether the connection has ended. */
    synchronized boolean isClosed() {
        return closed;
    }

    private synchronized void accepted(Socket mine) {
        socket = mine;
        notifyAll();
    }

    private synchronized void probed(long now) throws IOException {
        probes.add(now);
        answerIfOpen();
        notifyAll();
    }

    private void answerIfOpen() throws IOException {
        while (!shut && !dead && answers.size() < probes.size()) {
            socket.getOutputStream().write(PONG);
            answers.add(System.nanoTime());
        }
    }

    /** Keeps the answers back from now on. */
    synchronized void shut() {
        shut = true;
    }

    /** Answers whatever was kept back, and every further probe. */
    synchronized void open() throws IOException {
        shut = false;
        answerIfOpen();
    }

    /** Never answers again; its kernel goes on to acknowledge. */
    synchronized void die() {
        dead = true;
    }

    /** Sends a byte that is no answer. */
    synchronized void sendData() throws IOException {
        socket.getOutputStream().write('x');
    }

    /** When each probe came. */
    synchronized List<Long> probes() {
        return List.copyOf(probes);
    }

    /** When each answer was sent. */
    synchronized List<Long> answers() {
        return List.copyOf(answers);
    }

    /** Probes that are not answered. */
    synchronized int unanswered() {
        return probes.size() - answers.size();
    }

    /** Waits for probes to come until a condition holds; fails after 20 s. */
    synchronized void await(String what, Predicate<GatedPeer> condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.test(this)) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                throw new AssertionError(what + ": not in 20 s; probes " + probes + ", answers " + answers);
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        synchronized (this) {
            socket.close();
        }
    }
}
