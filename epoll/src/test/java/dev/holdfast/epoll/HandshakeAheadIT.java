package dev.holdfast.epoll;

import static dev.holdfast.epoll.ServerScene.await;
import static dev.holdfast.epoll.ServerScene.awaitThat;
import static dev.holdfast.epoll.ServerScene.take;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent;
import dev.holdfast.Delivery;
import dev.holdfast.Handshake;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A peer for which the handshake is over sooner than for us sends its messages while our hook still runs. */
class HandshakeAheadIT {
    private static final int MANY = 500;
    private static final long PROOF = Frames.CONFIRMATION_BIT | MANY;

    private final BlockingQueue<Integer> heard = new LinkedBlockingQueue<>();
    private final BlockingQueue<Handshake> hooks = new LinkedBlockingQueue<>();
    private final CompletableFuture<Void> end = new CompletableFuture<>();

    static List<Transport> transports() {
        return Transport.all();
    }

    /** The hook ends when the test says so. */
    private ResilientServer server(Transport transport) {
        return ServerScene.server(transport)
                .handshake(handshake -> {
                    hooks.add(handshake);
                    return end;
                })
                .onMessage((connection, message) -> heard.add(message.readableBytes()))
                .start();
    }

    private static void sendMany(ServerRaw client) throws IOException {
        for (int i = 1; i <= MANY; i++) {
            client.data(i);
        }
        client.ping(PROOF);
    }

    private static List<Integer> sizes(int from) {
        return IntStream.rangeClosed(from, MANY).boxed().toList();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void messagesAheadOfTheHooksEnd_allCome_inOrder_andAreConfirmed(Transport transport) throws Exception {
        try (ResilientServer server = server(transport);
                ServerRaw client =
                        ServerRaw.connect(ServerScene.at("127.0.0.1", server)).shake()) {
            take(hooks, "the hook");
            sendMany(client);
            end.complete(null);
            assertThat(Frames.sequence(client.read(FrameType.PONG).orElseThrow()))
                    .isEqualTo(PROOF);
            assertThat(heard).containsExactlyElementsOf(sizes(1));
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void messagesAheadOfTheHook_waitForIt(Transport transport) throws Exception {
        int asked = 100;
        try (ResilientServer server = server(transport);
                ServerRaw client =
                        ServerRaw.connect(ServerScene.at("127.0.0.1", server)).shake()) {
            Handshake handshake = take(hooks, "the hook");
            sendMany(client);
            for (int i = 1; i <= asked; i++) {
                assertThat(((ByteBuf) await(handshake.receive())).readableBytes())
                        .isEqualTo(i);
            }
            end.complete(null);
            assertThat(Frames.sequence(client.read(FrameType.PONG).orElseThrow()))
                    .isEqualTo(PROOF);
            assertThat(heard).containsExactlyElementsOf(sizes(asked + 1));
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void floodAheadOfTheHook_isNotRead(Transport transport) throws Exception {
        int length = 1 << 14;
        int total = 4096; // 64 MiB, more than the kernel takes
        AtomicInteger sent = new AtomicInteger();
        try (ResilientServer server = server(transport);
                ServerRaw client =
                        ServerRaw.connect(ServerScene.at("127.0.0.1", server)).shake()) {
            take(hooks, "the hook");
            CompletableFuture<Void> flood = CompletableFuture.runAsync(() -> {
                try {
                    for (int i = 0; i < total; i++) {
                        client.data(length);
                        sent.incrementAndGet();
                    }
                } catch (IOException broken) {
                    throw new UncheckedIOException(broken);
                }
            });
            AtomicInteger before = new AtomicInteger(-1);
            awaitThat("it stands still", () -> {
                int now = sent.get();
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
                return before.getAndSet(now) == sent.get() && now > 0;
            });
            assertThat(sent.get()).isLessThan(total);
            assertThat(heard).isEmpty();
            end.complete(null);
            await(flood);
            awaitThat("all is heard", () -> heard.size() == total);
            assertThat(heard).containsOnly(length);
        }
    }

    /** Nothing is held here: the client is up as soon as it has read the hook's last word, which is sooner than the hook's end. */
    @ParameterizedTest
    @MethodSource("transports")
    void bufferedMessages_sentAtUp_areConfirmed(Transport transport) throws Exception {
        for (int round = 0; round < 50; round++) {
            ClientProbe probe = new ClientProbe();
            try (ResilientServer server = ClientScene.server(transport, 0)
                            .handshake(talk -> talk.receive().thenCompose(key -> talk.send("welcome")))
                            .onMessage((connection, message) -> {})
                            .start();
                    ResilientClient client = ClientScene.client(
                                    transport, probe, server.localAddress().getPort())
                            .reconnect(
                                    ClientScene.reconnect().bufferBytes(4 << 20).build())
                            .handshake(talk -> talk.send("key").thenCompose(sent -> talk.receive()))
                            .start()) {
                List<Delivery> sent = new ArrayList<>();
                for (int i = 0; i < 100; i++) {
                    sent.add(client.send(new byte[1000]));
                }
                for (Delivery each : sent) {
                    await(each.confirmed());
                }
                assertThat(probe.count(ConnectionEvent.Connecting.class)).isEqualTo(1);
            }
        }
    }
}
