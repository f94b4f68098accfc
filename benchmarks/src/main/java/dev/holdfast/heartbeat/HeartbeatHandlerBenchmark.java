package dev.holdfast.heartbeat;

import dev.holdfast.wire.Frames;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ManualIoEventLoop;
import io.netty.channel.local.LocalAddress;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.local.LocalServerChannel;
import io.netty.handler.timeout.IdleStateHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullMarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What an inbound message costs in a handler that only passes it on, in a heartbeat, and in Netty's idle timeout. Each
 * pipeline has a sink behind that handler and runs on an event loop whose thread is the benchmark's.
 *
 * <p>The time is that of {@value #MESSAGES} messages. It is sampled, not averaged, so that the median is free of what other
 * programs of the machine take from the processor. What they leave in caches and pipelines it is not free of: on a busy
 * machine {@link MessageCosts} compares better.
 *
 * <p>Here and not beside the other benchmarks, to see that the heartbeat really runs.
 */
@NullMarked
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "-XX:-BackgroundCompilation") // what is measured is compiled, on a busy machine too
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 250, timeUnit = TimeUnit.MILLISECONDS)
public class HeartbeatHandlerBenchmark {
    /** Messages of one invocation. */
    public static final int MESSAGES = 512;

    private static final int MESSAGE_BYTES = 64;
    private static final int WARM_UP = 20_000;

    /** What stands before the sink. */
    public enum Handler {
        /** Passes on what a heartbeat takes part in for what comes in, and does nothing else. */
        PASS_THROUGH,
        /** The same, but Netty's {@code read} does not come by. */
        PASS_THROUGH_BUT_READ,
        /** A {@link HeartbeatHandler}. */
        HEARTBEAT,
        /** Netty's {@link IdleStateHandler}, 45 s for reads and writes together. */
        IDLE_STATE
    }

    /** What is measured. */
    @Param
    public Handler handler = Handler.HEARTBEAT;

    /** Messages between two read-completes. */
    @Param({"1", "16"})
    public int batch = 1;

    private final List<Channel> channels = new ArrayList<>();
    private final Sink sink = new Sink();
    private final ByteBuf read = PooledByteBufAllocator.DEFAULT.directBuffer();
    private ByteBuf[] messages = new ByteBuf[0];
    private final ManualIoEventLoop loop = new ManualIoEventLoop(Thread.currentThread(), LocalIoHandler.newFactory());
    private ChannelPipeline first = new LocalChannel().pipeline();
    private ChannelPipeline second = first;

    /** Opens two channels for each handler, and makes all of them known to the compiler: no program has one type only. */
    @Setup
    public void open() {
        ByteBuf message =
                Frames.data(PooledByteBufAllocator.DEFAULT, Unpooled.wrappedBuffer(new byte[MESSAGE_BYTES - 8]));
        for (int i = 0; i < batch; i++) {
            read.writeBytes(message, 0, MESSAGE_BYTES);
        }
        message.release();
        messages = new ByteBuf[batch]; // slices of one pooled buffer, as a decoder makes them
        for (int i = 0; i < batch; i++) {
            messages[i] = read.retainedSlice(i * MESSAGE_BYTES, MESSAGE_BYTES);
        }
        for (Handler kind : Handler.values()) {
            if (kind != handler) {
                warmUp(kind);
            }
        }
        warmUp(handler);
    }

    /** Leaves both pipelines of the last kind as those to be measured. */
    private void warmUp(Handler kind) {
        first = connect(kind, HeartbeatProtocol.frame(0x01, 0x41));
        second = connect(kind, HeartbeatProtocol.framed());
        long before = sink.messages;
        for (int i = 0; i < WARM_UP / MESSAGES; i++) {
            messages();
        }
        int beating = HeartbeatWheel.of(loop).size();
        if (sink.messages - before != WARM_UP / MESSAGES * MESSAGES || (kind == Handler.HEARTBEAT && beating != 2)) {
            throw new IllegalStateException(sink.messages - before + " messages, " + beating + " heartbeats");
        }
    }

    private ChannelPipeline connect(Handler kind, HeartbeatProtocol protocol) {
        LocalAddress address = new LocalAddress(HeartbeatHandlerBenchmark.class);
        ChannelFuture bound = new ServerBootstrap()
                .group(loop)
                .channel(LocalServerChannel.class)
                .childHandler(sink)
                .bind(address);
        loop.runNow();
        Channel channel = new Bootstrap()
                .group(loop)
                .channel(LocalChannel.class)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel made) {
                        made.pipeline().addLast(newHandler(kind, protocol), sink);
                    }
                })
                .connect(address)
                .channel();
        for (int i = 0; i < 10 && !channel.isActive(); i++) {
            loop.runNow();
        }
        loop.runNow();
        channels.add(bound.channel());
        channels.add(channel);
        return channel.pipeline();
    }

    private static ChannelHandler newHandler(Handler kind, HeartbeatProtocol protocol) {
        return switch (kind) {
            case PASS_THROUGH -> new PassThrough();
            case PASS_THROUGH_BUT_READ -> new PassThroughButRead();
            case HEARTBEAT ->
                HeartbeatHandler.create(
                        protocol,
                        HeartbeatOptions.builder()
                                .interval(Duration.ofSeconds(45))
                                .build(),
                        (channel, event) -> {});
            case IDLE_STATE -> new IdleStateHandler(0, 0, 45);
        };
    }

    /** Half of the messages go through each of the two channels. */
    @Benchmark
    public void messages() {
        for (int i = 0; i < MESSAGES / 2 / batch; i++) {
            receive(first);
            receive(second);
        }
    }

    private void receive(ChannelPipeline pipeline) {
        for (ByteBuf message : messages) {
            pipeline.fireChannelRead(message);
        }
        pipeline.fireChannelReadComplete();
    }

    /** Closes all channels. */
    @TearDown
    @SuppressWarnings("FutureReturnValueIgnored") // it is its own thread that ends the event loop
    public void close() {
        channels.forEach(Channel::close);
        loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
        while (!loop.isTerminated()) {
            loop.runNow();
        }
        for (ByteBuf message : messages) {
            message.release();
        }
        read.release();
    }

    /** The least that a handler can do that is told of messages and of the end of a batch. */
    private static final class PassThroughButRead extends ChannelDuplexHandler {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.fireChannelRead(message);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.fireChannelReadComplete();
        }
    }

    /** And that is told when somebody asks for more. */
    private static final class PassThrough extends ChannelDuplexHandler {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.fireChannelRead(message);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.fireChannelReadComplete();
        }

        @Override
        public void read(ChannelHandlerContext context) {
            context.read();
        }
    }

    /** Counts; the same messages are sent again and again, so none is released. */
    @ChannelHandler.Sharable
    private static final class Sink extends ChannelInboundHandlerAdapter {
        private long messages;

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            messages++;
        }
    }
}
