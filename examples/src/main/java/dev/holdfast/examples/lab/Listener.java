package dev.holdfast.examples.lab;

import com.google.gson.JsonObject;
import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import dev.holdfast.wire.Agreed;
import dev.holdfast.wire.FrameDecoder;
import dev.holdfast.wire.Hello;
import dev.holdfast.wire.HelloHandler;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A port with scripted manners: {@code answer} (41 to each 01), {@code answer-after:MILLIS} (the same, and 42 to a 02 after a
 * while), {@code silent} (reads, says nothing), {@code unreading} (from the second read on), {@code pausing:MILLIS} (for so long when much comes),
 * {@code close} (at the first byte), {@code relay} (to the next port), {@code hello:MILLIS} (the framed protocol, with this
 * limit for the client's HELLO; beats are answered).
 */
@SuppressWarnings("FutureReturnValueIgnored") // what fails here shows in the connection's fate
final class Listener {
    private static final byte PING = 0x01;
    private static final byte PONG = 0x41;
    private static final byte RESPONSE = 0x42;
    /** More bytes than beats make. */
    private static final long MANY = 1000;

    private static final long TELL_EVERY = TimeUnit.MILLISECONDS.toNanos(200);

    private final int port;
    private final String manner;
    private final String argument;
    private final String options;
    private final EventLoopGroup loop;
    private final Consumer<JsonObject> events;

    Listener(int port, JsonObject order, EventLoopGroup loop, Consumer<JsonObject> events) {
        String[] parts = (Wire.text(order, "manner") + ":").split(":", -1);
        this.port = port;
        this.manner = parts[0];
        this.argument = parts[1];
        this.options = Wire.text(order, "options");
        this.loop = loop;
        this.events = events;
    }

    void bind() {
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .channel(Transport.preferred().serverChannelType())
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel child) {
                        switch (manner) {
                            case "relay" -> child.pipeline().addLast(new Relay());
                            case "hello" -> greet(child.pipeline());
                            default -> child.pipeline().addLast(new Peer());
                        }
                    }
                });
        ChannelFuture bound =
                PolicyText.parse(options).socketOptions().bind(bootstrap, new InetSocketAddress("0.0.0.0", port));
        bound.addListener(done -> {
            if (done.isSuccess()) {
                tell("listening", "deferAccept", deferAccept(bound.channel()));
            } else {
                tell("error", "message", String.valueOf(done.cause()));
            }
        });
    }

    /** In seconds, as the kernel has it; 0 if it is off. */
    private static int deferAccept(Channel listening) {
        return OptionReport.of(listening)
                .flatMap(report -> report.row(TcpOption.TCP_DEFER_ACCEPT))
                .map(row -> row.found().orElse(0))
                .orElse(0);
    }

    private void greet(ChannelPipeline pipeline) {
        Hello hello = Hello.builder().build();
        HeartbeatOptions onlyAnswers =
                HeartbeatOptions.builder().manualStart(true).build();
        pipeline.addLast(
                new FrameDecoder(hello),
                new HelloHandler(hello, Duration.ofMillis(Long.parseLong(argument))),
                HeartbeatHandler.create(HeartbeatProtocol.framed(), onlyAnswers, (from, event) -> {
                    if (event instanceof HeartbeatEvent.PeerDead dead) {
                        tell("peer-dead", "cause", dead.death().cause().name());
                    }
                }),
                new Greeter());
    }

    private void tell(String event, String name, Object value) {
        events.accept(Wire.object("event", event, "id", port, "nanos", System.nanoTime(), name, value));
    }

    /** The peer of one connection, until it ends. */
    private final class Peer extends ChannelInboundHandlerAdapter {
        private final List<ScheduledFuture<?>> answers = new ArrayList<>();
        private long received;
        private long toldNanos;

        @Override
        public void channelActive(ChannelHandlerContext context) {
            tell("accepted", "remote", context.channel().remoteAddress().toString());
            toldNanos = System.nanoTime() - TELL_EVERY;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            received += bytes.readableBytes();
            int pings = 0;
            int requests = 0;
            while (bytes.isReadable()) {
                byte each = bytes.readByte();
                pings += each == PING ? 1 : 0;
                requests += each == ClientConnection.REQUEST ? 1 : 0;
            }
            bytes.release();
            long now = System.nanoTime();
            if (now - toldNanos >= TELL_EVERY) {
                toldNanos = now;
                tell("got", "bytes", received);
            }
            respond(context, pings, requests);
        }

        private void respond(ChannelHandlerContext context, int pings, int requests) {
            switch (manner) {
                case "answer" -> answer(context, PONG, pings);
                case "answer-after" -> {
                    answer(context, PONG, pings);
                    answers.add(context.executor()
                            .schedule(
                                    () -> answer(context, RESPONSE, requests),
                                    Long.parseLong(argument),
                                    TimeUnit.MILLISECONDS));
                }
                case "unreading" -> {
                    context.channel().config().setAutoRead(false);
                    answer(context, PONG, pings);
                }
                case "pausing" -> {
                    answer(context, PONG, pings);
                    if (received > MANY) {
                        pause(context);
                    }
                }
                case "close" -> context.close();
                default -> {
                    // silent
                }
            }
        }

        /** Once. */
        private void pause(ChannelHandlerContext context) {
            if (answers.isEmpty()) {
                context.channel().config().setAutoRead(false);
                answers.add(context.executor()
                        .schedule(
                                () -> context.channel().config().setAutoRead(true),
                                Long.parseLong(argument),
                                TimeUnit.MILLISECONDS));
            }
        }

        private void answer(ChannelHandlerContext context, byte answer, int times) {
            for (int i = 0; i < times; i++) {
                context.writeAndFlush(Unpooled.buffer(1).writeByte(answer));
                tell("answered", "byte", answer);
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            answers.forEach(each -> each.cancel(false));
            tell("peer-closed", "bytes", received);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
            tell("peer-error", "message", String.valueOf(error.getMessage()));
            context.close();
        }
    }

    /** Behind the handlers of the framed protocol. */
    private final class Greeter extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            tell("accepted", "remote", context.channel().remoteAddress().toString());
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof Agreed) {
                tell("agreed", "remote", context.channel().remoteAddress().toString());
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            tell("peer-closed", "remote", String.valueOf(context.channel().remoteAddress()));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
            tell("peer-error", "message", String.valueOf(error.getMessage())); // the HelloHandler closes
        }
    }

    /** Hands bytes to and fro between a client and another port of this namespace. */
    private final class Relay extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            Channel client = context.channel();
            client.config().setAutoRead(false);
            tell("accepted", "remote", client.remoteAddress().toString());
            ChannelFuture backend = new Bootstrap()
                    .group(client.eventLoop())
                    .channel(Transport.preferred().channelType())
                    .handler(new Copy(client))
                    .connect(Network.SERVER, port + 1);
            client.pipeline().addLast(new Copy(backend.channel()));
            backend.addListener((ChannelFutureListener) done -> client.config().setAutoRead(true));
        }
    }

    /** What it reads it writes to the other. */
    private static final class Copy extends ChannelInboundHandlerAdapter {
        private final Channel other;

        Copy(Channel other) {
            this.other = other;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            other.writeAndFlush(message);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            other.close();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
            context.close();
        }
    }
}
