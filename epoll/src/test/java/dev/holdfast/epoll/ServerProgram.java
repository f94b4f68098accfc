package dev.holdfast.epoll;

import dev.holdfast.ResilientServer;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/**
 * A server that says back what it is told. Its argument is the transport's name; it prints its port, and its counters for
 * each line of its standard input, with the end of which it ends.
 */
final class ServerProgram {
    private ServerProgram() {}

    @SuppressWarnings("SystemOut")
    public static void main(String[] arguments) throws IOException {
        Transport transport = Transport.all().stream()
                .filter(one -> one.name().equals(arguments[0]))
                .findFirst()
                .orElseThrow();
        try (ResilientServer server = ServerScene.set(
                                ResilientServer.builder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)),
                                transport)
                        // Most clients of this test are idle and answer no beats.
                        .liveness(LivenessPolicy.of(SocketOptions.builder().build()))
                        .start();
                BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            System.out.println("port " + server.localAddress().getPort());
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                System.out.println(line + " up " + server.connections().size());
            }
        }
    }
}
