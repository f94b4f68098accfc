package dev.holdfast.benchmarks;

import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollTcpInfo;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs to ask the kernel about a connection: the whole tcp_info, Netty's first part of it, one option. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SocketBenchmark {
    private final Transport transport = Transport.preferred();
    private final EpollTcpInfo reused = new EpollTcpInfo();
    private EventLoopGroup group;
    private EpollSocketChannel channel;

    /** Connects over loopback. */
    @Setup
    public void connect() throws InterruptedException {
        group = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        ServerBootstrap server = new ServerBootstrap()
                .group(group)
                .channel(transport.serverChannelType())
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel child) {
                        // reads and forgets
                    }
                });
        Channel listener = server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .sync()
                .channel();
        Bootstrap client = new Bootstrap()
                .group(group)
                .channel(transport.channelType())
                .handler(new ChannelInboundHandlerAdapter());
        channel = (EpollSocketChannel) SocketOptions.builder()
                .build()
                .connect(client, listener.localAddress())
                .sync()
                .channel();
    }

    /** Ends the event loop, and with it both channels. */
    @TearDown
    public void disconnect() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    /** The whole tcp_info as a snapshot. */
    @Benchmark
    public TcpSnapshot snapshot() {
        return transport.snapshot(channel).orElseThrow();
    }

    /** Netty's view of it, into an object that is used again. */
    @Benchmark
    public EpollTcpInfo nettyTcpInfo() {
        channel.tcpInfo(reused);
        return reused;
    }

    /** One option read back. */
    @Benchmark
    public int readOption() throws IOException {
        return transport.get(channel, TcpOption.TCP_USER_TIMEOUT);
    }
}
