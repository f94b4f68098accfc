package dev.holdfast.policy;

import dev.holdfast.heartbeat.HeartbeatMode;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * A policy and a kernel written in one line, such as {@code keepalive=2/1/3 user=4000 retries2=5}: keepalive in seconds,
 * heartbeat (interval/timeout/attempts, mode and writeStallTimeout as mode and stall), user timeout, connect timeout and
 * rtoMax in milliseconds.
 */
record Scenario(LivenessPolicy policy, KernelSettings kernel) {
    static Scenario of(String line) {
        Map<String, String> given = new HashMap<>();
        for (String part : line.strip().split(" +", -1)) {
            if (!part.isEmpty() && !part.equals("-")) {
                String[] pair = part.split("=", -1);
                given.put(pair[0], pair[1]);
            }
        }
        Scenario scenario = new Scenario(policy(given), kernel(given));
        if (!given.isEmpty()) {
            throw new IllegalArgumentException("unknown words " + given + " in: " + line);
        }
        return scenario;
    }

    DetectionBounds bounds() {
        return policy.bounds(kernel, AllOptionsTransport.INSTANCE);
    }

    DetectionBounds boundsByNio() {
        return policy.bounds(kernel, Transport.nio());
    }

    private static LivenessPolicy policy(Map<String, String> given) {
        SocketOptions.Builder options = SocketOptions.builder();
        if (given.containsKey("keepalive")) {
            String[] times = given.remove("keepalive").split("/", -1);
            options.keepAlive(
                    Duration.ofSeconds(Long.parseLong(times[0])),
                    Duration.ofSeconds(Long.parseLong(times[1])),
                    Integer.parseInt(times[2]));
        }
        if (given.containsKey("user")) {
            options.userTimeout(Duration.ofMillis(Long.parseLong(given.remove("user"))));
        }
        if (given.containsKey("connect")) {
            options.connectTimeout(Duration.ofMillis(Long.parseLong(given.remove("connect"))));
        }
        if (given.containsKey("syn")) {
            options.synCount(Integer.parseInt(given.remove("syn")));
        }
        if (given.containsKey("rtoMax")) {
            options.rtoMax(Duration.ofMillis(Long.parseLong(given.remove("rtoMax"))));
        }
        if (!given.containsKey("heartbeat")) {
            return LivenessPolicy.of(options.build());
        }
        String[] beats = given.remove("heartbeat").split("/", -1);
        HeartbeatOptions.Builder heartbeat = HeartbeatOptions.builder()
                .interval(Duration.ofMillis(Long.parseLong(beats[0])))
                .timeout(Duration.ofMillis(Long.parseLong(beats[1])))
                .attempts(Integer.parseInt(beats[2]));
        if (given.containsKey("mode")) {
            heartbeat.mode(HeartbeatMode.valueOf(given.remove("mode")));
        }
        if (given.containsKey("stall")) {
            heartbeat.writeStallTimeout(Duration.ofMillis(Long.parseLong(given.remove("stall"))));
        }
        return LivenessPolicy.of(options.build(), heartbeat.build());
    }

    private static KernelSettings kernel(Map<String, String> given) {
        KernelSettings.Builder kernel = KernelSettings.builder();
        if (given.containsKey("retries2")) {
            kernel.retries2(Integer.parseInt(given.remove("retries2")));
        }
        if (given.containsKey("orphan")) {
            kernel.orphanRetries(Integer.parseInt(given.remove("orphan")));
        }
        if (given.containsKey("linear")) {
            kernel.synLinearTimeouts(Integer.parseInt(given.remove("linear")));
        }
        if (given.containsKey("synRetries")) {
            kernel.synRetries(Integer.parseInt(given.remove("synRetries")));
        }
        if (given.containsKey("release")) {
            kernel.release(given.remove("release"));
        }
        return kernel.build();
    }
}
