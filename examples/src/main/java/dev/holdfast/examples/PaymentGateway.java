package dev.holdfast.examples;

import dev.holdfast.Backoff;
import dev.holdfast.Connection;
import dev.holdfast.ConnectionEvent;
import dev.holdfast.Delivery;
import dev.holdfast.Handshake;
import dev.holdfast.HandshakeRefusedException;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.ResilientClient;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A client of a payment gateway: a protocol of one's own with the one-byte heartbeat 01/41, a login on each new connection, no
 * payment that waits for better times, and no payment made twice. {@link PaymentBank} plays the other end, in this process.
 *
 * <p>The rule for money: what is NOT_SENT was not paid and may be offered again; what is UNKNOWN may have been paid, and the bank is
 * asked for the payment's id before anything else is done.
 */
public final class PaymentGateway implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 10;
    private static final String MERCHANT = "merchant-7";

    /** In earnest: an interval of 45 s and a timeout of 5 s, a user timeout, and the default backoff. */
    static final LivenessPolicy LIVENESS = LivenessPolicy.of(
            SocketOptions.builder().connectTimeout(Duration.ofSeconds(3)).build(),
            HeartbeatOptions.builder()
                    .interval(Duration.ofMillis(500))
                    .timeout(Duration.ofMillis(500))
                    .attempts(2)
                    .build());

    private final ResilientClient client;
    private final Map<String, CompletableFuture<String>> asked = new ConcurrentHashMap<>();
    private final BlockingQueue<ConnectionEvent.Down> downs = new LinkedBlockingQueue<>();

    private PaymentGateway(int port) {
        client = ResilientClient.builder("127.0.0.1", port)
                .liveness(LIVENESS)
                .pipeline(PaymentFrames::addTo, HeartbeatProtocol.frame(PaymentFrames.PING, PaymentFrames.PONG))
                .handshake(PaymentGateway::login)
                .onMessage(String.class, this::answered)
                .onEvent(event -> {
                    if (event instanceof ConnectionEvent.Down down) {
                        downs.add(down);
                    }
                })
                // No buffer, as by default: a payment fails at once while there is no connection.
                .reconnect(ReconnectOptions.builder()
                        .backoff(Backoff.fixed(Duration.ofMillis(500)))
                        .build())
                .start();
    }

    /** Makes some payments, two of which meet the death of their connection. */
    public static void main(String[] arguments) throws Exception {
        try (PaymentBank bank = new PaymentBank();
                PaymentGateway gateway = new PaymentGateway(bank.port())) {
            gateway.client.awaitUp(Duration.ofSeconds(PATIENCE_SECONDS));
            gateway.pay("P-1", "12.50");
            bank.dieAt("P-2", true); // after it was booked
            gateway.pay("P-2", "99.00");
            bank.dieAt("P-3", false); // before it was booked
            gateway.pay("P-3", "7.20");
            System.out.println("booked: " + bank.booked());
        }
    }

    /** The same for each connection; fresh credentials would be fetched here. */
    private static CompletionStage<?> login(Handshake handshake) {
        return handshake
                .send("LOGIN " + MERCHANT)
                .thenCompose(sent -> handshake.receive())
                .thenAccept(answer -> {
                    if (!answer.equals("WELCOME")) {
                        throw HandshakeRefusedException.ofCredential(MERCHANT, "the bank says " + answer);
                    }
                });
    }

    /** Pays once, whatever becomes of the connection. */
    private void pay(String id, String amount) throws InterruptedException, ExecutionException, TimeoutException {
        while (true) {
            CompletableFuture<String> answer = new CompletableFuture<>();
            asked.put(id, answer);
            Delivery delivery = client.send("PAY " + id + " " + amount);
            fate(delivery);
            System.out.println(id + " is " + delivery.state());
            switch (delivery.state()) {
                case CONFIRMED -> {
                    System.out.println(id + ": " + answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
                    return;
                }
                case UNKNOWN -> {
                    afterDeath();
                    if (status(id).startsWith("BOOKED")) {
                        return;
                    }
                }
                case NOT_SENT -> client.awaitUp(Duration.ofSeconds(PATIENCE_SECONDS)); // it was not paid: once more
                case PENDING, WRITTEN -> throw new IllegalStateException(id + ": " + delivery.state());
            }
        }
    }

    /** Waits until it is known what became of it; a failure is in its state, too. */
    private static void fate(Delivery delivery) throws InterruptedException, ExecutionException, TimeoutException {
        delivery.confirmed()
                .handle((confirmed, failed) -> delivery)
                .toCompletableFuture()
                .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    /** While there is no connection, nothing waits: the till is told at once. */
    private void afterDeath() throws InterruptedException, TimeoutException {
        ConnectionEvent.Down down = downs.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        System.out.println("the connection is gone: "
                + (down == null ? "nobody said so" : down.ending().kind()));
        Delivery meanwhile = client.send("PAY P-0 1.00");
        System.out.println("P-0 is "
                + meanwhile
                        .confirmed()
                        .handle((sent, failed) -> meanwhile.state())
                        .toCompletableFuture()
                        .join());
        client.awaitUp(Duration.ofSeconds(PATIENCE_SECONDS));
    }

    /** Asks the bank what it knows of a payment. */
    private String status(String id) throws InterruptedException, ExecutionException, TimeoutException {
        CompletableFuture<String> answer = new CompletableFuture<>();
        asked.put(id, answer);
        fate(client.send("STATUS " + id));
        String status = answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        System.out.println(id + ", asked for: " + status);
        return status;
    }

    /** An answer ends with the id of what it answers. */
    private void answered(Connection connection, String answer) {
        CompletableFuture<String> waiting = asked.remove(answer.substring(answer.lastIndexOf(' ') + 1));
        if (waiting != null) {
            waiting.complete(answer);
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
