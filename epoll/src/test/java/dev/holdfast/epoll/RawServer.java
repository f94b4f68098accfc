package dev.holdfast.epoll;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A server of plain sockets that does with each connection what a script says, and closes it behind the script. */
final class RawServer implements AutoCloseable {
    /** What it does with a connection, on a thread of that connection's own. */
    @FunctionalInterface
    interface Script {
        void serve(Socket socket) throws IOException, InterruptedException;
    }

    private final ServerSocket server = new ServerSocket();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private final List<Long> arrivals = new CopyOnWriteArrayList<>();
    private final Script script;

    RawServer(Script script) throws IOException {
        this("127.0.0.1", 0, script);
    }

    RawServer(String address, int port, Script script) throws IOException {
        this.script = script;
        server.setReuseAddress(true);
        server.bind(new InetSocketAddress(InetAddress.getByName(address), port));
        start(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    /** When connections were accepted, in nanoseconds. */
    List<Long> arrivals() {
        return arrivals;
    }

    private void start(Runnable task) {
        Thread thread = new Thread(task, "raw-server");
        thread.setDaemon(true);
        threads.add(thread);
        thread.start();
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = server.accept();
                arrivals.add(System.nanoTime());
                open.add(socket);
                start(() -> serve(socket));
            }
        } catch (IOException closed) {
            // by the test
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            script.serve(socket);
        } catch (IOException | InterruptedException over) {
            // by the client, or by the test
        }
        open.remove(socket);
    }

    /** Every connection there is ends with a reset, but for those that are ending by themselves. */
    void resetAll() throws IOException {
        for (Socket socket : List.copyOf(open)) {
            try {
                if (open.remove(socket)) { // once
                    socket.setSoLinger(true, 0);
                    socket.close();
                }
            } catch (SocketException closed) {
                // behind its script
            }
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : open) {
            socket.close();
        }
        threads.forEach(Thread::interrupt);
    }
}
