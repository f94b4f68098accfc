package dev.holdfast.verdict;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What was known when a connection was judged.
 *
 * @param tcpInfo what the kernel knew; empty where it cannot be asked (NIO, a failed connect)
 * @param loopLateness for how long our own event loop did not run, from the first suspicion to the verdict
 * @param readsPaused whether our own side had stopped reading
 * @param backlog what of ours had not left
 * @param probes what the heartbeat had asked in vain; empty where it was not the heartbeat that spoke the verdict, or
 *     nothing is answered
 * @param lastBeats the last beats, the newest first; empty where none are kept
 */
public record Evidence(
        Optional<TcpSnapshot> tcpInfo,
        Duration loopLateness,
        boolean readsPaused,
        Backlog backlog,
        Optional<Probes> probes,
        List<LastBeat> lastBeats) {
    /** Nothing is known but the error. */
    public static final Evidence NONE = of(Optional.empty(), false, Backlog.NONE);

    /** Checks that nothing is null, and copies the list. */
    public Evidence {
        Objects.requireNonNull(tcpInfo, "tcpInfo");
        Objects.requireNonNull(loopLateness, "loopLateness");
        Objects.requireNonNull(backlog, "backlog");
        Objects.requireNonNull(probes, "probes");
        lastBeats = List.copyOf(lastBeats);
    }

    /** What is known where no heartbeat runs. */
    public static Evidence of(Optional<TcpSnapshot> tcpInfo, boolean readsPaused, Backlog backlog) {
        return new Evidence(tcpInfo, Duration.ZERO, readsPaused, backlog, Optional.empty(), List.of());
    }
}
