package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatListener;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.policy.DetectionBounds;
import dev.holdfast.policy.FailureMode;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.PeerDeath;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.ReferenceCountUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The two acts of the demo that only a heartbeat can play. The server's event loop is not the client's. */
@SuppressWarnings("FutureReturnValueIgnored") // what becomes of a write is told by the heartbeat
final class HeartbeatActs implements AutoCloseable {
    private static final int PING = 0x01;
    private static final int PONG = 0x41;
    private static final int BEATS = 3;
    private static final int STALL_SECONDS = 2;
    private static final long PATIENCE_SECONDS = 15;

    static final HeartbeatOptions HEARTBEAT = HeartbeatOptions.builder()
            .interval(Duration.ofMillis(500))
            .timeout(Duration.ofMillis(250))
            .attempts(2)
            .beatEvents(true)
            .build();

    private final Transport transport;
    private final EventLoopGroup clients;
    private final EventLoopGroup servers;

    HeartbeatActs(Transport transport) {
        this.transport = transport;
        this.clients = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        this.servers = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
    }

    /** How long a hung program may go unnoticed, by the table of bounds. */
    Duration bound(SocketOptions options) {
        DetectionBounds bounds = LivenessPolicy.of(options, HEARTBEAT).bounds(KernelSettings.current(), transport);
        return bounds.worstCase(FailureMode.PEER_PROGRAM_HUNG).orElseThrow();
    }

    /** A peer that answers some beats, and then nothing any more; empty if nobody noticed. */
    Optional<PeerDeath> hungPeer() throws InterruptedException {
        try (Meeting meeting = new Meeting(BEATS)) {
            for (HeartbeatEvent event = meeting.next(); event != null; event = meeting.next()) {
                Demo.say("  " + Happening.of(event).name() + ": "
                        + (event instanceof HeartbeatEvent.PeerDead
                                ? "the verdict"
                                : Happening.of(event).text()));
                if (event instanceof HeartbeatEvent.PeerDead dead) {
                    return Optional.of(dead.death());
                }
            }
            return Optional.empty();
        }
    }

    /** Our own event loop stands still, towards a healthy peer: whether it was told, nobody died, and beats go on. */
    boolean ownStall() throws InterruptedException {
        try (Meeting meeting = new Meeting(Integer.MAX_VALUE)) {
            boolean told = false;
            int before = 0;
            int after = 0;
            for (HeartbeatEvent event = meeting.next(); event != null; event = meeting.next()) {
                Demo.say("  " + Happening.of(event).name() + ": "
                        + Happening.of(event).text());
                if (event instanceof HeartbeatEvent.PeerDead) {
                    return false;
                }
                boolean stall = event instanceof HeartbeatEvent.LocalStall length
                        && length.length().toSeconds() >= STALL_SECONDS - 1;
                told |= stall;
                if (event instanceof HeartbeatEvent.Beat && told && ++after == BEATS) {
                    return true;
                }
                if (event instanceof HeartbeatEvent.Beat && !told && ++before == BEATS) {
                    Demo.say("  ... now something blocks our event loop for " + STALL_SECONDS + " s");
                    meeting.client.eventLoop().execute(HeartbeatActs::block);
                }
            }
            return false;
        }
    }

    private static void block() {
        try {
            TimeUnit.SECONDS.sleep(STALL_SECONDS);
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        clients.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
        servers.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    /** A server that answers so many beats, a client of it, and what its heartbeat tells. */
    private final class Meeting implements AutoCloseable {
        private final BlockingQueue<HeartbeatEvent> events = new LinkedBlockingQueue<>();
        private final Channel server;
        private final Channel client;

        Meeting(int answers) throws InterruptedException {
            ServerBootstrap listening = new ServerBootstrap()
                    .group(servers)
                    .channel(transport.serverChannelType())
                    .childHandler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel child) {
                            child.pipeline().addLast(new Answers(answers));
                        }
                    });
            server = listening
                    .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .sync()
                    .channel();
            HeartbeatListener listener = (channel, event) -> events.add(event);
            Bootstrap connecting = new Bootstrap()
                    .group(clients)
                    .channel(transport.channelType())
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            channel.pipeline()
                                    .addLast(HeartbeatHandler.create(
                                            HeartbeatProtocol.frame(PING, PONG), HEARTBEAT, listener));
                        }
                    });
            client = connecting.connect(server.localAddress()).sync().channel();
        }

        /** What is told next; null if nothing is for a long time. */
        @Nullable HeartbeatEvent next() throws InterruptedException {
            return events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }

        @Override
        public void close() {
            client.close().awaitUninterruptibly();
            server.close().awaitUninterruptibly();
        }
    }

    /** The server's program: it answers so many beats, then it hangs, and its kernel goes on acknowledging. */
    private static final class Answers extends ChannelInboundHandlerAdapter {
        private int left;

        Answers(int left) {
            this.left = left;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf beats = (ByteBuf) message;
            for (int i = beats.readableBytes(); i > 0 && left > 0; i--, left--) {
                context.writeAndFlush(context.alloc().buffer(1).writeByte(PONG));
            }
            ReferenceCountUtil.release(message);
            context.channel().config().setAutoRead(left > 0);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable resetByTheClient) {
            context.close();
        }
    }
}
