package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.PeerDeath;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.FixedLengthFrameDecoder;
import io.netty.util.ReferenceCountUtil;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A user with autoRead off asks for each read himself: his requests are neither forgotten nor spent on beats that he never
 * sees, and none is made in his name that he did not make.
 */
class ReadRequestsIT {
    /** Where the user asks for the next read. */
    private enum Asks {
        IN_CHANNEL_READ,
        IN_CHANNEL_READ_COMPLETE,
        LATER
    }

    /** A way to ask, with or without a decoder in front of the heartbeat. */
    private record Setting(Transport transport, Asks asks, boolean decoder) {
        List<ChannelHandler> before() {
            return decoder ? List.of(new FixedLengthFrameDecoder(1)) : List.of();
        }
    }

    static List<Setting> settings() {
        return Transport.all().stream()
                .flatMap(transport -> Stream.concat(
                        Stream.of(Asks.values()).map(asks -> new Setting(transport, asks, false)),
                        Stream.of(new Setting(transport, Asks.IN_CHANNEL_READ, true))))
                .toList();
    }

    static List<Transport> transports() {
        return Transport.all();
    }

    /** Asks once when the channel is active, and once more for each message. */
    private static final class OneReadPerMessage extends ChannelInboundHandlerAdapter {
        final BlockingQueue<Byte> messages = new LinkedBlockingQueue<>();
        private final Asks asks;
        private final AtomicInteger owed = new AtomicInteger();

        OneReadPerMessage(Asks asks) {
            this.asks = asks;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.read();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            messages.add(((ByteBuf) message).readByte());
            ReferenceCountUtil.release(message);
            switch (asks) {
                case IN_CHANNEL_READ -> context.read();
                case IN_CHANNEL_READ_COMPLETE -> owed.incrementAndGet();
                case LATER -> context.executor().execute(context::read);
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            if (owed.getAndSet(0) > 0) {
                context.read();
            }
        }

        void awaitMessage(int expected) throws InterruptedException {
            assertThat(messages.poll(10, TimeUnit.SECONDS)).isEqualTo((byte) expected);
        }
    }

    @ParameterizedTest
    @MethodSource("settings")
    void oneReadPerMessage_reachesEachMessage_andAHungPeerIsFound(Setting setting) throws Exception {
        OneReadPerMessage user = new OneReadPerMessage(setting.asks);
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(setting.transport, peer, setting.before(), user)) {
            for (int i = 0; i < 2; i++) {
                client.awaitMoreBeats(2); // batches of beats alone
                peer.say(0x10 + i);
                user.awaitMessage(0x10 + i);
            }
            peer.hang();
            PeerDeath death = client.awaitDeath();
            assertThat(death.cause())
                    .isEqualTo(
                            setting.transport.name().equals("epoll")
                                    ? DeathCause.PEER_HUNG
                                    : DeathCause.HEARTBEAT_TIMEOUT);
            assertThat(death.detectedAfter()).isLessThan(client.limit());
            assertThat(death.evidence().readsPaused()).isFalse();
        }
    }

    /** Pauses reads in the middle of a batch, once it is told to. */
    private static final class Pauses extends ChannelInboundHandlerAdapter {
        final CountDownLatch paused = new CountDownLatch(1);
        volatile boolean wanted;

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (wanted) {
                context.channel().config().setAutoRead(false);
                paused.countDown();
            }
            context.fireChannelRead(message);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void pauseInABatchOfBeats_holdsBackTheNextMessage(Transport transport) throws Exception {
        Pauses pauses = new Pauses();
        OneReadPerMessage user = new OneReadPerMessage(Asks.LATER);
        try (ScriptedPeer peer = new ScriptedPeer();
                BeatingClient client = client(transport, peer, List.of(new FixedLengthFrameDecoder(1), pauses), user)) {
            client.channel.config().setAutoRead(true);
            client.awaitMoreBeats(2);
            pauses.wanted = true;
            assertThat(pauses.paused.await(10, TimeUnit.SECONDS)).isTrue();
            peer.say(0x10);
            assertThat(user.messages.poll(600, TimeUnit.MILLISECONDS))
                    .as("what came in while reads are paused")
                    .isNull();
            client.assertNobodyDied();
            client.channel.read();
            user.awaitMessage(0x10);
        }
    }

    private static BeatingClient client(
            Transport transport, ScriptedPeer peer, List<ChannelHandler> before, ChannelHandler user) throws Exception {
        return new BeatingClient(
                new Loopback(transport), peer.address(), BeatingClient.options().build(), false, before, user);
    }
}
