package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent.Connecting;
import dev.holdfast.ConnectionEvent.Down;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ConnectionEvent.Waiting;
import dev.holdfast.Delivery;
import dev.holdfast.Ending;
import dev.holdfast.ResilientClient;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.Transport;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Ends of a client's connection that are easily told wrong. */
@SuppressWarnings("try") // a peer that is closed early
class ClientFaultsIT {
    static List<Transport> transports() {
        return Transport.all();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void deathWhileDraining_isToldAsTheDeathItIs(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        CompletableFuture<ResilientClient> self = new CompletableFuture<>();
        CompletableFuture<Delivery> sent = new CompletableFuture<>();
        LivenessPolicy hasty = LivenessPolicy.of(
                ClientScene.socket(),
                HeartbeatOptions.builder()
                        .interval(Duration.ofMillis(100))
                        .timeout(Duration.ofMillis(200))
                        .attempts(2)
                        .build());
        try (RawServer silent = new RawServer(socket -> {
                    new RawFrames(socket).hello();
                    Thread.sleep(60_000); // it reads nothing and says nothing; the test closes it
                });
                ResilientClient client = ClientScene.client(transport, probe, silent.port())
                        .liveness(hasty)
                        .closeLimit(Duration.ofSeconds(20))
                        .executor(Runnable::run) // Up is told on the event loop: no time for a verdict passes meanwhile
                        .onEvent(event -> {
                            if (event instanceof Up && !sent.isDone()) {
                                sent.complete(self.join().send("never confirmed"));
                                self.join().reconnectNow();
                            }
                            probe.onEvent(event);
                        })
                        .start()) {
            self.complete(client);
            Ending how = probe.await(Down.class).ending();
            assertThat(how.kind()).isEqualTo(Ending.Kind.PEER_DEAD);
            assertThat(how.death()).isPresent();
            assertThat(probe.await(Down.class).moment().counters().deaths()).isEqualTo(1);
            assertThat(sent.join().state()).isEqualTo(Delivery.State.UNKNOWN);
            silent.close(); // or the goodbye to it would take the whole close limit
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void hookBehindAListenerThatBlocks_isNotHeldAgainstThePeer(Transport transport) throws Exception {
        CountDownLatch busy = new CountDownLatch(1);
        ClientProbe probe = new ClientProbe();
        try (RawServer server = new RawServer(socket -> {
                    RawFrames frames = new RawFrames(socket);
                    frames.hello();
                    socket.getInputStream().transferTo(OutputStream.nullOutputStream());
                });
                ResilientClient client = ClientScene.client(transport, probe, server.port())
                        .reconnect(ClientScene.reconnect()
                                .handshakeLimit(Duration.ofMillis(300))
                                .build())
                        .handshake(handshake -> CompletableFuture.completedFuture(null))
                        .onEvent(event -> {
                            if (event instanceof Connecting) {
                                awaitUninterrupted(busy);
                            }
                            probe.onEvent(event);
                        })
                        .start()) {
            ClientProbe.awaitThat(
                    "the limit has passed", () -> client.counters().attempts() > 1);
            busy.countDown();
            Ending why = probe.await(Waiting.class).why().orElseThrow();
            assertThat(why.kind()).isEqualTo(Ending.Kind.HANDSHAKE_FAILED);
            assertThat(why.death()).isEmpty();
            assertThat(why.reason()).contains("our own handshake hook was not called");
        }
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }
}
