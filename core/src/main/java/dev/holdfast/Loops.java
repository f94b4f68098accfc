package dev.holdfast;

import dev.holdfast.socket.Transport;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Event loops: somebody else's, which are left alone, or our own, which end with us.
 *
 * @param owned whether they are ours
 */
record Loops(EventLoopGroup group, Transport transport, boolean owned) {
    /** @param threads of our own group; 0 for as many as Netty thinks fit */
    static Loops of(PeerBuilder<?> builder, int threads) {
        Transport given = builder.transport;
        Transport transport = given == null ? Transport.preferred() : given;
        EventLoopGroup shared = builder.group;
        return shared != null
                ? new Loops(shared, transport, false)
                : new Loops(
                        new MultiThreadIoEventLoopGroup(
                                threads, new DaemonThreads("holdfast-loop"), transport.ioHandlerFactory()),
                        transport,
                        true);
    }

    EventLoop next() {
        return group.next();
    }

    /** Runs it there; false if the loop has ended. */
    static boolean execute(EventLoop loop, Runnable task) {
        try {
            loop.execute(task);
            return true;
        } catch (RejectedExecutionException ended) {
            return false;
        }
    }

    /** Ends what is ours; then the rest. */
    void end(Runnable then) {
        if (owned) {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).addListener(done -> then.run());
        } else {
            then.run();
        }
    }
}
