package dev.holdfast;

import io.netty.channel.EventLoop;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.BiConsumer;

/** Keeps messages while there is no connection: so many bytes, and each so long. Confined to the event loop. */
final class SendBuffer {
    private record Kept(Delivery delivery, Object message, long sinceNanos) {}

    private final Queue<Kept> kept = new ArrayDeque<>();
    private final long limit;
    private final long ageNanos;
    private final String bounds;
    private final Outbound outbound;
    private final EventLoop loop;
    private long bytes;
    private final LoopTimer timer = new LoopTimer();

    SendBuffer(ReconnectOptions options, Outbound outbound, EventLoop loop) {
        this.limit = options.bufferBytes();
        this.ageNanos = options.bufferAge().toNanos();
        this.bounds = "bufferBytes " + limit + ", bufferAge " + options.bufferAge();
        this.outbound = outbound;
        this.loop = loop;
    }

    /** Keeps it, or refuses it where there is no room. */
    void add(Delivery delivery, Object message, String why) {
        long cost = cost(delivery);
        if (bytes + cost > limit) {
            ReferenceCountUtil.release(message);
            outbound.notSent(delivery, why + (limit == 0 ? "" : ", and the buffer is full (" + bounds + ")"));
            return;
        }
        bytes += cost;
        kept.add(new Kept(delivery, message, loop.ticker().nanoTime()));
        watch();
    }

    /** There is a connection: everything goes, in order. */
    void sendAll(BiConsumer<Delivery, Object> sender) {
        for (Kept next = kept.poll(); next != null; next = kept.poll()) {
            bytes -= cost(next.delivery);
            sender.accept(next.delivery, next.message);
        }
        watch();
    }

    /** There will be none. */
    void end(String why) {
        for (Kept next = kept.poll(); next != null; next = kept.poll()) {
            refuse(next, why);
        }
        watch();
    }

    private void refuse(Kept old, String why) {
        bytes -= cost(old.delivery);
        ReferenceCountUtil.release(old.message);
        outbound.notSent(old.delivery, why);
    }

    /** One timer, for the oldest. */
    private void watch() {
        Kept oldest = kept.peek();
        if (oldest == null) {
            timer.stop();
        } else if (!timer.isRunning()) {
            long left = ageNanos - (loop.ticker().nanoTime() - oldest.sinceNanos);
            timer.schedule(loop, Math.max(0, left), this::dropOld);
        }
    }

    private void dropOld() {
        long now = loop.ticker().nanoTime();
        for (Kept oldest = kept.peek(); oldest != null && now - oldest.sinceNanos >= ageNanos; oldest = kept.peek()) {
            refuse(kept.remove(), "it waited too long for a connection (" + bounds + ")");
        }
        watch();
    }

    private static long cost(Delivery delivery) {
        return (long) delivery.bytes() + Outbound.OVERHEAD;
    }
}
