package dev.holdfast.examples.lab;

import com.google.gson.JsonObject;
import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.Backlog;
import dev.holdfast.verdict.Evidence;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.verdict.PostMortem;
import dev.holdfast.verdict.TcpSnapshot;
import dev.holdfast.wire.Agreed;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.FrameDecoder;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import dev.holdfast.wire.Hello;
import dev.holdfast.wire.HelloHandler;
import io.netty.bootstrap.Bootstrap;
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
import io.netty.handler.codec.FixedLengthFrameDecoder;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One connection of an agent, as a user of the library would hold it, and told of in detail. Confined to its event loop. */
@SuppressWarnings("FutureReturnValueIgnored") // what fails here shows in the connection's fate
final class ClientConnection {
    private static final long SAMPLE_MILLIS = 100;
    private static final int SAMPLES = 60;
    private static final byte PING = 0x01;
    /** See {@link Listener}. */
    static final byte REQUEST = 0x02;

    private final int id;
    private final Transport transport;
    private final InetSocketAddress remote;
    private final LivenessPolicy policy;
    private final Optional<String> handshake;
    private final Lateness lateness;
    private final Consumer<JsonObject> events;
    private final ArrayDeque<String> samples = new ArrayDeque<>();
    private @Nullable Channel channel;
    private @Nullable Future<?> sampler;
    private @Nullable Future<?> windowWatch;
    private long lastReadNanos = System.nanoTime();
    private boolean ended;
    private boolean closing;

    ClientConnection(int id, JsonObject order, Transport transport, Lateness lateness, Consumer<JsonObject> events) {
        this.id = id;
        this.transport = transport;
        this.remote = new InetSocketAddress(
                Wire.text(order, "host"), order.get("port").getAsInt());
        this.policy = PolicyText.parse(Wire.text(order, "options"));
        this.handshake = PolicyText.handshake(Wire.text(order, "options"));
        this.lateness = lateness;
        this.events = events;
    }

    /** Connects. From any thread, once. */
    void open(EventLoopGroup loop) {
        Bootstrap bootstrap = new Bootstrap()
                .group(loop)
                .channel(transport.channelType())
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel made) {
                        pipeline(made);
                    }
                });
        tell("connecting");
        ChannelFuture connected = policy.socketOptions().connect(bootstrap, remote);
        channel = connected.channel();
        connected.addListener(done -> {
            if (!done.isSuccess()) {
                died(new PeerDeath(
                        remote.toString(),
                        PostMortem.connecting(done.cause()),
                        Duration.ofNanos(System.nanoTime() - lastReadNanos),
                        "the connect failed",
                        Evidence.of(SocketOptions.atConnectFailure(connected.channel()), false, Backlog.NONE),
                        Optional.of(done.cause())));
            }
        });
    }

    private void pipeline(Channel made) {
        made.pipeline().addLast(new Tap());
        policy.heartbeat()
                .ifPresentOrElse(
                        beats -> beating(made.pipeline(), beats),
                        () -> made.config().setAutoClose(false)); // or a failed write would hide why it failed
        if (policy.heartbeat().isEmpty() && handshake.isPresent()) {
            made.pipeline().addLast(new FrameDecoder(Hello.builder().build()));
        }
        made.pipeline().addLast(new Judge());
    }

    private void beating(ChannelPipeline pipeline, HeartbeatOptions beats) {
        HeartbeatProtocol protocol =
                handshake.isPresent() ? HeartbeatProtocol.framed() : HeartbeatProtocol.frame(PING, 0x41);
        if (handshake.isPresent()) {
            Hello hello = beats.hello().build();
            pipeline.addLast(new FrameDecoder(hello), new HelloHandler(hello, PolicyText.duration(handshake.get())));
        } else {
            pipeline.addLast(new FixedLengthFrameDecoder(1));
        }
        pipeline.addLast(HeartbeatHandler.create(protocol, beats, (from, event) -> heard(event)));
    }

    /** Writes bytes of which none is a beat. From any thread. */
    void write(int bytes) {
        inLoop(open -> {
            tell("write", "bytes", bytes);
            ByteBuf buffer = bytes == 1
                    ? Unpooled.buffer(1).writeByte(PING)
                    : Unpooled.buffer(bytes).writeZero(bytes);
            open.writeAndFlush(buffer).addListener((ChannelFutureListener) done -> {
                if (done.isSuccess()) {
                    tell("written", "bytes", bytes);
                } else if (policy.heartbeat().isEmpty()) {
                    judge(open, done.cause());
                }
            });
        });
    }

    /** Writes a byte that asks for an answer and is no beat. From any thread. */
    void request() {
        inLoop(open -> {
            tell("request");
            open.writeAndFlush(Unpooled.buffer(1).writeByte(REQUEST));
        });
    }

    /** Closes, and tells when the kernel has forgotten the socket. From any thread. */
    void close() {
        inLoop(open -> {
            closing = true;
            int port = ((InetSocketAddress) open.localAddress()).getPort();
            tell("close");
            open.close();
            LocalPort.whenFree(port, () -> tell("gone"));
        });
    }

    /** Tells when the peer's window has closed with data of ours waiting; at once if it cannot be asked. From any thread. */
    void awaitClosedWindow() {
        inLoop(open -> windowWatch = open.eventLoop()
                .scheduleAtFixedRate(
                        () -> transport.snapshot(open).ifPresent(this::lookAtWindow), 0, 5, TimeUnit.MILLISECONDS));
    }

    private void lookAtWindow(TcpSnapshot tcp) {
        boolean closed = tcp.get(TcpSnapshot.Field.NOTSENT_BYTES, 0) > 0
                && tcp.get(TcpSnapshot.Field.UNACKED, 0) == 0
                && tcp.get(TcpSnapshot.Field.SND_WND, 0) == 0;
        if (closed && windowWatch != null) {
            windowWatch.cancel(false);
            windowWatch = null;
            long closedNanos = tcp.get(TcpSnapshot.Field.RWND_LIMITED, 0) * 1000;
            events.accept(Wire.object(
                    "event",
                    "window-closed",
                    "id",
                    id,
                    "nanos",
                    System.nanoTime() - closedNanos,
                    "tcp",
                    tcp.toString()));
        }
    }

    void tellSamples() {
        inLoop(open -> tell("samples", "samples", List.copyOf(samples)));
    }

    private void inLoop(Consumer<Channel> task) {
        Channel open = channel;
        if (open != null) {
            open.eventLoop().execute(() -> task.accept(open));
        }
    }

    private void heard(HeartbeatEvent event) {
        if (event instanceof HeartbeatEvent.PeerDead dead) {
            died(dead.death());
        } else if (event instanceof HeartbeatEvent.LocalStall stall) {
            tell("local-stall", "millis", stall.length().toMillis());
        } else if (event instanceof HeartbeatEvent.Beat beat) {
            events.accept(Wire.object(
                    "event",
                    "beat",
                    "id",
                    id,
                    "nanos",
                    System.nanoTime(),
                    "lateMicros",
                    beat.lateness().toNanos() / 1000,
                    "rttMicros",
                    beat.roundTrip().toNanos() / 1000));
        } else if (event instanceof HeartbeatEvent.Suspect suspect) {
            tell("suspect", "silenceMillis", suspect.silence().toMillis());
        } else if (event instanceof HeartbeatEvent.Alive) {
            tell("alive");
        }
    }

    private void judge(Channel open, Throwable error) {
        if (closing || ended) {
            return;
        }
        Optional<TcpSnapshot> evidence = transport.snapshot(open);
        died(new PeerDeath(
                remote.toString(),
                PostMortem.established(error, evidence),
                Duration.ofNanos(System.nanoTime() - lastReadNanos),
                "the kernel ended the connection",
                Evidence.of(evidence, !open.config().isAutoRead(), Backlog.NONE),
                Optional.of(error)));
        open.close();
    }

    private void died(PeerDeath death) {
        if (ended || closing) {
            return;
        }
        ended = true;
        Optional<TcpSnapshot> tcp = death.evidence().tcpInfo();
        events.accept(Wire.object(
                "event", "dead",
                "id", id,
                "nanos", System.nanoTime(),
                "cause", death.cause().name(),
                "rule", death.rule(),
                "explanation", death.explain(),
                "error", death.error().map(Throwable::toString).orElse(""),
                "lastReadNanos", lastReadNanos,
                "lastAckMillis",
                        tcp.map(each -> each.get(TcpSnapshot.Field.LAST_ACK_RECV, -1))
                                .orElse(-1L),
                "tcp", tcp.map(TcpSnapshot::toString).orElse(""),
                "stalls", lateness.stalls(),
                "samples", List.copyOf(samples)));
    }

    private void tell(String event) {
        tell(event, "id", id);
    }

    private void tell(String event, String name, Object value) {
        events.accept(Wire.object("event", event, "id", id, "nanos", System.nanoTime(), name, value));
    }

    private void sample(Channel open) {
        transport.snapshot(open).ifPresent(tcp -> {
            if (samples.size() == SAMPLES) {
                samples.removeFirst();
            }
            samples.addLast(System.nanoTime() + " " + tcp);
        });
    }

    /** First in the pipeline: notes the time of every byte. */
    private final class Tap extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            lastReadNanos = System.nanoTime();
            tell("up", "local", context.channel().localAddress().toString());
            Channel open = context.channel();
            sampler = open.eventLoop().scheduleAtFixedRate(() -> sample(open), 0, SAMPLE_MILLIS, TimeUnit.MILLISECONDS);
            context.fireChannelActive();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            lastReadNanos = System.nanoTime();
            context.fireChannelRead(message);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (sampler != null) {
                sampler.cancel(false);
            }
            if (windowWatch != null) {
                windowWatch.cancel(false);
            }
            context.fireChannelInactive();
        }
    }

    /** Last in the pipeline: what no heartbeat has taken, and where there is none, the verdict. */
    private final class Judge extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (handshake.isPresent() && Frames.type((ByteBuf) message) == FrameType.CLOSE) {
                tell(
                        "close-received",
                        "reason",
                        Close.read((ByteBuf) message).reason().name());
            } else {
                tell("read");
            }
            ReferenceCountUtil.release(message);
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof Agreed) {
                tell("agreed");
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
            if (policy.heartbeat().isEmpty()) {
                judge(context.channel(), error);
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (!ended && !closing) {
                ended = true;
                events.accept(Wire.object(
                        "event",
                        "closed",
                        "id",
                        id,
                        "nanos",
                        System.nanoTime(),
                        "lastReadNanos",
                        lastReadNanos,
                        "stalls",
                        lateness.stalls()));
            }
        }
    }
}
