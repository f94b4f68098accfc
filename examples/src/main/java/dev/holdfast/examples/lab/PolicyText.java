package dev.holdfast.examples.lab;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/**
 * A policy in one line, as it stands in the lab's table and goes to the agents: {@code keepalive=1s/1s/3 user-timeout=4s
 * heartbeat=1s/500ms/2}. Each word is named like the option of {@code holdfast connect}; {@code -} is none. {@code handshake=2s}
 * is no policy: the connection speaks the framed protocol, with this limit for the peer's HELLO; {@code handshake=none} takes
 * its frames and says nothing.
 */
final class PolicyText {
    private static final String HANDSHAKE = "handshake=";

    private PolicyText() {}

    /** The limit for the peer's HELLO, or none; empty where the framed protocol is not spoken. */
    static Optional<String> handshake(String text) {
        return Arrays.stream(text.split(" +", -1))
                .filter(word -> word.startsWith(HANDSHAKE))
                .map(word -> word.substring(HANDSHAKE.length()))
                .findFirst();
    }

    /**
     * Reads it.
     *
     * @throws IllegalArgumentException naming the word that is not understood
     */
    static LivenessPolicy parse(String text) {
        SocketOptions.Builder options = SocketOptions.builder();
        HeartbeatOptions.Builder beats = HeartbeatOptions.builder().beatEvents(true);
        boolean hasBeats = false;
        for (String word : text.strip().split(" +", -1)) {
            if (!word.isEmpty() && !word.equals("-") && !word.startsWith(HANDSHAKE)) {
                String[] pair = word.split("=", 2);
                if (pair.length != 2 || !(socket(options, pair[0], pair[1]) || heartbeat(beats, pair[0], pair[1]))) {
                    throw new IllegalArgumentException(
                            "options: '" + word + "' (expected: a word like user-timeout=4s)");
                }
                hasBeats |= pair[0].equals("heartbeat");
            }
        }
        return hasBeats ? LivenessPolicy.of(options.build(), beats.build()) : LivenessPolicy.of(options.build());
    }

    private static boolean socket(SocketOptions.Builder options, String name, String value) {
        switch (name) {
            case "keepalive" -> {
                if (value.equals("on")) {
                    options.keepAlive(true);
                } else {
                    String[] times = value.split("/", -1);
                    options.keepAlive(duration(times[0]), duration(times[1]), Integer.parseInt(times[2]));
                }
            }
            case "user-timeout" -> options.userTimeout(duration(value));
            case "connect-timeout" -> options.connectTimeout(duration(value));
            case "syn-count" -> options.synCount(Integer.parseInt(value));
            case "defer-accept" -> options.deferAccept(duration(value));
            case "rto-max" -> options.rtoMax(duration(value));
            case "send-buffer" -> options.sendBuffer(Integer.parseInt(value));
            case "receive-buffer" -> options.receiveBuffer(Integer.parseInt(value));
            default -> {
                return false;
            }
        }
        return true;
    }

    private static boolean heartbeat(HeartbeatOptions.Builder beats, String name, String value) {
        switch (name) {
            case "heartbeat" -> {
                String[] times = value.split("/", -1);
                beats.interval(duration(times[0])).timeout(duration(times[1])).attempts(Integer.parseInt(times[2]));
            }
            case "slow-reader" -> beats.slowReaderTolerance(duration(value));
            case "write-stall" -> beats.writeStallTimeout(duration(value));
            default -> {
                return false;
            }
        }
        return true;
    }

    /** As 4s or 500ms. */
    static Duration duration(String text) {
        return text.endsWith("ms")
                ? Duration.ofMillis(Long.parseLong(text.substring(0, text.length() - 2)))
                : Duration.ofSeconds(Long.parseLong(text.substring(0, text.length() - 1)));
    }
}
