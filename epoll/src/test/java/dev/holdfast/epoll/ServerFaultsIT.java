package dev.holdfast.epoll;

import static dev.holdfast.epoll.ServerScene.at;
import static dev.holdfast.epoll.ServerScene.await;
import static dev.holdfast.epoll.ServerScene.awaitThat;
import static dev.holdfast.epoll.ServerScene.server;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Connection;
import dev.holdfast.ConnectionEvent;
import dev.holdfast.ConnectionState;
import dev.holdfast.Ending;
import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.Drain;
import dev.holdfast.wire.DrainReason;
import dev.holdfast.wire.FrameType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes wrong on a server, or is done to it, and what must hold all the same. */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
class ServerFaultsIT {
    private final BlockingQueue<ConnectionEvent> events = new LinkedBlockingQueue<>();

    static List<Transport> transports() {
        return Transport.all();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void codecThatThrows_leavesNothingBehind_andTheServerEnds(Transport transport) throws Exception {
        ResilientServer server = server(transport)
                .pipeline(pipeline -> {
                    throw new IllegalStateException("no codec today");
                })
                .onMessage(ByteBuf.class, (connection, message) -> {})
                .onEvent(events::add)
                .start();
        for (int i = 0; i < 3; i++) {
            try (ServerRaw client = ServerRaw.connect(at("127.0.0.1", server))) {
                client.readToEnd();
            }
        }
        assertThat(await(server.closeAsync()).kind()).isEqualTo(Ending.Kind.CLOSED);
        assertThat(ServerScene.take(events, "Closed")).isInstanceOf(ConnectionEvent.Closed.class);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void firstMessageInTheReadOfTheHello_isMeasuredByTheMessagesLimit(Transport transport) throws Exception {
        BlockingQueue<Integer> sizes = new LinkedBlockingQueue<>();
        try (ResilientServer server = server(transport)
                        .onMessage((connection, message) -> sizes.add(message.readableBytes()))
                        .start();
                ServerRaw client = ServerRaw.connect(at("127.0.0.1", server))) {
            ByteArrayOutputStream both = new ByteArrayOutputStream();
            both.write(ServerRaw.helloBytes());
            both.write(new byte[] {0, 1, (byte) 0x86, (byte) 0xA0, (byte) FrameType.DATA.code(), 0, 0, 0});
            both.write(new byte[100_000]);
            client.send(both.toByteArray());
            assertThat(ServerScene.take(sizes, "the message")).isEqualTo(100_000);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void drainInTheReadOfTheHello_isToldBehindUp_andOnce(Transport transport) throws Exception {
        try (ResilientServer server = server(transport).onEvent(events::add).start();
                ServerRaw client = ServerRaw.connect(at("127.0.0.1", server))) {
            byte[] drain = bytes(
                    Drain.of(DrainReason.REBALANCE, Duration.ofSeconds(9)).write(UnpooledByteBufAllocator.DEFAULT));
            client.send(bytes(Unpooled.wrappedBuffer(ServerRaw.helloBytes(), drain, drain, drain)));
            assertThat(ServerScene.take(events, "Up")).isInstanceOf(ConnectionEvent.Up.class);
            assertThat(ServerScene.take(events, "Draining")).isInstanceOf(ConnectionEvent.Draining.class);
            client.close();
            assertThat(ServerScene.take(events, "Down")).isInstanceOf(ConnectionEvent.Down.class);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void roomMadeByTheEnd_isNoNewsBehindDown(Transport transport) throws Exception {
        ResilientServer server = server(transport)
                .outboundLimit(4096)
                .onEvent(event -> {
                    events.add(event);
                    if (event instanceof ConnectionEvent.Up up) {
                        up.connection().send(new byte[3000]);
                    }
                })
                .start();
        try (ServerRaw client = ServerRaw.connect(at("127.0.0.1", server))) {
            client.hello();
            awaitThat("the message is written", () -> server.counters().written() == 1);
        }
        awaitThat("it is down", () -> server.counters().downs() == 1);
        await(server.closeAsync());
        List<Class<?>> told = events.stream().<Class<?>>map(Object::getClass).toList();
        assertThat(told)
                .containsExactly(
                        ConnectionEvent.Up.class,
                        ConnectionEvent.Writability.class,
                        ConnectionEvent.Down.class,
                        ConnectionEvent.Closed.class);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void peerThatSaysCloseAndDoesNotRead_doesNotProlongTheDrain(Transport transport) throws Exception {
        int messages = 12; // more than the kernel takes
        ResilientServer server = server(transport)
                .closeLimit(Duration.ofSeconds(30))
                .onEvent(event -> {
                    if (event instanceof ConnectionEvent.Up up) {
                        for (int i = 0; i < messages; i++) {
                            up.connection().send(new byte[1 << 20]);
                        }
                    }
                })
                .start();
        try (ServerRaw client = ServerRaw.connect(at("127.0.0.1", server))) {
            client.hello();
            awaitThat("it is up", () -> server.counters().sent() == messages);
            long start = System.nanoTime();
            Connection connection = server.connections().iterator().next();
            CompletionStage<Ending> drained = connection.drain(Duration.ofSeconds(1));
            awaitThat("it drains", () -> connection.state() == ConnectionState.DRAINING);
            assertThat(server.counters().notSent()).isZero();
            assertThat(server.counters().written()).isLessThan(messages);
            client.send(bytes(Close.of(CloseReason.NORMAL, Duration.ZERO).write(UnpooledByteBufAllocator.DEFAULT)));
            await(drained);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
        }
        await(server.closeAsync());
    }

    private static byte[] bytes(ByteBuf frame) {
        try {
            return ByteBufUtil.getBytes(frame);
        } finally {
            frame.release();
        }
    }
}
