package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.PeerDeath;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.FixedRecvByteBufAllocator;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A peer that says FIN while data of ours has not left, and its counterparts that let it leave. */
@SuppressWarnings("FutureReturnValueIgnored") // the loop is blocked on purpose
class ClosedEarlyIT {
    /** More than the buffers of both ends hold. */
    private static final int SIZE = 16_000_000;

    private static final int READ = 16;

    static List<Transport> transports() {
        return Transport.all();
    }

    /** Nobody is found dead by it before the FIN is. */
    private static BeatingClient client(Transport transport, ScriptedPeer peer) throws InterruptedException {
        return new BeatingClient(
                new Loopback(transport),
                peer.address(),
                BeatingClient.options().timeout(Duration.ofSeconds(20)).build(),
                true,
                List.of(new SmallReads()),
                new BeatingClient.Discard());
    }

    /** Has {@link #READ} bytes read at a time. */
    private static final class SmallReads extends ChannelInboundHandlerAdapter {
        @Override
        public void handlerAdded(ChannelHandlerContext added) {
            added.channel()
                    .config()
                    .setRecvByteBufAllocator(new FixedRecvByteBufAllocator(READ).maxMessagesPerRead(16));
        }
    }

    /** Writes to a peer that does not read, until the kernel takes no more. */
    private static ChannelFuture writeTooMuch(BeatingClient client, ScriptedPeer peer) throws InterruptedException {
        client.awaitMoreBeats(1);
        peer.hang();
        ChannelFuture write = client.write(SIZE);
        client.channel.eventLoop().submit(() -> {}).sync(); // behind the write and its flush
        assertThat(client.channel.isWritable()).isFalse();
        return write;
    }

    private static void assertClosedEarly(BeatingClient client, ChannelFuture write) throws InterruptedException {
        PeerDeath death = client.awaitDeath();
        assertThat(death.cause()).isEqualTo(DeathCause.CLOSED_EARLY);
        assertThat(death.explain()).contains("it closed while data of ours was outstanding", "bytes of ours unsent");
        assertThat(write.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(write.isSuccess()).isFalse();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void finBeforeAllHasLeft_isNamed(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            ChannelFuture write = writeTooMuch(client, peer);
            peer.halfClose();
            assertClosedEarly(client, write);
        }
    }

    /** Words that fill the buffer of a read make Netty read on, so that they and the FIN are one batch. */
    @ParameterizedTest
    @CsvSource({"epoll, 1", "nio, 1", "epoll, 16", "nio, 16"})
    void lastWordsAndFinAtOnce_beforeAllHasLeft_areNamed(String name, int words) throws Exception {
        Transport transport = Transport.all().stream()
                .filter(each -> each.name().equals(name))
                .findAny()
                .orElseThrow();
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            ChannelFuture write = writeTooMuch(client, peer);
            CountDownLatch bothAreThere = new CountDownLatch(1);
            CountDownLatch blocked = new CountDownLatch(1);
            client.channel.eventLoop().execute(() -> {
                blocked.countDown();
                try {
                    bothAreThere.await();
                } catch (InterruptedException impossible) {
                    throw new AssertionError(impossible);
                }
            });
            blocked.await();
            peer.say(7, words);
            peer.halfClose();
            bothAreThere.countDown();
            assertClosedEarly(client, write);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void finWhenAllHasLeft_isNoDeath(Transport transport) throws Exception {
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer)) {
            ChannelFuture write = writeTooMuch(client, peer);
            peer.answer();
            assertThat(write.await(20, TimeUnit.SECONDS)).isTrue();
            client.awaitMoreBeats(2); // which left behind it
            peer.closeRegularly();
            assertThat(client.channel.closeFuture().await(10_000)).isTrue();
            assertThat(client.events(PeerDead.class)).isEmpty();
        }
    }
}
