package dev.holdfast.epoll;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.PeerDeath;
import io.netty.handler.codec.FixedLengthFrameDecoder;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;

/**
 * Run in a network namespace of its own by {@link VanishedPeerIT}: withholds its reads, says the port of its peer, is told
 * by a byte on its standard input that the peer has vanished, and says what the heartbeat found.
 */
final class VanishedPeerProgram {
    static final Duration PAUSED_READS_LIMIT = Duration.ofMillis(900);

    private VanishedPeerProgram() {}

    /** The argument is the name of the transport. */
    public static void main(String[] arguments) throws Exception {
        Transport transport = Transport.all().stream()
                .filter(known -> known.name().equals(arguments[0]))
                .findFirst()
                .orElseThrow();
        HeartbeatOptions options =
                BeatingClient.options().pausedReadsLimit(PAUSED_READS_LIMIT).build();
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = new BeatingClient(
                        new Loopback(transport),
                        peer.address(),
                        options,
                        true,
                        List.of(new FixedLengthFrameDecoder(1)),
                        new BeatingClient.Discard())) {
            client.awaitMoreBeats(3);
            client.channel
                    .eventLoop()
                    .submit(() -> client.channel.config().setAutoRead(false))
                    .sync();
            System.out.println(((InetSocketAddress) peer.address()).getPort());
            if (System.in.read() < 0) {
                throw new IllegalStateException("the test is gone");
            }
            long start = System.nanoTime();
            PeerDeath death = client.awaitDeath();
            System.out.println(death.cause() + " " + death.evidence().readsPaused() + " "
                    + (System.nanoTime() - start) / 1_000_000 + " "
                    + client.limit().toMillis());
        }
        System.exit(0);
    }
}
