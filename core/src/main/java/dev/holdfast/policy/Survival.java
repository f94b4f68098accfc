package dev.holdfast.policy;

import dev.holdfast.heartbeat.HeartbeatMode;
import dev.holdfast.heartbeat.HeartbeatOptions;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Whether a connection on which no application sends anything lives on behind a middlebox. Only what this side sends is
 * counted on: a heartbeat in mode {@link HeartbeatMode#WATCH_ONLY} sends nothing, and whether the peer's own beats keep the
 * box awake is not known.
 *
 * @param middlebox the box
 * @param outcome whether it does
 * @param refreshedBy what keeps the box awake most often: {@link Detector#TCP_KEEPALIVE}, {@link Detector#HEARTBEAT} or
 *     {@link Detector#NONE}
 * @param longestSilence the longest time that the box sees nothing it counts, timer rounding included; empty is for
 *     ever, or as long as the peer is silent
 * @param explanation the same as one sentence
 */
public record Survival(
        Middlebox middlebox,
        Outcome outcome,
        Detector refreshedBy,
        Optional<Duration> longestSilence,
        String explanation) {
    /** Whether a connection survives. */
    public enum Outcome {
        /** It is refreshed before the box's idle timeout. */
        SURVIVES,
        /** The box forgets or ends it. */
        IS_CUT,
        /** The box's idle timeout is not known, or only what the peer has promised to send could keep it awake. */
        UNKNOWN
    }

    /** Checks that nothing is null. */
    public Survival {
        Objects.requireNonNull(middlebox, "middlebox");
        Objects.requireNonNull(outcome, "outcome");
        Objects.requireNonNull(refreshedBy, "refreshedBy");
        Objects.requireNonNull(longestSilence, "longestSilence");
        Objects.requireNonNull(explanation, "explanation");
    }

    static Survival of(LivenessPolicy policy, Middlebox box, KernelSettings kernel) {
        Optional<Duration> payload = policy.heartbeat()
                .filter(beats -> beats.mode() != HeartbeatMode.WATCH_ONLY)
                .map(Survival::betweenBeats);
        Optional<Duration> probes = box.refreshedByKeepAlive() ? betweenProbes(policy, kernel) : Optional.empty();
        boolean byPayload =
                payload.isPresent() && (probes.isEmpty() || payload.get().compareTo(probes.get()) <= 0);
        Detector refreshedBy = Detector.NONE;
        if (byPayload) {
            refreshedBy = Detector.HEARTBEAT;
        } else if (probes.isPresent()) {
            refreshedBy = Detector.TCP_KEEPALIVE;
        }
        Optional<Duration> silence = byPayload ? payload : probes;
        Outcome ours = outcome(box, silence);
        Optional<Duration> promised = policy.heartbeat()
                .filter(beats -> beats.mode() == HeartbeatMode.WATCH_ONLY && ours == Outcome.IS_CUT)
                .map(HeartbeatOptions::interval)
                .filter(interval -> outcome(box, Optional.of(interval)) == Outcome.SURVIVES);
        Outcome outcome = promised.isPresent() ? Outcome.UNKNOWN : ours;
        String explanation = explain(policy, box, outcome, refreshedBy, silence, promised);
        return new Survival(box, outcome, refreshedBy, silence, explanation);
    }

    private static Outcome outcome(Middlebox box, Optional<Duration> silence) {
        if (silence.isEmpty()) {
            return box.idleTimeout().isPresent() ? Outcome.IS_CUT : Outcome.UNKNOWN;
        }
        return box.idleTimeout()
                .map(limit -> silence.get().compareTo(limit) < 0 ? Outcome.SURVIVES : Outcome.IS_CUT)
                .orElse(Outcome.UNKNOWN);
    }

    private static Duration betweenBeats(HeartbeatOptions heartbeat) {
        return heartbeat.interval().plus(heartbeat.tick());
    }

    /** While probes are answered each answer starts the idle time anew: the interval does not matter. */
    private static Optional<Duration> betweenProbes(LivenessPolicy policy, KernelSettings kernel) {
        if (!policy.socketOptions().keepAlive().orElse(false)) {
            return Optional.empty();
        }
        Duration idle = policy.socketOptions().keepAliveIdle().orElse(kernel.keepAliveTime());
        KernelFormulas formulas = new KernelFormulas(
                kernel.timerFrequency(), kernel.get(Sysctl.RTO_MIN_US), kernel.get(Sysctl.RTO_MAX_MS));
        return Optional.of(Duration.ofMillis(formulas.late(idle.toMillis())));
    }

    private static String explain(
            LivenessPolicy policy,
            Middlebox box,
            Outcome outcome,
            Detector refreshedBy,
            Optional<Duration> silence,
            Optional<Duration> promised) {
        String limit = box.idleTimeout().map(Table::text).orElse("as configured");
        String text = box.name() + " (idle timeout " + limit + ") "
                + switch (outcome) {
                    case SURVIVES -> "keeps the connection: ";
                    case IS_CUT -> "cuts the connection when it is idle: ";
                    case UNKNOWN ->
                        promised.map(every -> "keeps the connection only if the peer sends every " + Table.text(every)
                                        + ", as it has promised; from this side: ")
                                .orElse("keeps the connection only with a longer idle timeout: ");
                };
        String seen = silence.map(Table::text).orElse("");
        text += switch (refreshedBy) {
            case HEARTBEAT -> "a beat at least every " + seen;
            case TCP_KEEPALIVE -> "a keepalive probe at least every " + seen;
            default -> "nothing refreshes it";
        };
        boolean uselessProbes = !box.refreshedByKeepAlive()
                && policy.socketOptions().keepAlive().orElse(false);
        return uselessProbes && refreshedBy == Detector.NONE ? text + ", keepalive probes don't count there" : text;
    }
}
