package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionEvent.Down;
import dev.holdfast.ConnectionEvent.Up;
import dev.holdfast.ResilientClient;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A listener that blocks, and a peer that sends without end: what waits is bounded, and nobody is called dead. */
class ClientBackPressureIT {
    private static final int FRAME = 16 << 10;
    private static final int FRAMES = 1024;
    private static final int INBOUND = 128 << 10;

    /** The limit, what one read may bring, and the buffers of both kernels; without a bound it is 16 MiB. */
    private static final long MOST = 6 << 20;

    /** Of the heartbeat. The flood may be off a busy machine's processor for two of them. */
    private static final Duration TIMEOUT = Duration.ofMillis(500);

    /** Of the heartbeat: interval + attempts * timeout. */
    private static final Duration DETECTION = TIMEOUT.multipliedBy(2).plusMillis(100);

    static List<Transport> transports() {
        return ClientScene.transports();
    }

    private static LivenessPolicy hasty() {
        return LivenessPolicy.of(
                SocketOptions.builder().receiveBuffer(64 << 10).build(),
                HeartbeatOptions.builder()
                        .interval(Duration.ofMillis(100))
                        .timeout(TIMEOUT)
                        .attempts(2)
                        .pausedReadsLimit(Duration.ofSeconds(60))
                        .permittedPeerInterval(Duration.ofMillis(20))
                        .build());
    }

    /** Says numbered messages of 16 KiB as fast as they are taken; PINGs are answered behind them. */
    private static final class Flood implements RawServer.Script {
        final List<AtomicLong> written = new CopyOnWriteArrayList<>();

        @Override
        public void serve(Socket socket) throws IOException, InterruptedException {
            socket.setSendBufferSize(64 << 10);
            AtomicLong mine = new AtomicLong();
            written.add(mine);
            RawFrames raw = new RawFrames(socket).hello();
            raw.read(FrameType.HELLO);
            for (int i = 0; i < FRAMES; i++) {
                byte[] message = new byte[FRAME];
                message[2] = (byte) (i >> 8);
                message[3] = (byte) i;
                raw.send(Frames.data(UnpooledByteBufAllocator.DEFAULT, Unpooled.wrappedBuffer(message)));
                mine.addAndGet(FRAME);
            }
            raw.answerToTheEnd();
        }

        long written(int connection) {
            return written.size() > connection ? written.get(connection).get() : 0;
        }

        /** Waits until the peer takes no more, and stays so for twice the detection time. */
        void awaitStandstill(int connection) {
            ClientProbe.awaitThat("a flood", () -> written(connection) >= INBOUND);
            long seen = written(connection);
            long since = System.nanoTime();
            while (System.nanoTime() - since < DETECTION.multipliedBy(2).toNanos()) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
                if (written(connection) != seen) {
                    seen = written(connection);
                    since = System.nanoTime();
                    assertThat(seen).as("bytes that somebody keeps").isLessThan(MOST);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void listenerThatBlocks_pausesReading_andKillsNobody(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        CountDownLatch open = new CountDownLatch(1);
        AtomicInteger heard = new AtomicInteger();
        List<Integer> wrong = new CopyOnWriteArrayList<>();
        Flood flood = new Flood();
        try (RawServer server = new RawServer(flood)) {
            ResilientClient.Builder builder = ClientScene.client(transport, probe, server.port())
                    .liveness(hasty())
                    .inboundLimit(INBOUND)
                    .onMessage((connection, message) -> {
                        await(open);
                        int number = message.readInt();
                        if (number != heard.getAndIncrement()) {
                            wrong.add(number);
                        }
                    });
            try (ResilientClient client = builder.start()) {
                flood.awaitStandstill(0);
                assertThat(probe.all(Down.class)).isEmpty();
                assertThat(client.counters().ups()).isEqualTo(1);
                open.countDown();
                ClientProbe.awaitThat("all messages", () -> heard.get() == FRAMES);
                assertThat(wrong).isEmpty();
            } finally {
                open.countDown();
            }
        }
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void listenerThatBlocks_holdsBackTheNextConnectionToo(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        CountDownLatch open = new CountDownLatch(1);
        Flood flood = new Flood();
        try (RawServer server = new RawServer(flood)) {
            ResilientClient.Builder builder = ClientScene.client(transport, probe, server.port())
                    .liveness(hasty())
                    .inboundLimit(INBOUND)
                    .onMessage((connection, message) -> await(open));
            try (ResilientClient client = builder.start()) {
                flood.awaitStandstill(0);
                server.resetAll();
                ClientProbe.awaitThat("the return", () -> client.counters().ups() == 2);
                flood.awaitStandstill(1);
                open.countDown();
                ClientProbe.awaitThat("the second flood", () -> flood.written(1) == (long) FRAME * FRAMES);
            } finally {
                open.countDown();
            }
        }
        probe.await(Up.class, 2);
        probe.assertLawfullyClosed();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void pause_stopsReading_andKillsNobody_andResumeGoesOn(Transport transport) throws Exception {
        ClientProbe probe = new ClientProbe();
        AtomicInteger heard = new AtomicInteger();
        Flood flood = new Flood();
        try (RawServer server = new RawServer(flood)) {
            ResilientClient.Builder builder = ClientScene.client(transport, probe, server.port())
                    .liveness(hasty())
                    .onMessage((connection, message) -> {
                        if (heard.incrementAndGet() == 10) {
                            connection.pause();
                        }
                    });
            try (ResilientClient client = builder.start()) {
                flood.awaitStandstill(0);
                assertThat(heard.get()).isBetween(10, FRAMES - 1);
                assertThat(probe.all(Down.class)).isEmpty();
                client.connection().orElseThrow().resume();
                ClientProbe.awaitThat("all messages", () -> heard.get() == FRAMES);
            }
        }
        probe.assertLawfullyClosed();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }
}
