package dev.holdfast.policy;

import java.util.Random;

/**
 * The kernel's timers acted out one by one, each as late as chance has it within one step of the timer wheel: what
 * net/ipv4/tcp_timer.c does, written without looking at the formulas. Times in milliseconds, from the beginning.
 */
final class SimulatedKernel {
    private final Random random;
    private final int hertz;
    private final double rtoMax;
    private final double rto;

    SimulatedKernel(Random random, int hertz, int rtoMinMicros, int rtoMax) {
        this.random = random;
        this.hertz = hertz;
        this.rtoMax = rtoMax;
        double tick = 1000.0 / hertz;
        this.rto = Math.min(rtoMax, Math.ceil((rtoMinMicros / 1000.0 + 0.05) / tick) * tick);
    }

    /** When a timer armed now fires: on a step of its level of the wheel, after and never at its time. */
    private double fire(double now, double millis) {
        long ticks = (long) Math.ceil(millis * hertz / 1000 - 1e-9);
        int step = 1;
        while (ticks >= 63L * step) {
            step *= 8;
        }
        return now + Math.max(millis, ticks * 1000.0 / hertz) + (1 - random.nextDouble()) * step * 1000.0 / hertz;
    }

    /** tcp_keepalive_timer(). */
    double keepAlive(double idle, double interval, int count, double userTimeout) {
        double now = fire(0, idle);
        int probes = 0;
        while (userTimeout > 0 ? now < userTimeout || probes == 0 : probes < count) {
            probes++;
            now = fire(now, interval);
        }
        return now;
    }

    /** tcp_retransmit_timer() and tcp_write_timeout() of an established or, with orphan retries, a closed socket. */
    double unacknowledged(int retries, double userTimeout, boolean closed) {
        double now = random.nextBoolean() ? fire(0, rto) : fire(fire(0, rto), rto); // with a tail-loss probe before
        double start = now;
        double timer = rto;
        while (true) {
            timer = Math.min(2 * timer, rtoMax);
            double left = Math.max(1000.0 / hertz, userTimeout - (now - start));
            now = fire(now, userTimeout > 0 ? Math.min(timer, left) : timer);
            int until = retries;
            if (closed && retries == 0) {
                until = timer < rtoMax ? 8 : 0;
            }
            if (now - start >= (userTimeout > 0 ? userTimeout : model(until, 200))) {
                return now;
            }
        }
    }

    /** tcp_probe_timer() and tcp_send_probe0(), nothing answered, from a backoff that has grown this far already. */
    double windowProbes(int retries, double userTimeout, int backoff) {
        double base = Math.max(200, rto);
        double now = fire(0, Math.min(base * (1 << Math.min(backoff, 10)), rtoMax));
        double start = now;
        int grown = backoff;
        for (int probes = 0; !(userTimeout > 0 && now > start && now - start >= userTimeout); probes++) {
            if (probes >= retries) {
                return now;
            }
            grown = Math.min(grown + 1, Math.max(retries, grown));
            double timer = Math.min(base * (1 << Math.min(grown, 10)), rtoMax);
            double left = Math.max(2000.0 / hertz, userTimeout - (now - start));
            now = fire(now, userTimeout > 0 ? Math.min(timer, left) : timer);
        }
        return now;
    }

    /** tcp_send_probe0() with a queue that refuses everything. */
    double localRetries(int retries, double userTimeout) {
        double start = fire(0, Math.max(200, rto));
        double now = start;
        for (int probes = 0; probes < retries; probes++) {
            if (userTimeout > 0 && now > start && now - start >= userTimeout) {
                return now;
            }
            double left = Math.max(2000.0 / hertz, userTimeout - (now - start));
            now = fire(now, userTimeout > 0 ? Math.min(500, left) : 500);
        }
        return now;
    }

    /** tcp_write_timeout() in SYN-SENT, without round trips. */
    double connect(int retries, int linear, double userTimeout) {
        double now = fire(0, 1000);
        double timer = 1000;
        for (int retransmits = 0; ; ) {
            boolean expired = retransmits >= retries + linear;
            if (!expired && retransmits > 0) {
                expired = now >= (userTimeout > 0 ? userTimeout : model(retries, 1000));
            }
            if (expired) {
                return now;
            }
            retransmits++;
            if (retransmits > linear) {
                timer = Math.min(2 * timer, rtoMax);
            }
            double left = Math.max(1000.0 / hertz, userTimeout - now);
            now = fire(now, userTimeout > 0 ? Math.min(timer, left) : timer);
        }
    }

    /** tcp_model_timeout(). */
    private double model(int boundary, double base) {
        double threshold = Math.floor(Math.log(rtoMax / base) / Math.log(2) + 1e-9);
        return boundary <= threshold
                ? (Math.pow(2, boundary + 1) - 1) * base
                : (Math.pow(2, threshold + 1) - 1) * base + (boundary - threshold) * rtoMax;
    }
}
