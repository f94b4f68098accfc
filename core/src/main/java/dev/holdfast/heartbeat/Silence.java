package dev.holdfast.heartbeat;

import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.TcpSnapshot;
import dev.holdfast.verdict.TcpSnapshot.Field;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.EventLoop;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What is remembered of one silence, from its first judgement until the peer is heard: since when things stand as they do.
 * Times are on the unstalled clock. Confined to the event loop.
 */
final class Silence {
    /** Channels that one pass of Netty's NIO loop reads at the most, by measurement; epoll is asked instead of counted. */
    private static final int CHANNELS_A_PASS = 1024;

    private static final long CLOCK_NANOS = 2_000_000;

    /** What our loop's stalls had come to when it began. */
    private final long stalledNanos;
    /** What the kernel holds is given no longer than a backlog that stands still. */
    private final long longestDrainNanos;

    private int passesLeft;
    /** Kept because a scheduled task belongs to somebody; nobody cancels it, for its turn comes at once. */
    @SuppressWarnings("UnusedVariable")
    private @Nullable Future<?> pass;

    private boolean excused;
    private long mark = Long.MIN_VALUE;
    private long movedNanos;
    private long pausedSinceNanos;
    private long closedSinceNanos;
    private boolean paused;
    private boolean closed;
    /** The backlog when it was first seen, and when: what its rate is judged by. */
    private long firstBacklog;

    private long firstBacklogNanos;
    private long drainedNanos;
    /** What the kernel's buffer may hold when Netty's has drained. */
    private long kernelBytes;

    Silence(long stalledNanos, HeartbeatSettings settings) {
        this.stalledNanos = stalledNanos;
        this.longestDrainNanos = settings.options.writeStallTimeout().toNanos();
    }

    /** How long our loop has not run since it began. */
    long stalledSince(long stalledByNow) {
        return stalledByNow - stalledNanos;
    }

    /**
     * Runs something after as many I/O passes of the loop as it may need to visit every channel. A scheduled task runs
     * after an I/O pass; one that is merely executed may run before it.
     */
    void afterPasses(EventLoop loop, Runnable then) {
        int channels = loop instanceof SingleThreadEventLoop known ? known.registeredChannels() : 0;
        passesLeft = Math.max(0, channels - 1) / CHANNELS_A_PASS + 2;
        nextPass(loop, then);
    }

    private void nextPass(EventLoop loop, Runnable then) {
        if (passesLeft-- == 0) {
            pass = null;
            then.run();
        } else {
            pass = loop.schedule(() -> nextPass(loop, then), 1, TimeUnit.NANOSECONDS);
        }
    }

    /**
     * Whether the kernel received data after we last read: it waits to be read, and the peer lives.
     *
     * @param sinceReadNanos how long ago we read at the least
     */
    static boolean hasUnreadBytes(TcpSnapshot tcp, long sinceReadNanos) {
        long age = tcp.get(Field.LAST_DATA_RECV, Long.MAX_VALUE / 1_000_000) * 1_000_000;
        return tcp.get(Field.BYTES_RECEIVED, 0) > 0 && age + CLOCK_NANOS < sinceReadNanos;
    }

    /**
     * When the peer's kernel acknowledged what was sent then, counted from there, to the millisecond.
     *
     * @param sinceSent how long ago that was
     */
    static Optional<Duration> acknowledgedAfter(@Nullable TcpSnapshot tcp, long sinceSent) {
        if (tcp == null || tcp.get(Field.UNACKED, 1) > 0) {
            return Optional.empty();
        }
        long after = sinceSent / 1_000_000 - tcp.get(Field.LAST_ACK_RECV, Long.MAX_VALUE);
        return after < -1 ? Optional.empty() : Optional.of(Duration.ofMillis(Math.max(0, after)));
    }

    /**
     * Looks at the connection and says how it stands, and since when.
     *
     * @param sinceProbe how long ago the newest counted probe left
     */
    Verdict.Situation look(Channel channel, @Nullable TcpSnapshot tcp, boolean readsPaused, long sinceProbe, long now) {
        long sinceNanos = now - sinceProbe;
        long backlog = backlog(channel);
        long newMark = mark(channel, tcp, backlog);
        if (newMark != mark) {
            // On NIO a backlog that comes up only now has not moved: it has just been seen to stand.
            boolean first = mark == Long.MIN_VALUE || (tcp == null && firstBacklog == 0);
            movedNanos = first ? sinceNanos : now;
            mark = newMark;
        }
        pausedSinceNanos = readsPaused && !paused ? sinceNanos : pausedSinceNanos;
        paused = readsPaused;
        noteBacklog(channel, backlog, sinceNanos, now);
        Verdict.Situation seen = new Verdict.Situation(
                tcp, readsPaused, now - pausedSinceNanos, backlog, now - movedNanos, 0, kernelBacklog(now), excused);
        boolean nowClosed = tcp != null && seen.windowIsClosed();
        closedSinceNanos = nowClosed && !closed ? sinceNanos : closedSinceNanos;
        closed = nowClosed;
        return new Verdict.Situation(
                tcp,
                readsPaused,
                now - pausedSinceNanos,
                backlog,
                now - movedNanos,
                now - closedSinceNanos,
                kernelBacklog(now),
                excused);
    }

    void onExcused() {
        excused = true;
    }

    void onFreshProbe() {
        excused = false;
        firstBacklog = 0;
        drainedNanos = 0;
    }

    private void noteBacklog(Channel channel, long backlog, long sinceNanos, long now) {
        if (backlog > 0 && firstBacklog == 0) {
            firstBacklog = backlog;
            firstBacklogNanos = sinceNanos;
        }
        if (backlog == 0 && firstBacklog > 0 && drainedNanos == 0) {
            drainedNanos = now;
            Integer size = channel.config().getOption(ChannelOption.SO_SNDBUF);
            // Twice, for Java tells half of it; and twice again, for it grew while its growth passed for progress.
            kernelBytes = size == null ? 0 : 4L * size;
        }
    }

    /** After Netty's buffer has drained the kernel's is full: what it holds at the rate seen, less the time since. */
    private long kernelBacklog(long now) {
        if (drainedNanos == 0) {
            return 0;
        }
        double nanosPerByte = (double) (drainedNanos - firstBacklogNanos) / firstBacklog;
        long drain = Math.min(longestDrainNanos, (long) (kernelBytes * nanosPerByte));
        return Math.max(0, drain - (now - drainedNanos));
    }

    /** The kernel's view of the connection, or null where it cannot be asked. */
    static @Nullable TcpSnapshot tcp(Channel channel) {
        Transport transport = transport(channel);
        return transport == null ? null : transport.snapshot(channel).orElse(null);
    }

    /** Whether the channel's transport can ask the kernel, while the channel is open. */
    static boolean canAsk(Channel channel) {
        Transport transport = transport(channel);
        return transport != null && transport.supports(TcpOption.TCP_USER_TIMEOUT);
    }

    /** The channel's transport; null for a channel without a socket, or of a transport we don't know. */
    static @Nullable Transport transport(Channel channel) {
        for (Transport transport : Transport.all()) {
            if (transport.handles(channel)) {
                return transport;
            }
        }
        return null;
    }

    static long backlog(Channel channel) {
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        // What was not flushed does not stand before a probe, which was.
        return buffer == null || buffer.isEmpty() ? 0 : buffer.totalPendingWriteBytes();
    }

    /** Changes whenever something of the backlog has moved. */
    private static long mark(Channel channel, @Nullable TcpSnapshot tcp, long backlog) {
        if (tcp != null) {
            return tcp.get(Field.BYTES_ACKED, 0);
        }
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        if (buffer == null || buffer.current() == null) {
            return backlog;
        }
        return 31L * System.identityHashCode(buffer.current()) + buffer.currentProgress();
    }
}
