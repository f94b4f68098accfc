package dev.holdfast.epoll;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** A program that answers 01 with 41 on every connection to the port it prints. It ends when its standard input does. */
final class PeerProgram {
    private PeerProgram() {}

    @SuppressWarnings({"SystemOut", "EmptyWhile"})
    public static void main(String[] arguments) throws IOException {
        try (ServerSocket server = new ServerSocket()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            System.out.println(server.getLocalPort());
            daemon(() -> {
                while (true) {
                    Socket client = server.accept();
                    daemon(() -> answer(client));
                }
            });
            while (System.in.read() >= 0) {
                // until it ends
            }
        }
    }

    private interface Task {
        void run() throws IOException;
    }

    private static void daemon(Task task) {
        Thread thread = new Thread(() -> {
            try {
                task.run();
            } catch (IOException closed) {
                // by the other side
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static void answer(Socket client) throws IOException {
        client.setTcpNoDelay(true);
        for (int read = client.getInputStream().read();
                read >= 0;
                read = client.getInputStream().read()) {
            if (read == 0x01) {
                client.getOutputStream().write(0x41);
            }
        }
    }
}
