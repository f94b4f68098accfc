package dev.holdfast.epoll;

import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A server and its clients on loopback, on one transport, with one event loop. */
@SuppressWarnings("FutureReturnValueIgnored") // a close needs no waiting
final class Loopback implements AutoCloseable {
    final Transport transport;
    final EventLoopGroup group;
    private final BlockingQueue<Channel> accepted = new LinkedBlockingQueue<>();

    Loopback(Transport transport) {
        this(transport, transport.ioHandlerFactory());
    }

    Loopback(Transport transport, IoHandlerFactory loops) {
        this.transport = transport;
        this.group = new MultiThreadIoEventLoopGroup(1, loops);
    }

    static InetSocketAddress anyPort() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }

    ServerBootstrap serverBootstrap() {
        return new ServerBootstrap()
                .group(group)
                .channel(transport.serverChannelType())
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel child) {
                        child.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelActive(ChannelHandlerContext context) {
                                accepted.add(context.channel());
                            }

                            @Override
                            public void exceptionCaught(ChannelHandlerContext context, Throwable reset) {
                                context.close();
                            }
                        });
                    }
                });
    }

    Bootstrap clientBootstrap() {
        return new Bootstrap().group(group).channel(transport.channelType()).handler(new Idle());
    }

    Channel listen() throws InterruptedException {
        return serverBootstrap().bind(anyPort()).sync().channel();
    }

    /** A listener whose queue is full: the kernel drops every further SYN, as a host that is gone would. */
    Channel listenDeaf() throws InterruptedException {
        Channel deaf = serverBootstrap()
                .option(ChannelOption.SO_BACKLOG, 1)
                .option(ChannelOption.AUTO_READ, false)
                .bind(anyPort())
                .sync()
                .channel();
        for (int i = 0; i < 2; i++) { // a queue of one holds two
            clientBootstrap().connect(deaf.localAddress()).sync();
        }
        return deaf;
    }

    Channel listen(SocketOptions options) throws InterruptedException {
        return options.bind(serverBootstrap(), anyPort()).sync().channel();
    }

    Channel connect(SocketOptions options, Channel server) throws InterruptedException {
        return options.connect(clientBootstrap(), server.localAddress()).sync().channel();
    }

    Channel accept() throws InterruptedException {
        Channel child = accepted.poll(10, TimeUnit.SECONDS);
        if (child == null) {
            throw new AssertionError("no client was accepted in 10 s");
        }
        return child;
    }

    boolean nothingAccepted() {
        return accepted.isEmpty();
    }

    /** Does nothing, for any number of channels. */
    @ChannelHandler.Sharable
    private static final class Idle extends ChannelInboundHandlerAdapter {}

    @Override
    public void close() {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
