package dev.holdfast.policy;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.socket.SocketOptions;
import java.time.Duration;

/** Derives a policy from one number; {@link LivenessPolicy#detectWithin} says how. */
final class DetectWithin {
    private static final Duration MIN = Duration.ofSeconds(3);
    private static final Duration MAX = Duration.ofHours(30);
    /** Two answers may be missed: one slow answer is a suspicion, not a death. */
    private static final int ATTEMPTS = 2;
    /** More probes than this gain nothing: a path that loses three in a row is gone. */
    private static final int MOST_PROBES = 3;

    private DetectWithin() {}

    static LivenessPolicy policy(Duration limit) {
        if (limit.compareTo(MIN) < 0 || limit.compareTo(MAX) > 0) {
            throw new IllegalArgumentException("detectWithin: " + limit + " (expected: " + MIN + " to " + MAX
                    + "; in less than 3 s TCP cannot repeat a lost segment and keepalive, in whole seconds, cannot send a"
                    + " probe; from more than 30 h would follow a keepalive idle above the kernel's 32767 s)");
        }
        long millis = limit.toMillis();
        HeartbeatOptions heartbeat = HeartbeatOptions.builder()
                .interval(Duration.ofMillis(millis / 4))
                .timeout(Duration.ofMillis(millis / 5))
                .attempts(ATTEMPTS)
                .slowReaderTolerance(Duration.ofMillis(millis * 40 / 100))
                .writeStallTimeout(Duration.ofMillis(millis * 40 / 100))
                .build();
        long idle = Math.max(1, millis * 3 / 10_000);
        long interval = Math.max(1, millis / 10_000);
        int count = MOST_PROBES;
        while (count > 1 && !fits(millis, heartbeat, userTimeout(idle, interval, count))) {
            count--;
        }
        long userTimeout = userTimeout(idle, interval, count);
        SocketOptions options = SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(idle), Duration.ofSeconds(interval), count)
                .userTimeout(Duration.ofMillis(userTimeout))
                .connectTimeout(Duration.ofMillis(Math.min(millis / 2, userTimeout)))
                .build();
        return LivenessPolicy.of(options, heartbeat);
    }

    /** Half an interval before the last probe would end the connection: every probe is sent, and none more. */
    private static long userTimeout(long idle, long interval, int count) {
        return idle * 1000 + count * interval * 1000 - interval * 500;
    }

    /** Whether a beat that meets a lost peer makes the user timeout strike in time. With one probe it does from 3 s on. */
    private static boolean fits(long limit, HeartbeatOptions heartbeat, long userTimeout) {
        KernelFormulas formulas = new KernelFormulas(
                Sysctl.HZ.linuxDefault, Sysctl.RTO_MIN_US.linuxDefault, Sysctl.RTO_MAX_MS.linuxDefault);
        long beat = heartbeat.interval().plus(heartbeat.tick()).toMillis();
        return beat + formulas.unacknowledged(userTimeout).worst() <= limit;
    }
}
