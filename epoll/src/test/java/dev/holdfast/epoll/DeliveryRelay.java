package dev.holdfast.epoll;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Stands between a client and its server, on plain sockets, and cuts them apart: at any byte, towards either side or both. */
final class DeliveryRelay implements Closeable {
    /** Who gets an RST; the other gets a FIN. */
    enum Cut {
        BOTH,
        CLIENT,
        SERVER
    }

    private static final int CHUNK = 16_384;

    private final ServerSocket listener = new ServerSocket();
    private final Set<Pair> pairs = ConcurrentHashMap.newKeySet();

    /** Bytes towards the server until the next cut. */
    private final AtomicLong allowed = new AtomicLong(Long.MAX_VALUE);

    private volatile int target;
    private volatile Cut cut = Cut.BOTH;

    DeliveryRelay(int target) throws IOException {
        this.target = target;
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        start(this::accept, "relay-accept");
    }

    int port() {
        return listener.getLocalPort();
    }

    /** Where connections to come lead. */
    void leadTo(int port) {
        target = port;
    }

    /** Cuts the connection when so many more bytes have gone to the server. */
    void cutAfter(Cut how, long bytes) {
        cut = how;
        allowed.set(bytes);
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                Pair pair = new Pair(client, new Socket());
                pairs.add(pair);
                start(pair::run, "relay-out");
            }
        } catch (IOException closed) {
            // the end
        }
    }

    private static void start(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private final class Pair {
        private final Socket client;
        private final Socket server;
        private final AtomicInteger halves = new AtomicInteger(2);

        Pair(Socket client, Socket server) {
            this.client = client;
            this.server = server;
        }

        void run() {
            try {
                client.setTcpNoDelay(true);
                server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target));
                server.setTcpNoDelay(true);
                start(() -> pump(server, client, false), "relay-in");
                pump(client, server, true);
            } catch (IOException gone) {
                end(Cut.BOTH);
            }
        }

        private void pump(Socket from, Socket to, boolean counts) {
            byte[] buffer = new byte[CHUNK];
            try {
                for (int count = from.getInputStream().read(buffer);
                        count >= 0;
                        count = from.getInputStream().read(buffer)) {
                    int may = count;
                    if (counts) {
                        may = (int) Math.max(0, Math.min(count, allowed.getAndAdd(-count)));
                    }
                    to.getOutputStream().write(buffer, 0, may);
                    if (may < count) {
                        allowed.set(Long.MAX_VALUE);
                        end(cut);
                        return;
                    }
                }
                to.shutdownOutput();
                if (halves.decrementAndGet() == 0) {
                    pairs.remove(this);
                    from.close();
                    to.close();
                }
            } catch (IOException gone) {
                end(Cut.BOTH);
            }
        }

        void end(Cut how) {
            pairs.remove(this);
            close(client, how != Cut.SERVER);
            close(server, how != Cut.CLIENT);
        }

        private void close(Socket socket, boolean resets) {
            try {
                if (resets) {
                    socket.setSoLinger(true, 0);
                } else {
                    socket.shutdownOutput();
                }
                socket.close();
            } catch (IOException closed) {
                // twice
            }
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        pairs.forEach(pair -> pair.end(Cut.BOTH));
    }
}
