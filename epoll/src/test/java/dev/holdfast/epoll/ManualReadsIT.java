package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent.Alive;
import dev.holdfast.heartbeat.HeartbeatEvent.Suspect;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.PeerDeath;
import io.netty.handler.codec.FixedLengthFrameDecoder;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** AutoRead is off, and reads are asked for by hand, or not at all for longer than the timeouts. */
class ManualReadsIT {
    private static final Duration WITHHELD = BeatingClient.BOUND.multipliedBy(2);

    static List<Transport> transports() {
        return Transport.all();
    }

    private static boolean epoll(Transport transport) {
        return transport.name().equals("epoll");
    }

    private static BeatingClient client(Transport transport, ScriptedPeer peer, HeartbeatOptions options)
            throws Exception {
        return new BeatingClient(
                new Loopback(transport),
                peer.address(),
                options,
                false,
                List.of(new FixedLengthFrameDecoder(1)),
                new BeatingClient.Discard());
    }

    @ParameterizedTest
    @MethodSource("transports")
    void readsWithheld_fromALivingPeer_killNobody(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client =
                        client(transport, peer, BeatingClient.options().build())) {
            for (int i = 0; i < 2; i++) {
                client.assertNobodyDiesWithin(WITHHELD);
                int answered = peer.answered();
                assertThat(answered).as("answers that wait for us").isGreaterThan(0);
                client.channel.config().setAutoRead(true);
                client.awaitMoreBeats(3);
                assertThat(peer.answered()).isGreaterThanOrEqualTo(answered + 3);
                client.channel.config().setAutoRead(false);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void singleReads_furtherApartThanTheBound_killNobody(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client =
                        client(transport, peer, BeatingClient.options().build())) {
            client.await("a beat", () -> peer.answered() > 0);
            for (int i = 0; i < 3; i++) {
                client.assertNobodyDiesWithin(BeatingClient.BOUND.plus(BeatingClient.TIMEOUT));
                peer.say(0x07);
                client.channel.read();
            }
            client.channel.config().setAutoRead(true);
            client.awaitMoreBeats(3);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void readsWithheld_fromAHungPeer_areNoExcuse_onceTheyAreAskedFor(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client =
                        client(transport, peer, BeatingClient.options().build())) {
            client.channel.config().setAutoRead(true);
            client.awaitMoreBeats(2);
            client.channel.config().setAutoRead(false);
            peer.hang();
            client.assertNobodyDiesWithin(WITHHELD);
            long start = System.nanoTime();
            client.channel.read(); // whatever beats waited unread are no message: the request stands
            PeerDeath death = client.awaitDeath();
            assertThat(death.cause()).isEqualTo(epoll(transport) ? DeathCause.PEER_HUNG : DeathCause.HEARTBEAT_TIMEOUT);
            assertThat(death.evidence().readsPaused()).isFalse();
            // at the worst one timeout until it is looked at again, and then the bound anew
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isBetween(
                            BeatingClient.TIMEOUT.multipliedBy(2),
                            client.limit().plus(BeatingClient.TIMEOUT));
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void readsWithheld_longerThanTheLimit_endWhereTheKernelCannotBeAsked(Transport transport) throws Exception {
        Duration limit = Duration.ofMillis(900);
        HeartbeatOptions options =
                BeatingClient.options().pausedReadsLimit(limit).build();
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer, options)) {
            if (epoll(transport)) {
                client.assertNobodyDiesWithin(limit.multipliedBy(2));
                assertThat(client.events).hasAtLeastOneElementOfType(Suspect.class);
                assertThat(client.events).hasAtLeastOneElementOfType(Alive.class); // the kernel holds its answers
            } else {
                PeerDeath death = client.awaitDeath();
                assertThat(death.cause()).isEqualTo(DeathCause.HEARTBEAT_TIMEOUT);
                assertThat(death.rule()).contains("pausedReadsLimit");
                assertThat(death.evidence().readsPaused()).isTrue();
                assertThat(death.detectedAfter())
                        .isBetween(limit, client.limit().plus(limit));
            }
        }
    }
}
