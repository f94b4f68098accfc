package dev.holdfast.verdict;

import java.util.Objects;
import java.util.Optional;

/**
 * What was known when a connection was judged.
 *
 * @param tcpInfo what the kernel knew; empty where it cannot be asked (NIO, a failed connect)
 * @param readsPaused whether our own side had stopped reading
 * @param backlogBytes bytes of ours that had not left, as far as could be seen
 */
public record Evidence(Optional<TcpSnapshot> tcpInfo, boolean readsPaused, long backlogBytes) {
    /** Nothing is known but the error. */
    public static final Evidence NONE = new Evidence(Optional.empty(), false, 0);

    /** Checks that nothing is null. */
    public Evidence {
        Objects.requireNonNull(tcpInfo, "tcpInfo");
    }
}
