package dev.holdfast.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.holdfast.ResilientClient;
import dev.holdfast.policy.LivenessPolicy;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/** The README's first ten lines; a test compares them. Start {@link FirstServer} before it. */
public final class FirstClient {
    private FirstClient() {}

    /** Sends one message to a host and a port, by default to {@link FirstServer}'s, and waits until it was read. */
    public static void main(String[] arguments) throws InterruptedException, TimeoutException {
        String host = arguments.length > 0 ? arguments[0] : "localhost";
        int port = arguments.length > 1 ? Integer.parseInt(arguments[1]) : FirstServer.PORT;
        hello(host, port);
    }

    private static void hello(String host, int port) throws InterruptedException, TimeoutException {
        try (ResilientClient client = ResilientClient.builder(host, port)
                .liveness(LivenessPolicy.detectWithin(Duration.ofSeconds(10)))
                .onMessage((connection, message) -> System.out.println(message.toString(UTF_8)))
                .onEvent(System.out::println) // Up, Suspect, LocalStall, Down (with the death's cause), Waiting ...
                .start()) {
            client.awaitUp(Duration.ofSeconds(5));
            client.send("hello").confirmed().toCompletableFuture().join(); // read by the peer's program
        }
    }
}
