package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.handler.codec.string.LineEncoder;
import io.netty.handler.codec.string.LineSeparator;
import io.netty.handler.codec.string.StringDecoder;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A Netty application that somebody already has: a line protocol with PING and PONG. All that is added is one handler. */
public final class ExistingPipeline {
    private static final int ANSWERED_BEATS = 3;

    private ExistingPipeline() {}

    /** Runs the application's server and a client of it in this process, until the server stops answering. */
    public static void main(String[] arguments) throws InterruptedException {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        CountDownLatch dead = new CountDownLatch(1);
        try {
            Channel server = new ServerBootstrap()
                    .group(group)
                    .channel(NioServerSocketChannel.class)
                    .childHandler(initializer(new AnswersForAWhile(), null))
                    .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .sync()
                    .channel();
            new Bootstrap()
                    .group(group)
                    .channel(NioSocketChannel.class)
                    .handler(initializer(new PrintsLines(), heartbeat(dead)))
                    .connect(server.localAddress())
                    .sync();
            dead.await();
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
        }
    }

    /** The one thing that is new. In earnest the interval would be seconds. */
    private static HeartbeatHandler heartbeat(CountDownLatch dead) {
        HeartbeatOptions options = HeartbeatOptions.builder()
                .interval(Duration.ofMillis(300)) // a silent peer is asked after this
                .timeout(Duration.ofMillis(200)) // and has this long to answer
                .attempts(2) // each of so many probes
                .beatEvents(true)
                .build();
        return HeartbeatHandler.create(HeartbeatProtocol.line("PING", "PONG"), options, (channel, event) -> {
            if (event instanceof HeartbeatEvent.Beat beat) {
                System.out.println("beat " + beat.sequence() + " was answered");
            } else if (event instanceof HeartbeatEvent.PeerDead death) {
                System.out.println(death.death().explain());
                dead.countDown();
            }
        });
    }

    /** The pipeline as it was, and the heartbeat between the codec and the application's own handler. */
    private static ChannelInitializer<Channel> initializer(
            SimpleChannelInboundHandler<String> application, @Nullable HeartbeatHandler heartbeat) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                ChannelPipeline pipeline = channel.pipeline();
                pipeline.addLast(
                        new LineBasedFrameDecoder(8192),
                        new StringDecoder(StandardCharsets.UTF_8),
                        new LineEncoder(LineSeparator.UNIX, StandardCharsets.UTF_8));
                if (heartbeat != null) {
                    pipeline.addLast(heartbeat);
                }
                pipeline.addLast(application);
            }
        };
    }

    /** The application's client: it sees its own lines only, no beats. */
    private static final class PrintsLines extends SimpleChannelInboundHandler<String> {
        @Override
        @SuppressWarnings("FutureReturnValueIgnored") // what becomes of the write is told by the heartbeat
        public void channelActive(ChannelHandlerContext context) {
            context.writeAndFlush("hello");
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, String line) {
            System.out.println("received " + line);
        }
    }

    /** The application's server, which hangs after a few beats. */
    @SuppressWarnings("FutureReturnValueIgnored") // a write that fails ends in channelInactive
    private static final class AnswersForAWhile extends SimpleChannelInboundHandler<String> {
        private int answered;

        @Override
        @SuppressWarnings("FutureReturnValueIgnored") // a client that is gone needs no answer
        protected void channelRead0(ChannelHandlerContext context, String line) {
            if (!line.equals("PING")) {
                context.writeAndFlush("you said " + line);
            } else if (answered++ < ANSWERED_BEATS) {
                context.writeAndFlush("PONG");
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable resetByTheClient) {
            context.close();
        }
    }
}
