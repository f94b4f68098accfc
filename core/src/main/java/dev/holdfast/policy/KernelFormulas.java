package dev.holdfast.policy;

/**
 * When Linux gives a connection up, as plain numbers in milliseconds. The files named are in net/ipv4 of the kernel's
 * source, 6.18.
 *
 * <p>Each result is a {@link Span}. Nominal is the formula with the smallest values that can occur, so nothing happens
 * earlier. Worst is the same with the largest ones, every timer late by as much as the kernel's timers can be. A path with
 * a round trip of less than one tick of those timers is assumed; a longer one makes {@link #firstRto()} longer by itself,
 * and what is counted in retransmissions with it.
 */
final class KernelFormulas {
    /** When a lone lost segment has been sent again at the latest: two RTOs of a fast path, 200 ms and what srtt adds each. */
    static final long FIRST_REPETITION_MILLIS = 500;

    /** TCP_RTO_MIN in include/net/tcp.h, which the models below use whatever {@code tcp_rto_min_us} says. */
    private static final long RTO_BASE = 200;
    /** TCP_TIMEOUT_INIT. */
    private static final long SYN_RTO = 1000;
    /** TCP_RESOURCE_PROBE_INTERVAL. */
    private static final long LOCAL_RETRY = 500;
    /** tcp_probe0_when(): ilog2(TCP_RTO_MAX / TCP_RTO_MIN) + 1. */
    private static final int MAX_PROBE_BACKOFF = 10;
    /** TCP_TIMEOUT_MIN: what a probe's timer is shortened to at most. */
    private static final long SHORTEST_PROBE_TICKS = 2;
    /** The end of the second doubled timeout after the first that counts, in timeouts: 2 + 4. */
    private static final long UNSHORTENED_RTOS = 6;
    /** tcp_orphan_retries(), where the sysctl is 0. */
    private static final int ORPHAN_RETRIES = 8;

    /**
     * From when to when it can happen.
     *
     * @param nominal not earlier than this
     * @param worst not later than this
     */
    record Span(long nominal, long worst) {
        Span plus(Span other) {
            return new Span(nominal + other.nominal, worst + other.worst);
        }

        /** Whichever of two comes first. */
        Span or(Span other) {
            return new Span(Math.min(nominal, other.nominal), Math.min(worst, other.worst));
        }
    }

    private final long hertz;
    private final long rtoMax;
    private final long rtoLow;
    private final long rtoHigh;
    private final long rtoHighMicros;

    /**
     * @param hertz ticks of the kernel's timers in a second
     * @param rtoMin the shortest retransmission timeout, in microseconds
     * @param rtoMax the longest, in milliseconds
     */
    KernelFormulas(int hertz, long rtoMin, long rtoMax) {
        this.hertz = hertz;
        this.rtoMax = rtoMax;
        this.rtoLow = Math.min(rtoMax, rtoMin / 1000);
        // __tcp_set_rto(): the minimum plus a small round trip, in whole ticks
        long ticks = rtoMin * hertz / 1_000_000 + 1;
        this.rtoHigh = Math.min(rtoMax, toMillis(ticks));
        this.rtoHighMicros = Math.min(rtoMax * 1000, ticks * 1_000_000 / hertz);
    }

    /**
     * The latest moment at which a timer of this length fires: its length in whole ticks, and an eighth of it. Of the levels
     * of the timer wheel, each with steps eight times as long as the one below, it goes to the first that it fits in, and
     * there to the next full step (calc_wheel_index(), kernel/time/timer.c); at the low end of a level that is 8/63, a
     * little more than an eighth.
     */
    long late(long millis) {
        return toMillis(ticks(millis)) + Math.max(ceilDiv(millis, 8), toMillis(step(millis)));
    }

    /** One step of the timer wheel at this length, in ticks. */
    private long step(long millis) {
        long step = 1;
        for (long end = 63; ticks(millis) >= end; end *= 8) {
            step *= 8;
        }
        return step;
    }

    /** How late a timer of this length can really be, where {@link #late} grants it a full eighth. */
    private long lateness(long millis) {
        return toMillis(ticks(millis) + step(millis)) - millis;
    }

    private long ticks(long millis) {
        return ceilDiv(millis * hertz, 1000);
    }

    private long toMillis(long ticks) {
        return ceilDiv(ticks * 1000, hertz);
    }

    /**
     * Unanswered keepalive probes on an idle connection, from the last segment received: idle + count * interval. A user
     * timeout replaces the count: the end is the first probe time at or after it, but not before one probe was sent
     * (tcp_keepalive_timer(), tcp_timer.c). A user timeout just above a probe time may be met by that probe's own lateness,
     * one interval early, which nominal allows for.
     *
     * @param userTimeout 0 is none
     */
    Span keepAlive(long idle, long interval, long count, long userTimeout) {
        if (userTimeout == 0) {
            return new Span(idle + count * interval, late(idle) + count * late(interval));
        }
        long probes = Math.max(1, ceilDiv(userTimeout - idle, interval));
        long reach = userTimeout - idle - lateness(idle);
        long fewest = Math.max(1, ceilDiv(reach, interval + lateness(interval)));
        return new Span(
                Math.max(Math.min(userTimeout, idle + probes * interval), idle + fewest * interval),
                late(idle) + probes * late(interval));
    }

    /** The next keepalive probe of an idle connection, from the last segment received. */
    Span keepAliveProbe(long idle) {
        return new Span(idle, late(idle));
    }

    /**
     * The first retransmission timeout that counts, t1. Before it a lost last segment may be repeated once by the tail-loss
     * probe, which starts the timeout anew (tcp_schedule_loss_probe(), tcp_output.c).
     */
    Span firstRto() {
        return new Span(rtoLow, 2 * late(rtoHigh));
    }

    /**
     * Unacknowledged data under a user timeout: t1, and the user timeout from there (retransmits_timed_out(), tcp_timer.c).
     * The retransmission timer is shortened to meet it (tcp_clamp_rto_to_user_timeout()), but the end comes no earlier than
     * the second timeout.
     */
    Span unacknowledged(long userTimeout) {
        return firstRto().plus(shortened(userTimeout));
    }

    /**
     * As {@link #unacknowledged}, where the user timeout may have been lifted and is put back after the first repetition:
     * the timers that ran by then are not shortened. It is put back within a third of it and a tick, so that only one of less
     * than six retransmission timeouts can be met late, by the third of them.
     */
    Span restored(long userTimeout) {
        return new Span(
                unacknowledged(userTimeout).nominal,
                unacknowledged(Math.max(userTimeout, UNSHORTENED_RTOS * rtoHigh)).worst);
    }

    /** A user timeout that the timers before its end are shortened to meet, the last of them in whole ticks. */
    private Span shortened(long userTimeout) {
        long shortest = toMillis(SHORTEST_PROBE_TICKS);
        return new Span(userTimeout, late(Math.max(shortest, userTimeout)) + toMillis(1));
    }

    /** Unacknowledged data without a user timeout: t1, and the first retransmission timeout past the model of retries2. */
    Span retransmissions(int retries) {
        long model = model(retries, RTO_BASE, rtoMax);
        return firstRto().plus(new Span(model, pastModel(model, false)));
    }

    /**
     * A closed socket's FIN or data, unacknowledged: as {@link #retransmissions}, with other retries; with the default of 0
     * the end also comes at a timeout that has reached its maximum (tcp_write_timeout(), tcp_orphan_retries()).
     */
    Span orphan(int retries) {
        long model = model(retries == 0 ? ORPHAN_RETRIES : retries, RTO_BASE, rtoMax);
        long nominal = retries == 0 ? Math.min(model, backoffUntilMax()) : model;
        return firstRto().plus(new Span(nominal, pastModel(model, retries == 0)));
    }

    /**
     * The latest end of the first retransmission timeout at or past the model, from t1: each doubles the one before. Those
     * before it may be late only as long as they don't reach the model themselves.
     */
    private long pastModel(long model, boolean endsAtMax) {
        long rto = doubled(rtoHighMicros);
        long elapsed = rto;
        long late = lateOfMicros(rto);
        while (elapsed < model * 1000 && !(endsAtMax && rto == rtoMax * 1000)) {
            rto = doubled(rto);
            elapsed += rto;
            late += lateOfMicros(rto);
        }
        return Math.min(late, model + lateOfMicros(rto));
    }

    /** The end, from t1, of the first retransmission timeout that has grown to the maximum. */
    private long backoffUntilMax() {
        long rto = doubled(rtoHighMicros);
        long elapsed = rto;
        while (rto < rtoMax * 1000) {
            rto = doubled(rto);
            elapsed += rto;
        }
        return elapsed / 1000;
    }

    private long doubled(long rtoMicros) {
        return Math.min(2 * rtoMicros, rtoMax * 1000);
    }

    private long lateOfMicros(long micros) {
        return late(ceilDiv(micros, 1000));
    }

    /**
     * Window probes under a user timeout, whether they are answered or not, and whether the window or our own filter holds
     * the data back: it counts from the first probe, one timeout after the window closed (tcp_probe_timer(); the timer is
     * shortened to meet it, tcp_clamp_probe0_to_user_timeout()).
     */
    Span probesUnder(long userTimeout) {
        return firstProbe().plus(shortened(userTimeout));
    }

    /** Unanswered window probes from a fresh backoff, b + 2 b + 4 b ... (tcp_probe_timer(), tcp_send_probe0()). */
    Span freshWindowProbes(int retries) {
        long nominal = 0;
        long worst = 0;
        for (int probe = 0; probe <= retries; probe++) {
            nominal += probeInterval(probeLow(), probe);
            worst += late(probeInterval(probeHigh(), probe));
        }
        return new Span(nominal, worst);
    }

    /** As {@link #freshWindowProbes}; at worst the backoff had reached its end before the peer vanished. */
    Span windowProbes(int retries) {
        long longest = late(probeInterval(probeHigh(), retries));
        return new Span(freshWindowProbes(retries).nominal, (retries + 1) * longest);
    }

    /**
     * Data that our own queue refuses: tried again every 0.5 s, without backoff (tcp_send_probe0(), tcp_output.c).
     *
     * @param userTimeout 0 is none
     */
    Span localRetries(int retries, long userTimeout) {
        Span all = firstProbe().plus(new Span(retries * LOCAL_RETRY, retries * late(LOCAL_RETRY)));
        return userTimeout == 0 ? all : all.or(probesUnder(userTimeout));
    }

    /**
     * SYNs that nothing answers. The timeout is 1 s for the first {@code linear} repetitions and doubles from there. The end
     * is the first timeout with {@code retries + linear} repetitions before it, or past the model of {@code retries}, for
     * which a user timeout stands in where there is one: it may come later than the model (tcp_write_timeout(),
     * tcp_retransmit_timer()). Timeouts that are late may reach the model one earlier, which nominal allows for.
     *
     * @param userTimeout 0 is none
     */
    Span connect(int retries, int linear, long userTimeout) {
        long limit = userTimeout == 0 ? model(retries, SYN_RTO, rtoMax) : userTimeout;
        long rto = SYN_RTO;
        long elapsed = rto;
        long late = late(rto);
        long lateness = lateness(rto);
        long earliest = Long.MAX_VALUE;
        for (int repeated = 1; repeated <= retries + linear; repeated++) {
            rto = repeated > linear ? Math.min(2 * rto, rtoMax) : rto;
            long timer = userTimeout == 0 ? rto : Math.min(rto, Math.max(0, userTimeout - elapsed));
            elapsed += timer;
            late += late(timer);
            lateness += lateness(timer);
            if (elapsed + lateness >= limit) {
                earliest = Math.min(earliest, Math.max(elapsed, limit));
            }
            if (elapsed >= limit) {
                break;
            }
        }
        return new Span(Math.min(earliest, elapsed), late);
    }

    /** tcp_model_timeout(), tcp_timer.c: how long {@code retries} retransmissions take that start at {@code base}. */
    static long model(int retries, long base, long rtoMax) {
        int threshold = 63 - Long.numberOfLeadingZeros(rtoMax / base);
        return retries <= threshold
                ? ((2L << retries) - 1) * base
                : ((2L << threshold) - 1) * base + (retries - threshold) * rtoMax;
    }

    private Span firstProbe() {
        return new Span(probeLow(), late(probeHigh()));
    }

    /** tcp_probe0_base(), include/net/tcp.h: no less than TCP_RTO_MIN. */
    private long probeLow() {
        return Math.max(RTO_BASE, rtoLow);
    }

    private long probeHigh() {
        return Math.max(RTO_BASE, rtoHigh);
    }

    private long probeInterval(long base, int backoff) {
        return Math.min(base << Math.min(backoff, MAX_PROBE_BACKOFF), rtoMax);
    }

    private static long ceilDiv(long dividend, long divisor) {
        return -Math.floorDiv(-dividend, divisor);
    }
}
