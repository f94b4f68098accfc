package dev.holdfast.heartbeat;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Ticker;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one timer of all heartbeats of an event loop: a hashed wheel with a periodic tick, which stops when the wheel is
 * empty. Confined to its event loop.
 *
 * <p>The wheel is also where our own stalls are seen: a tick that comes more than a period late means that the loop did not
 * run, and that time is taken off the {@link #unstalledNanos unstalled clock}.
 *
 * <p>Wake-ups come up to a tick late, never early. The tick is that of the most demanding node in the wheel.
 */
final class HeartbeatWheel {
    private static final Logger log = LoggerFactory.getLogger(HeartbeatWheel.class);
    private static final int SLOTS = 512;
    /** Nodes woken up in one go; between two goes the loop does its I/O. */
    private static final int BATCH = 1024;

    private static final int STALLS = 16;

    // by event loop, not by thread: a loop may change its thread. Written by each loop for itself.
    private static final Map<EventLoop, HeartbeatWheel> WHEELS = new ConcurrentHashMap<>();

    private final EventLoop loop;
    private final Ticker ticker;
    private final Sentinel[] slots = new Sentinel[SLOTS];
    private final Sentinel due = new Sentinel();
    /** What the connections of this loop share, and how many do. */
    private final Map<HeartbeatSettings, Shared> settings = new HashMap<>();

    private long periodNanos = Long.MAX_VALUE;
    /** The shortest period that a node asked for since the wheel last turned around. */
    private long wantedNanos = Long.MAX_VALUE;

    private int size;
    private long tickNanos;
    private long stalledNanos;
    private long newestStallNanos;
    /** What was booked when a node joined, and is told with the next tick. */
    private long joinStallNanos;
    /**
     * The ticks between which each of the last stalls lay, in pairs: what was read in between is stamped with the first of
     * them. So many that one silence does not see more.
     */
    private final long[] stalls = new long[2 * STALLS];

    private int newestStall;
    /** Slots before this one are done; slot n belongs to the times up to {@code originNanos + n * periodNanos}. */
    private long position;

    private long originNanos;
    private @Nullable Future<?> ticking;
    private @Nullable Future<?> remainder;

    /** Settings and the number of their users. */
    private static final class Shared {
        final HeartbeatSettings settings;
        int users;

        Shared(HeartbeatSettings settings) {
            this.settings = settings;
        }
    }

    /** The list of a slot begins and ends here. */
    private static final class Sentinel extends WheelNode {
        Sentinel() {
            wheelNext = this;
            wheelPrevious = this;
        }

        boolean isEmpty() {
            return wheelNext == this;
        }

        @Override
        long tickNanos() {
            throw new AssertionError();
        }

        @Override
        long onWakeUp(long now, long unstalled, long stallNanos) {
            throw new AssertionError();
        }
    }

    private HeartbeatWheel(EventLoop loop) {
        this.loop = loop;
        this.ticker = loop.ticker();
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new Sentinel();
        }
        tickNanos = ticker.nanoTime();
    }

    /** The wheel of an event loop, made at first use; it goes when its last node does. */
    static HeartbeatWheel of(EventLoop loop) {
        assert loop.inEventLoop();
        return WHEELS.computeIfAbsent(loop, HeartbeatWheel::new);
    }

    /** The same settings as the other connections of this loop use, bound to this wheel. */
    HeartbeatSettings join(HeartbeatSettings own) {
        Shared shared = settings.computeIfAbsent(own, unbound -> new Shared(unbound.on(this)));
        shared.users++;
        return shared.settings;
    }

    /** One user less of what {@link #join} gave; settings of its own. */
    HeartbeatSettings leave(HeartbeatSettings bound) {
        Shared shared = settings.get(bound);
        if (shared != null && --shared.users == 0) {
            settings.remove(bound);
        }
        return bound.on(null);
    }

    static int wheels() {
        return WHEELS.size();
    }

    /** When the newest tick was due, which is when the beats of that time are: the grid of the ticks knows no lateness. */
    long dueNanos() {
        return originNanos + position * periodNanos;
    }

    /** The first tick at or after a time. */
    long alignedNanos(long time) {
        return originNanos + Math.floorDiv(time - originNanos + periodNanos - 1, periodNanos) * periodNanos;
    }

    /** The monotonic time of the newest tick, without reading the clock. */
    long tickNanos() {
        return tickNanos;
    }

    /**
     * When a read that was stamped with {@link #dueNanos} may have taken place at the latest. A tick runs less than a period
     * after it was due, or it would be the next one; the tick after it, up to which its stamp is given, runs two periods
     * later at the latest, or that is a stall, which is known.
     *
     * @param stamp the stamp, or somewhat later
     * @param nodesTickNanos what the node that was read asked for; the period may have been as long then
     */
    long latestNanos(long stamp, long nodesTickNanos) {
        long latest = stamp + 3 * nodesTickNanos;
        for (int i = 0; i < stalls.length; i += 2) {
            long began = stalls[i];
            long ended = stalls[i + 1];
            if (began != ended && stamp + nodesTickNanos - began >= 0 && ended - latest > 0) {
                latest = ended;
            }
        }
        return latest;
    }

    /** The exact monotonic time. */
    long nowNanos() {
        return ticker.nanoTime();
    }

    /** How long our loop has not run, in all. */
    long stalledNanos() {
        return stalledNanos;
    }

    /**
     * The clock that stands still while our loop does, at a monotonic time. A stall that no tick has booked yet, because
     * something else of the loop runs before it, is left out as well.
     */
    long unstalledNanos(long now) {
        boolean late = size > 0 && now - tickNanos - 2 * periodNanos > 0;
        return (late ? tickNanos + 2 * periodNanos : now) - stalledNanos;
    }

    int size() {
        return size;
    }

    long periodNanos() {
        return periodNanos;
    }

    /** Adds a node that is to be woken up at a time. */
    void add(WheelNode node, long wakeUpNanos) {
        assert loop.inEventLoop() && node.wheelNext == null;
        if (size++ == 0) {
            tickNanos = ticker.nanoTime();
        }
        long wanted = node.tickNanos();
        if (wanted < periodNanos) {
            if (size > 1) {
                joinStallNanos += book(ticker.nanoTime()); // at the period that held until now
            }
            changePeriod(wanted);
        }
        wantedNanos = Math.min(wantedNanos, wanted);
        insert(node, wakeUpNanos);
    }

    /** Takes a node out; it need not be in. */
    void remove(WheelNode node) {
        assert loop.inEventLoop();
        if (node.wheelNext != null) {
            unlink(node);
            left();
        }
    }

    /** Wakes a node up at another time. Does nothing to a node that is being woken up: what it returns counts. */
    void move(WheelNode node, long wakeUpNanos) {
        if (node.wheelNext != null) {
            wantedNanos = Math.min(wantedNanos, node.tickNanos()); // it may not be woken up in this turn
            unlink(node);
            insert(node, wakeUpNanos);
        }
    }

    private void left() {
        if (--size == 0) {
            cancel(ticking);
            cancel(remainder);
            ticking = null;
            remainder = null;
            periodNanos = Long.MAX_VALUE;
            wantedNanos = Long.MAX_VALUE;
            joinStallNanos = 0;
            WHEELS.remove(loop, this);
        }
    }

    private static void cancel(@Nullable Future<?> future) {
        if (future != null) {
            future.cancel(false);
        }
    }

    private void changePeriod(long period) {
        Sentinel all = new Sentinel();
        for (Sentinel slot : slots) {
            moveAll(slot, all);
        }
        cancel(ticking);
        originNanos = size == 1 ? tickNanos : dueNanos(); // the beats of those who are here stay on the ticks
        periodNanos = period;
        // The next point of the grid that is not past: Netty refuses a negative delay, and we may just have stalled.
        long sinceOrigin = ticker.nanoTime() - originNanos;
        position = sinceOrigin / period;
        long toFirst = period - sinceOrigin % period;
        ticking = loop.scheduleAtFixedRate(this::tick, toFirst, period, TimeUnit.NANOSECONDS);
        while (!all.isEmpty()) {
            // Where each belongs is not kept: the next slot wakes it up, and it says.
            WheelNode node = first(all);
            unlink(node);
            append(slots[(int) ((position + 1) % SLOTS)], node);
        }
    }

    private void insert(WheelNode node, long wakeUpNanos) {
        long slot = Math.floorDiv(wakeUpNanos - originNanos + periodNanos - 1, periodNanos);
        long within = Math.min(Math.max(slot, position + 1), position + SLOTS - 1);
        append(slots[(int) (within % SLOTS)], node);
    }

    private void tick() {
        long now = ticker.nanoTime();
        newestStallNanos = book(now) + joinStallNanos;
        joinStallNanos = 0;
        long reached = (now - originNanos) / periodNanos;
        if (reached - position > SLOTS) {
            position = reached - SLOTS;
        }
        boolean turned = false;
        while (position < reached) {
            position++;
            moveAll(slots[(int) (position % SLOTS)], due);
            turned |= position % SLOTS == 0;
        }
        if (turned) {
            slowDown(); // only now: it begins to count anew
        }
        wakeUpDue();
    }

    /** The loop runs now: the time in which it did not since it last did is a stall. Says how long that was. */
    private long book(long now) {
        long tooLate = now - tickNanos - 2 * periodNanos;
        long stall = tooLate > 0 ? tooLate + periodNanos : 0;
        if (stall > 0) {
            stalledNanos += stall;
            newestStall = (newestStall + 2) % stalls.length;
            stalls[newestStall] = tickNanos;
            stalls[newestStall + 1] = now;
        }
        tickNanos = now;
        return stall;
    }

    /** Every node was seen in the last turn: if the most demanding has left, the tick follows. */
    private void slowDown() {
        long wanted = wantedNanos;
        wantedNanos = Long.MAX_VALUE;
        if (wanted > periodNanos && wanted != Long.MAX_VALUE) {
            changePeriod(wanted);
        }
    }

    private void wakeUpDue() {
        remainder = null;
        for (int i = 0; i < BATCH && !due.isEmpty(); i++) {
            WheelNode node = first(due);
            unlink(node);
            wantedNanos = Math.min(wantedNanos, node.tickNanos());
            long next = wakeUp(node);
            if (next == WheelNode.LEAVE) {
                left();
            } else {
                insert(node, next);
            }
        }
        if (!due.isEmpty()) {
            remainder = loop.schedule(this::wakeUpDue, 0, TimeUnit.NANOSECONDS);
        }
    }

    /** What one connection's own code throws must not end the beats of all others. */
    private long wakeUp(WheelNode node) {
        try {
            return node.onWakeUp(tickNanos, unstalledNanos(tickNanos), newestStallNanos);
        } catch (RuntimeException | Error thrown) {
            log.atError().addKeyValue("node", node).setCause(thrown).log("a heartbeat failed");
            return tickNanos + node.tickNanos();
        }
    }

    private static WheelNode first(Sentinel list) {
        return java.util.Objects.requireNonNull(list.wheelNext);
    }

    private static void append(Sentinel list, WheelNode node) {
        WheelNode last = java.util.Objects.requireNonNull(list.wheelPrevious);
        node.wheelPrevious = last;
        node.wheelNext = list;
        last.wheelNext = node;
        list.wheelPrevious = node;
    }

    private static void unlink(WheelNode node) {
        WheelNode next = java.util.Objects.requireNonNull(node.wheelNext);
        WheelNode previous = java.util.Objects.requireNonNull(node.wheelPrevious);
        previous.wheelNext = next;
        next.wheelPrevious = previous;
        node.wheelNext = null;
        node.wheelPrevious = null;
    }

    private static void moveAll(Sentinel from, Sentinel to) {
        if (from.isEmpty()) {
            return;
        }
        WheelNode head = first(from);
        WheelNode tail = java.util.Objects.requireNonNull(from.wheelPrevious);
        WheelNode last = java.util.Objects.requireNonNull(to.wheelPrevious);
        last.wheelNext = head;
        head.wheelPrevious = last;
        tail.wheelNext = to;
        to.wheelPrevious = tail;
        from.wheelNext = from;
        from.wheelPrevious = from;
    }
}
