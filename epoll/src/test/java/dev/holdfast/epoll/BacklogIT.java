package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.socket.Transport;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** 64 MiB stand ahead of the ping, and the peer reads slowly: megabytes of them in the kernel, where NIO can't see them. */
class BacklogIT {
    static final int MEBIBYTES = 64;
    static final byte[] MEBIBYTE = new byte[1 << 20];

    static List<Transport> transports() {
        return Transport.all();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void manyMegabytesAheadOfThePing_overASlowReader_killNobody(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = new BeatingClient(
                        new Loopback(transport),
                        peer.address(),
                        BeatingClient.options().build())) {
            client.awaitMoreBeats(2);
            // On NIO so slowly that what the kernel holds at the end takes longer than the bound.
            peer.readSlowly(transport.name().equals("epoll") ? 40_000_000 : 12_000_000);
            int answered = peer.answered();
            long start = System.nanoTime();
            ChannelFuture last = client.channel.newSucceededFuture();
            for (int i = 0; i < MEBIBYTES; i++) {
                last = client.channel.writeAndFlush(Unpooled.wrappedBuffer(MEBIBYTE));
            }
            client.await("the last write", last::isDone);
            assertThat(last.isSuccess()).isTrue();
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(BeatingClient.BOUND.multipliedBy(3));
            client.awaitMoreBeats(3);
            assertThat(peer.answered()).isGreaterThanOrEqualTo(answered + 3);
        }
    }
}
