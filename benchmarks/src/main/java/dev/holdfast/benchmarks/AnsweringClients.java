package dev.holdfast.benchmarks;

import dev.holdfast.socket.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Clients of {@link HeapPerConnection} in a process of their own: they answer each byte, and tell when all have done so. */
final class AnsweringClients {
    /** The answer to any byte. */
    static final int ANSWER = 0x41;
    /** The line that says that each has answered its number of bytes. */
    private static final String DONE = "done";

    private static final int LIMIT_SECONDS = 600;
    private static final int CONNECTING_AT_ONCE = 200;

    private final int beats;
    private final int connections;
    private final boolean endless;
    private int done; // of the one event loop

    private AnsweringClients(int connections, int beats, boolean endless) {
        this.connections = connections;
        this.beats = beats;
        this.endless = endless;
    }

    /**
     * Starts the process; it ends by itself after {@value #LIMIT_SECONDS} s, or when this one does.
     *
     * @param endless whether they go on to answer after their number of bytes
     */
    @SuppressWarnings("FutureReturnValueIgnored") // a limit that is not needed any more does no harm
    static Process start(InetSocketAddress server, int connections, int beats, boolean endless) throws IOException {
        Process process = Jvm.builder(
                        List.of("-Xmx512m", "-XX:+UseSerialGC"),
                        AnsweringClients.class,
                        List.of(
                                Integer.toString(server.getPort()),
                                Integer.toString(connections),
                                Integer.toString(beats),
                                Boolean.toString(endless)))
                .start();
        CompletableFuture.delayedExecutor(LIMIT_SECONDS, TimeUnit.SECONDS).execute(process::destroyForcibly);
        return process;
    }

    /** Waits until each has answered its number of bytes. */
    static void await(Process clients) throws IOException {
        String line = clients.inputReader().readLine();
        if (!DONE.equals(line)) {
            throw new IllegalStateException("clients: " + line + " (expected: " + DONE + ")");
        }
    }

    /**
     * Arguments: the port on loopback, how many connections, how many answers of each, and whether they go on to answer. Runs
     * until its input ends.
     */
    public static void main(String[] arguments) throws Exception {
        InetSocketAddress server =
                new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0]));
        Transport transport = Transport.preferred();
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        new AnsweringClients(
                        Integer.parseInt(arguments[1]),
                        Integer.parseInt(arguments[2]),
                        Boolean.parseBoolean(arguments[3]))
                .connect(
                        new Bootstrap()
                                .group(group)
                                .channel(transport.channelType())
                                .option(ChannelOption.SO_LINGER, 0),
                        server);
        while (System.in.read() >= 0) {
            // nothing is ever sent
        }
        System.exit(0);
    }

    private void connect(Bootstrap bootstrap, InetSocketAddress server) throws InterruptedException {
        bootstrap.handler(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new Answering());
            }
        });
        List<ChannelFuture> connecting = new ArrayList<>();
        for (int i = 1; i <= connections; i++) {
            connecting.add(bootstrap.connect(server));
            if (connecting.size() == CONNECTING_AT_ONCE || i == connections) {
                for (ChannelFuture each : connecting) {
                    each.sync();
                }
                connecting.clear();
            }
        }
    }

    private void onDone() {
        if (++done == connections) {
            System.out.println(DONE);
        }
    }

    /** Answers each byte with one. */
    private final class Answering extends ChannelInboundHandlerAdapter {
        private int answered;

        @Override
        @SuppressWarnings("FutureReturnValueIgnored") // the server waits for what arrives
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            int before = answered;
            answered += bytes.readableBytes();
            if (endless || answered <= beats) {
                context.writeAndFlush(answers(context, bytes.readableBytes()));
            }
            bytes.release();
            if (before < beats && answered >= beats) {
                onDone();
            }
        }

        private static ByteBuf answers(ChannelHandlerContext context, int count) {
            ByteBuf answers = context.alloc().directBuffer(count);
            for (int i = 0; i < count; i++) {
                answers.writeByte(ANSWER);
            }
            return answers;
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable reset) {
            // the server has measured, and is gone
        }
    }
}
