package dev.holdfast.epoll;

import static dev.holdfast.epoll.DeliveryLedger.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Delivery;
import dev.holdfast.Delivery.Confirmation;
import dev.holdfast.Delivery.State;
import dev.holdfast.HandshakeRefusedException;
import dev.holdfast.MessageListener;
import dev.holdfast.PeerBuilder;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.FrameDecoder;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import dev.holdfast.wire.Hello;
import dev.holdfast.wire.HelloHandler;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.MessageToMessageEncoder;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A message of the framed protocol is CONFIRMED when the peer's listener has returned from it, and not before. */
@SuppressWarnings("FutureReturnValueIgnored") // a close tells of its end by the events
class DeliveryListenerIT {
    /** A busy machine may keep either end off the processor for two timeouts; found dead is rightly who is silent for longer. */
    private static final Duration TIMEOUT = Duration.ofSeconds(1);

    private static final LivenessPolicy PATIENT = LivenessPolicy.of(
            SocketOptions.builder().build(),
            HeartbeatOptions.builder()
                    .interval(Duration.ofMillis(100))
                    .timeout(TIMEOUT)
                    .attempts(2)
                    .build());

    /** Longer than it takes to find a peer dead. */
    private static final Duration LONG = TIMEOUT.multipliedBy(5).dividedBy(2);

    static List<Transport> transports() {
        return Transport.all();
    }

    private static <B extends PeerBuilder<B>> B patient(DeliveryWire wire, B builder) {
        return wire.spokenBy(builder).liveness(PATIENT);
    }

    private static ResilientServer server(Transport transport, MessageListener<ByteBuf> listener) {
        return patient(DeliveryWire.FRAMED, ResilientServer.builder(Loopback.anyPort()))
                .transport(transport)
                .closeLimit(Duration.ofMillis(300))
                .onMessage(listener)
                .start();
    }

    private static ResilientClient client(Transport transport, int port) {
        return patient(DeliveryWire.FRAMED, ResilientClient.builder("127.0.0.1", port))
                .transport(transport)
                .closeLimit(Duration.ofMillis(300))
                .reconnect(DeliveryWire.reconnect(false))
                .onMessage((connection, message) -> {})
                .start();
    }

    private static Delivery join(Delivery delivery) throws Exception {
        return delivery.confirmed().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    /** So many round trips, each behind everything that was written before it. */
    private static void roundTrips(ResilientClient client, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            client.probe().toCompletableFuture().get(20, TimeUnit.SECONDS);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void listenerThatBlocksForLong_confirmsWhenItReturns_andNobodyDies(Transport transport) throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        AtomicInteger returned = new AtomicInteger();
        MessageListener<ByteBuf> blocks = (connection, message) -> {
            entered.countDown();
            try {
                release.await();
            } catch (InterruptedException end) {
                Thread.currentThread().interrupt();
            }
            returned.incrementAndGet();
        };
        try (ResilientServer server = server(transport, blocks);
                ResilientClient client = client(transport, server.localAddress().getPort())) {
            client.awaitUp(DeliveryLedger.PATIENCE);
            Delivery first = client.send("first");
            CompletableFuture<Integer> returnedWhenConfirmed =
                    first.confirmed().thenApply(confirmed -> returned.get()).toCompletableFuture();
            assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
            long since = System.nanoTime();
            while (System.nanoTime() - since < LONG.toNanos()) {
                roundTrips(client, 1);
                assertThat(first.state()).isEqualTo(State.WRITTEN);
                LockSupport.parkNanos(20_000_000);
            }
            Delivery second = client.send("second");
            roundTrips(client, 3);
            assertThat(second.state()).isEqualTo(State.WRITTEN);
            assertThat(client.counters().confirmed()).isZero();
            release.countDown();
            assertThat(returnedWhenConfirmed.get(20, TimeUnit.SECONDS)).isPositive();
            join(second);
            assertThat(returned).hasValue(2);
            assertThat(client.counters().deaths()).isZero();
            assertThat(server.counters().deaths()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void slowListener_confirmsEachMessageAfterItsOwnReturn(Transport transport) throws Exception {
        AtomicInteger returned = new AtomicInteger();
        MessageListener<ByteBuf> slow = (connection, message) -> {
            LockSupport.parkNanos(3_000_000);
            returned.incrementAndGet();
        };
        Queue<String> tooEarly = new ConcurrentLinkedQueue<>();
        try (ResilientServer server = server(transport, slow);
                ResilientClient client = client(transport, server.localAddress().getPort())) {
            client.awaitUp(DeliveryLedger.PATIENCE);
            List<CompletableFuture<?>> all = new ArrayList<>();
            for (int i = 1; i <= 60; i++) {
                int number = i;
                all.add(client.send("message " + i)
                        .confirmed()
                        .thenAccept(confirmed -> {
                            int done = returned.get();
                            if (done < number) {
                                tooEarly.add(number + " after the return of " + done);
                            }
                        })
                        .toCompletableFuture());
                LockSupport.parkNanos(1_000_000);
            }
            for (CompletableFuture<?> each : all) {
                each.get(20, TimeUnit.SECONDS);
            }
            assertThat(tooEarly).isEmpty();
            assertThat(returned).hasValue(60);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void listenerThatThrows_countsAsHavingRead(Transport transport) throws Exception {
        AtomicInteger given = new AtomicInteger();
        MessageListener<ByteBuf> throwing = (connection, message) -> {
            given.incrementAndGet();
            throw new IllegalStateException("the listener's own");
        };
        try (ResilientServer server = server(transport, throwing);
                ResilientClient client = client(transport, server.localAddress().getPort())) {
            client.awaitUp(DeliveryLedger.PATIENCE);
            assertThat(join(client.send("one")).confirmation()).contains(Confirmation.PROGRAM);
            assertThat(join(client.send("two")).state()).isEqualTo(State.CONFIRMED);
            assertThat(given).hasValue(2);
            assertThat(client.counters().downs()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void listenerWhoseExecutorRefuses_confirmsNothing(Transport transport) throws Exception {
        AtomicInteger runs = new AtomicInteger();
        AtomicInteger given = new AtomicInteger();
        CountDownLatch refused = new CountDownLatch(1);
        try (ResilientServer server = patient(DeliveryWire.FRAMED, ResilientServer.builder(Loopback.anyPort()))
                        .transport(transport)
                        .closeLimit(Duration.ofMillis(300))
                        .executor(task -> {
                            if (runs.incrementAndGet() > 1) { // the first is for the event that it is up
                                refused.countDown();
                                throw new RejectedExecutionException("shut down");
                            }
                            task.run();
                        })
                        .onMessage((connection, message) -> given.incrementAndGet())
                        .start();
                ResilientClient client = client(transport, server.localAddress().getPort())) {
            client.awaitUp(DeliveryLedger.PATIENCE);
            await("the server's side is up", () -> runs.get() > 0);
            Delivery delivery = client.send("dropped");
            assertThat(refused.await(20, TimeUnit.SECONDS)).isTrue();
            await("the server gives it up", () -> client.counters().downs() > 0);
            assertThat(delivery.state()).isEqualTo(State.UNKNOWN);
            assertThat(given).hasValue(0);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void serverStillInItsHandshake_confirmsNothing_andRefusesIt(Transport transport) throws Exception {
        CompletableFuture<Object> verdict = new CompletableFuture<>();
        CountDownLatch asked = new CountDownLatch(1);
        AtomicInteger given = new AtomicInteger();
        try (ResilientServer server = shaking(transport, verdict, asked, given);
                ResilientClient client = client(transport, server.localAddress().getPort())) {
            client.awaitUp(DeliveryLedger.PATIENCE);
            Delivery delivery = client.send("early");
            assertThat(asked.await(20, TimeUnit.SECONDS)).isTrue();
            roundTrips(client, 5);
            assertThat(delivery.state()).isEqualTo(State.WRITTEN);
            verdict.completeExceptionally(HandshakeRefusedException.forGood("no"));
            await("the end", () -> client.counters().downs() > 0);
            assertThat(delivery.state()).isEqualTo(State.UNKNOWN);
            assertThat(given).hasValue(0);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void serverStillInItsHandshake_confirmsWhenItIsOver_andTheListenerHasRead(Transport transport) throws Exception {
        CompletableFuture<Object> verdict = new CompletableFuture<>();
        CountDownLatch asked = new CountDownLatch(1);
        AtomicInteger given = new AtomicInteger();
        try (ResilientServer server = shaking(transport, verdict, asked, given);
                ResilientClient client = client(transport, server.localAddress().getPort())) {
            client.awaitUp(DeliveryLedger.PATIENCE);
            Delivery first = client.send("early");
            Delivery second = client.send("early, too");
            CompletableFuture<Integer> givenWhenConfirmed =
                    second.confirmed().thenApply(confirmed -> given.get()).toCompletableFuture();
            assertThat(asked.await(20, TimeUnit.SECONDS)).isTrue();
            roundTrips(client, 5);
            assertThat(first.state()).isEqualTo(State.WRITTEN);
            verdict.complete("yes");
            assertThat(givenWhenConfirmed.get(20, TimeUnit.SECONDS)).isEqualTo(2);
            assertThat(first.state()).isEqualTo(State.CONFIRMED);
        }
    }

    private static ResilientServer shaking(
            Transport transport, CompletableFuture<Object> verdict, CountDownLatch asked, AtomicInteger given) {
        return patient(DeliveryWire.FRAMED, ResilientServer.builder(Loopback.anyPort()))
                .transport(transport)
                .closeLimit(Duration.ofMillis(300))
                .handshake(handshake -> {
                    asked.countDown();
                    return verdict;
                })
                .onMessage((connection, message) -> given.incrementAndGet())
                .start();
    }

    /** A peer of few words: it speaks the framed protocol and answers ordinary beats. */
    private static final class RawPeer extends ChannelInitializer<Channel> implements AutoCloseable {
        final AtomicInteger confirmations = new AtomicInteger();
        final AtomicInteger messages = new AtomicInteger();
        private final Loopback net;
        private final Hello hello;
        private final InetSocketAddress address;
        private final Queue<Channel> accepted = new ConcurrentLinkedQueue<>();

        RawPeer(Transport transport, long capabilities) throws InterruptedException {
            net = new Loopback(transport);
            hello = Hello.builder()
                    .capabilities(capabilities)
                    .maxPayload(1 << 20)
                    .build();
            address = (InetSocketAddress) net.serverBootstrap()
                    .childHandler(this)
                    .bind(Loopback.anyPort())
                    .sync()
                    .channel()
                    .localAddress();
        }

        int port() {
            return address.getPort();
        }

        /** Writes what nobody has asked for. */
        void say(ByteBuf frame) throws InterruptedException {
            accepted.element().writeAndFlush(frame).sync();
        }

        void hangUp() throws InterruptedException {
            accepted.element().close().sync();
        }

        @Override
        protected void initChannel(Channel child) {
            accepted.add(child);
            HeartbeatOptions quiet = HeartbeatOptions.builder()
                    .interval(Duration.ofSeconds(5))
                    .timeout(Duration.ofSeconds(5))
                    .build();
            child.pipeline()
                    .addLast(
                            new FrameDecoder(hello),
                            new Watch(),
                            new HelloHandler(hello),
                            HeartbeatHandler.create(HeartbeatProtocol.framed(), quiet, (where, event) -> {}),
                            new ChannelInboundHandlerAdapter() {
                                @Override
                                public void channelRead(ChannelHandlerContext context, Object message) {
                                    ReferenceCountUtil.release(message);
                                }

                                @Override
                                public void exceptionCaught(ChannelHandlerContext context, Throwable reset) {
                                    context.close();
                                }
                            });
        }

        private final class Watch extends ChannelInboundHandlerAdapter {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                ByteBuf frame = (ByteBuf) message;
                FrameType type = Frames.type(frame);
                if (type == FrameType.DATA) {
                    messages.incrementAndGet();
                } else if (type == FrameType.PING && Frames.isConfirmation(frame)) {
                    confirmations.incrementAndGet();
                }
                context.fireChannelRead(message);
            }
        }

        @Override
        public void close() {
            net.close();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void peerWithoutTheCapability_isConfirmedByOrdinaryBeats(Transport transport) throws Exception {
        try (RawPeer peer = new RawPeer(transport, 0);
                ResilientClient client = client(transport, peer.port())) {
            client.awaitUp(DeliveryLedger.PATIENCE);
            for (int i = 0; i < 5; i++) {
                Delivery delivery = join(client.send("message " + i));
                assertThat(delivery.confirmation()).contains(Confirmation.PROGRAM);
                assertThat(peer.messages.get()).isEqualTo(i + 1);
            }
            Delivery unhurried = client.send("nobody waits for it");
            await("a beat", () -> unhurried.state() == State.CONFIRMED);
            assertThat(peer.confirmations).hasValue(0);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void peerThatNeverAnswersProofs_confirmsNothing_whateverElseItSays(Transport transport) throws Exception {
        try (RawPeer peer = new RawPeer(transport, Hello.CAPABILITY_CONFIRM);
                ResilientClient client = client(transport, peer.port())) {
            client.awaitUp(DeliveryLedger.PATIENCE);
            Delivery delivery = client.send("message");
            await("the proof is asked for", () -> peer.confirmations.get() == 1);
            for (long number : new long[] {0, 2, 1000, Long.MAX_VALUE}) {
                peer.say(Frames.pong(
                        io.netty.buffer.UnpooledByteBufAllocator.DEFAULT, Frames.CONFIRMATION_BIT | number));
                peer.say(Frames.pong(io.netty.buffer.UnpooledByteBufAllocator.DEFAULT, number));
            }
            peer.say(Frames.pong(
                    io.netty.buffer.UnpooledByteBufAllocator.DEFAULT, 1)); // a beat's, and the mark's number
            roundTrips(client, 3);
            assertThat(delivery.state()).isEqualTo(State.WRITTEN);
            assertThat(client.backlog()).isPositive();
            peer.hangUp();
            await("the end", () -> client.counters().downs() > 0);
            await("its fate", () -> delivery.state() == State.UNKNOWN);
            assertThat(delivery.reason()).isPresent();
            assertThat(client.backlog()).isZero();
        }
    }

    /** Refuses some messages. */
    private static final class Fastidious extends MessageToMessageEncoder<ByteBuf> {
        @Override
        protected void encode(ChannelHandlerContext context, ByteBuf message, List<Object> out) {
            if (message.readableBytes() == 24) {
                throw new IllegalArgumentException("24 bytes");
            }
            out.add(message.retain());
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void encoderThatThrows_meansNotSent_andTheOthersAreConfirmed(Transport transport) throws Exception {
        DeliveryLedger ledger = new DeliveryLedger(true);
        DeliveryWire wire = DeliveryWire.ANSWERED;
        try (ResilientServer server = patient(wire, ResilientServer.builder(Loopback.anyPort()))
                        .transport(transport)
                        .executor(Runnable::run)
                        .onMessage(ByteBuf.class, (connection, message) -> ledger.arrived(message))
                        .start();
                ResilientClient client = patient(
                                wire,
                                ResilientClient.builder(
                                        "127.0.0.1", server.localAddress().getPort()))
                        .transport(transport)
                        .pipeline(
                                pipeline -> {
                                    DeliveryWire.frames(pipeline);
                                    pipeline.addLast(new Fastidious());
                                },
                                HeartbeatProtocol.frame(0x01, 0x41))
                        .onMessage(ByteBuf.class, (connection, message) -> {})
                        .start()) {
            client.awaitUp(DeliveryLedger.PATIENCE);
            Delivery before = ledger.send(client, 16);
            Delivery bad = ledger.send(client, 24);
            Delivery after = ledger.send(client, 32);
            assertThat(join(before).state()).isEqualTo(State.CONFIRMED);
            assertThat(join(after).state()).isEqualTo(State.CONFIRMED);
            assertThat(bad.state()).isEqualTo(State.NOT_SENT);
            assertThat(bad.confirmation()).isEmpty();
            assertThat(bad.reason()).hasValueSatisfying(why -> assertThat(why).contains("24 bytes"));
            ledger.awaitFates(client);
            ledger.verify(true);
            ledger.verifyCounters(client.counters());
            assertThat(client.counters().downs()).isZero();
        }
    }
}
