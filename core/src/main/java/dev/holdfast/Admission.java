package dev.holdfast;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** Who may come in: counts connections against the limits. Pure; confined to the listener's event loop. */
final class Admission {
    /** What becomes of a connection just accepted. */
    enum Ruling {
        /** It may go on to its handshake. */
        ADMIT,
        /** It is told that there is no room; it counts as a handshake until it is gone. */
        TURN_AWAY,
        /** It is closed at once: there are too many handshakes even to tell it. */
        DROP
    }

    private final int maxConnections;
    private final int maxPerAddress;
    private final int maxHandshakes;
    private final Map<Object, Integer> perAddress = new HashMap<>();
    private int connections;
    private int handshakes;

    Admission(int maxConnections, int maxPerAddress, int maxHandshakes) {
        this.maxConnections = maxConnections;
        this.maxPerAddress = maxPerAddress;
        this.maxHandshakes = maxHandshakes;
    }

    /** Somebody has connected. */
    Ruling onAccepted(InetAddress from) {
        if (handshakes >= maxHandshakes) {
            return Ruling.DROP;
        }
        handshakes++;
        if (connections >= maxConnections || perAddress.getOrDefault(key(from), 0) >= maxPerAddress) {
            return Ruling.TURN_AWAY;
        }
        connections++;
        perAddress.merge(key(from), 1, Integer::sum);
        return Ruling.ADMIT;
    }

    /** A handshake is complete. */
    void onUp() {
        handshakes--;
    }

    /** A connection is gone, the handshake of which was complete or not. */
    void onGone(InetAddress from, Ruling ruling, boolean wasUp) {
        if (!wasUp) {
            handshakes--;
        }
        if (ruling == Ruling.ADMIT) {
            connections--;
            perAddress.computeIfPresent(key(from), (key, count) -> count == 1 ? null : count - 1);
        }
    }

    int connections() {
        return connections;
    }

    int handshakes() {
        return handshakes;
    }

    /** How many addresses are remembered. */
    int addresses() {
        return perAddress.size();
    }

    /** The first 64 bits of an IPv6 address: a host may have all addresses of such a network. */
    private static Object key(InetAddress from) {
        return from instanceof Inet6Address
                ? (Object) ByteBuffer.wrap(from.getAddress()).getLong()
                : from;
    }
}
