package dev.holdfast.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.holdfast.ResilientServer;
import dev.holdfast.policy.LivenessPolicy;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.Locale;

/** The README's server; a test compares it. It answers each message in capitals until it is stopped, and then lets its clients go. */
public final class FirstServer {
    static final int PORT = 7000;

    private FirstServer() {}

    /** Listens on a port, 7000 by default. */
    public static void main(String[] arguments) {
        int port = arguments.length > 0 ? Integer.parseInt(arguments[0]) : PORT;
        ResilientServer server = serve(port);
        System.out.println("listening on port " + server.localAddress().getPort());
        server.closed().toCompletableFuture().join();
    }

    private static ResilientServer serve(int port) {
        ResilientServer server = ResilientServer.builder(port)
                .liveness(LivenessPolicy.detectWithin(Duration.ofSeconds(10)))
                .maxConnections(10_000)
                .onMessage((connection, message) -> connection.send(answer(message)))
                .start();
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> server.drain(Duration.ofSeconds(30))
                        .toCompletableFuture()
                        .join()));
        return server;
    }

    private static String answer(ByteBuf message) {
        return message.toString(UTF_8).toUpperCase(Locale.ROOT);
    }
}
