package dev.holdfast;

import java.util.Objects;

/**
 * A host and a port to connect to. The name is resolved for every round of attempts.
 *
 * @param host a name or an address as text
 * @param port 1 to 65535
 */
public record Endpoint(String host, int port) {
    /** @throws IllegalArgumentException if the host is empty or the port out of range */
    public Endpoint {
        Objects.requireNonNull(host, "host");
        if (host.isBlank()) {
            throw new IllegalArgumentException("endpoint host: '" + host + "' (expected: a name or an address)");
        }
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("endpoint port: " + port + " (expected: 1 to 65535)");
        }
    }

    /** As people write it: {@code host:port}, or {@code [host]:port} where the host has colons. */
    @Override
    public String toString() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
