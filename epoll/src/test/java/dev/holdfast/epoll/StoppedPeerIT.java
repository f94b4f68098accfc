package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatEvent.Alive;
import dev.holdfast.heartbeat.HeartbeatEvent.Beat;
import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.heartbeat.HeartbeatEvent.Suspect;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.PeerDeath;
import io.netty.channel.Channel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The peer's process is stopped: its kernel goes on to acknowledge, and nothing answers. */
class StoppedPeerIT {
    private static final Duration INTERVAL = Duration.ofMillis(300);
    private static final int ATTEMPTS = 2;
    /** A signal, the ticks of a beat and of each probe, the re-check and a busy machine. */
    private static final Duration ROOM = Duration.ofMillis(500);

    private ChildJvm peer;
    private InetSocketAddress address;

    static List<Transport> transports() {
        return Transport.all();
    }

    @BeforeEach
    void startPeer() throws Exception {
        peer = new ChildJvm(PeerProgram.class);
        peer.await("the port", lines -> !lines.isEmpty());
        int port = Integer.parseInt(peer.lines().get(0).text());
        address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    @AfterEach
    void endPeer() {
        peer.close();
    }

    /** A client in this process, and what it told. */
    private static final class Client implements AutoCloseable {
        final Loopback net;
        final Channel channel;
        private final List<HeartbeatEvent> events = new ArrayList<>();

        Client(Transport transport, InetSocketAddress peer, Duration timeout) throws InterruptedException {
            HeartbeatOptions options = HeartbeatOptions.builder()
                    .interval(INTERVAL)
                    .timeout(timeout)
                    .attempts(ATTEMPTS)
                    .beatEvents(true)
                    .build();
            net = new Loopback(transport);
            channel = ClientProgram.connect(net, peer, options, (where, event) -> told(event), transport.name());
        }

        private synchronized void told(HeartbeatEvent event) {
            events.add(event);
            notifyAll();
        }

        /** Every event of a type, once there are so many. */
        synchronized <T extends HeartbeatEvent> List<T> await(Class<T> type, int count) throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (told(type).size() < count) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    throw new AssertionError(count + " times " + type + ": not in 20 s, but " + events);
                }
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
            return told(type);
        }

        synchronized <T extends HeartbeatEvent> List<T> told(Class<T> type) {
            return events.stream().filter(type::isInstance).map(type::cast).toList();
        }

        @Override
        public void close() {
            net.close();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void stoppedPeer_isFoundWithinTheBound_andNamed(Transport transport) throws Exception {
        Duration timeout = Duration.ofMillis(400);
        Duration probed = timeout.multipliedBy(ATTEMPTS);
        try (Client client = new Client(transport, address, timeout)) {
            client.await(Beat.class, 3);
            peer.stop();
            long stopped = System.nanoTime();
            PeerDeath death = client.await(PeerDead.class, 1).get(0).death();
            Duration sinceStop = Duration.ofNanos(System.nanoTime() - stopped);
            assertThat(death.cause())
                    .isEqualTo(transport.name().equals("epoll") ? DeathCause.PEER_HUNG : DeathCause.HEARTBEAT_TIMEOUT);
            // The silence is told in whole milliseconds: of a difference one may be missing.
            assertThat(death.detectedAfter())
                    .isBetween(probed.minusMillis(1), INTERVAL.plus(probed).plus(ROOM));
            assertThat(sinceStop).isLessThan(INTERVAL.plus(probed).plus(ROOM));
            assertThat(client.told(Suspect.class)).hasSize(1);
            assertThat(client.told(Alive.class)).isEmpty();
            assertThat(client.channel.closeFuture().await(5_000)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void peerStoppedForLessThanTheBound_isSuspected_andAliveAgain(Transport transport) throws Exception {
        Duration timeout = Duration.ofMillis(1000);
        try (Client client = new Client(transport, address, timeout)) {
            client.await(Beat.class, 2);
            ChildJvm.Stopped stopped = peer.stop();
            Suspect suspect = client.await(Suspect.class, 1).get(0);
            assertThat(suspect.unanswered()).isEqualTo(1);
            assertThat(suspect.silence()).isGreaterThanOrEqualTo(timeout.minusMillis(1));
            assertThat(client.told(Alive.class)).isEmpty();
            ChildJvm.Stop stop = stopped.resume();
            assertThat(stop.atMost()).isLessThan(INTERVAL.plus(timeout.multipliedBy(ATTEMPTS)));
            client.await(Alive.class, 1);
            client.await(Beat.class, client.told(Beat.class).size() + 3);
            assertThat(client.told(Suspect.class)).hasSize(1);
            assertThat(client.told(Alive.class)).hasSize(1);
            assertThat(client.told(PeerDead.class)).isEmpty();
        }
    }
}
