package dev.holdfast.benchmarks;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatListener;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.socket.Transport;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.ReferenceCountUtil;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;

/**
 * The heap that an accepted connection takes, by what stands in its pipeline: a main for one measurement. The clients are
 * a process of their own ({@link AnsweringClients}). Heap is what is used after full collections, on the event loop, so that
 * nothing is in flight; from it is taken what was used when only a few connections were open, all classes loaded and all
 * pools filled.
 */
public final class HeapPerConnection {
    /** Connections that come first, and are not counted. */
    private static final int FIRST = 10;

    /** Long enough for 9,000 beats and their answers on a busy machine: the connections come at once, their beats spread. */
    private static final long BEAT_MILLIS = 500;

    private static final int MAX_COLLECTIONS = 20;
    /** Two collections that differ by less have found the same. */
    private static final long STABLE_BYTES = 1024;

    private static final int HISTORY = 16;
    private static final HeartbeatProtocol PROTOCOL = HeartbeatProtocol.frame(0x01, AnsweringClients.ANSWER);
    private static final HeartbeatListener LISTENER = (channel, event) -> {};
    private static final HeartbeatOptions WITHOUT_HISTORY = options(0);
    private static final HeartbeatOptions WITH_HISTORY = options(HISTORY);

    /** What stands in the pipeline. */
    enum Kind {
        /** Nothing but what all of them have: a handler that forgets what it reads. */
        BARE,
        /** A heartbeat that keeps no history. */
        HEARTBEAT,
        /** A heartbeat that keeps its last {@value HeapPerConnection#HISTORY} beats. */
        HEARTBEAT_WITH_HISTORY,
        /** Netty's idle timeout. */
        IDLE_STATE;

        private void addTo(ChannelPipeline pipeline) {
            switch (this) {
                case BARE -> {}
                case HEARTBEAT -> pipeline.addLast(HeartbeatHandler.create(PROTOCOL, WITHOUT_HISTORY, LISTENER));
                case HEARTBEAT_WITH_HISTORY ->
                    pipeline.addLast(HeartbeatHandler.create(PROTOCOL, WITH_HISTORY, LISTENER));
                case IDLE_STATE -> pipeline.addLast(new IdleStateHandler(0, 0, 45));
            }
        }

        private boolean beatsItself() {
            return this == HEARTBEAT || this == HEARTBEAT_WITH_HISTORY;
        }
    }

    private HeapPerConnection() {}

    private static HeartbeatOptions options(int history) {
        // A long timeout: on a busy machine an answer may be late, and a second probe would be no beat of the grid.
        return HeartbeatOptions.builder()
                .interval(Duration.ofMillis(BEAT_MILLIS))
                .timeout(Duration.ofMinutes(1))
                .history(history)
                .build();
    }

    /** Arguments: the kind, how many connections, how many beats each before the heap is looked at. Prints the bytes. */
    public static void main(String[] arguments) throws Exception {
        Kind kind = Kind.valueOf(arguments[0]);
        System.out.println(measure(kind, Integer.parseInt(arguments[1]), Integer.parseInt(arguments[2])));
        System.exit(0);
    }

    private static double measure(Kind kind, int connections, int beats) throws Exception {
        Transport transport = Transport.preferred();
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        List<Channel> accepted = new ArrayList<>(FIRST + connections); // of the group's one event loop
        InetSocketAddress address =
                (InetSocketAddress) listen(transport, group, kind, accepted).localAddress();
        List<Process> clients = new ArrayList<>();
        try {
            clients.add(AnsweringClients.start(address, FIRST, beats, kind.beatsItself()));
            AnsweringClients.await(clients.get(0));
            long before = usedHeap(group);
            clients.add(AnsweringClients.start(address, connections, beats, kind.beatsItself()));
            AnsweringClients.await(clients.get(1));
            long after = usedHeap(group);
            if (accepted.stream().filter(Channel::isActive).count() != FIRST + connections) {
                throw new IllegalStateException("connections were lost");
            }
            return (double) (after - before) / connections;
        } finally {
            clients.forEach(Process::destroyForcibly);
        }
    }

    private static Channel listen(Transport transport, EventLoopGroup group, Kind kind, List<Channel> accepted)
            throws InterruptedException {
        ChannelHandler last = kind.beatsItself() ? new Forget() : new Beating();
        return new ServerBootstrap()
                .group(group)
                .channel(transport.serverChannelType())
                .option(ChannelOption.SO_BACKLOG, 4096)
                .childOption(
                        ChannelOption.SO_LINGER, 0) // thousands of ports in TIME_WAIT would be in the next one's way
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel child) {
                        kind.addTo(child.pipeline());
                        child.pipeline().addLast(last);
                        accepted.add(child);
                    }
                })
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .sync()
                .channel();
    }

    private static long usedHeap(EventLoopGroup group) throws InterruptedException, ExecutionException {
        return group.submit(() -> {
                    long used = Long.MAX_VALUE;
                    for (int i = 0; i < MAX_COLLECTIONS; i++) {
                        System.gc();
                        long now = ManagementFactory.getMemoryMXBean()
                                .getHeapMemoryUsage()
                                .getUsed();
                        if (Math.abs(used - now) < STABLE_BYTES) {
                            return now;
                        }
                        used = now;
                    }
                    throw new IllegalStateException("the heap does not come to rest: " + used + " bytes");
                })
                .get();
    }

    /** Releases what comes in. */
    @ChannelHandler.Sharable
    private static final class Forget extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
        }
    }

    /**
     * Sends the same bytes as a heartbeat does: the next one when the last is answered, so that a slow machine has never too
     * many to do, until the client answers no more.
     */
    @ChannelHandler.Sharable
    private static final class Beating extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            beat(context);
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
            beat(context);
        }

        @SuppressWarnings("FutureReturnValueIgnored") // the clients tell what has arrived
        private static void beat(ChannelHandlerContext context) {
            context.writeAndFlush(PROTOCOL.ping(0, context.alloc()));
        }
    }
}
