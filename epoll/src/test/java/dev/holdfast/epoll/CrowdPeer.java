package dev.holdfast.epoll;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** One thread that is the living peer of any number of connections, named by the port at their other end: 01 draws 41. */
final class CrowdPeer implements AutoCloseable {
    private static final byte PING = 0x01;
    private static final byte PONG = 0x41;

    private final Selector selector;
    private final ServerSocketChannel server;
    private final Thread thread;
    private final Map<Integer, Connection> connections = new ConcurrentHashMap<>();
    private final ByteBuffer in = ByteBuffer.allocateDirect(4096);
    private final ByteBuffer out = ByteBuffer.allocateDirect(4096);
    private volatile boolean closing;
    /** The longest time from one look at the sockets to the next: how late an answer may have been. */
    private volatile long slowestRoundNanos;

    private static final class Connection {
        final SocketChannel socket;
        final AtomicInteger answered = new AtomicInteger();
        volatile boolean hangs;

        Connection(SocketChannel socket) {
            this.socket = socket;
        }
    }

    CrowdPeer(int connections) throws IOException {
        selector = Selector.open();
        server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), connections);
        server.configureBlocking(false);
        server.register(selector, SelectionKey.OP_ACCEPT);
        thread = new Thread(this::run, "crowd-peer");
        thread.start();
    }

    SocketAddress address() throws IOException {
        return server.getLocalAddress();
    }

    int connections() {
        return connections.size();
    }

    int answered(int port) {
        return connection(port).answered.get();
    }

    /** Answers nothing more on one connection; its kernel goes on acknowledging. */
    void hang(int port) {
        connection(port).hangs = true;
    }

    /** Says one byte that is no beat. */
    void poke(int port) throws IOException {
        connection(port).socket.write(ByteBuffer.wrap(new byte[] {0x07}));
    }

    long slowestRoundMillis() {
        return slowestRoundNanos / 1_000_000;
    }

    private Connection connection(int port) {
        Connection known = connections.get(port);
        if (known == null) {
            throw new IllegalStateException("port " + port + " has not been accepted yet");
        }
        return known;
    }

    private void run() {
        try {
            while (!closing) {
                selector.select();
                long start = System.nanoTime();
                for (SelectionKey key : selector.selectedKeys()) {
                    serve(key);
                }
                selector.selectedKeys().clear();
                slowestRoundNanos = Math.max(slowestRoundNanos, System.nanoTime() - start);
            }
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }

    private void serve(SelectionKey key) throws IOException {
        if (key.isAcceptable()) {
            SocketChannel socket = server.accept();
            socket.configureBlocking(false);
            Connection connection = new Connection(socket);
            socket.register(selector, SelectionKey.OP_READ, connection);
            connections.put(((InetSocketAddress) socket.getRemoteAddress()).getPort(), connection);
            return;
        }
        Connection connection = (Connection) key.attachment();
        try {
            if (connection.hangs || !answer(connection)) {
                key.cancel();
            }
        } catch (IOException reset) {
            key.cancel();
        }
    }

    /** Answers what has come, and says whether more may. */
    private boolean answer(Connection connection) throws IOException {
        in.clear();
        if (connection.socket.read(in) < 0) {
            connection.socket.close();
            return false;
        }
        in.flip();
        out.clear();
        while (in.hasRemaining()) {
            if (in.get() == PING) {
                out.put(PONG);
                connection.answered.incrementAndGet();
            }
        }
        connection.socket.write(out.flip());
        return true;
    }

    @Override
    public void close() throws IOException {
        closing = true;
        selector.wakeup();
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        for (Connection connection : connections.values()) {
            connection.socket.close();
        }
        server.close();
        selector.close();
    }
}
