package dev.holdfast.policy;

import dev.holdfast.heartbeat.UserTimeoutSampling;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * For each way of losing a peer: when a policy notices, on one kernel by one transport, and what does. See {@link
 * LivenessPolicy#bounds}.
 *
 * <p>A path with a round trip of a few milliseconds is assumed. A round trip of {@code r} makes the kernel's first
 * retransmission timeout about {@code r} longer, so what depends on a user timeout comes up to {@code 2r} later, and what
 * counts retransmissions up to one more retransmission interval.
 *
 * <p>Immutable. {@link #toString()} is a table for people.
 */
public final class DetectionBounds {
    private final EnumMap<FailureMode, Bound> bounds = new EnumMap<>(FailureMode.class);
    private final KernelSettings kernel;
    private final Transport transport;
    private final List<String> warnings;
    private final Optional<UserTimeoutSampling> userTimeoutGuard;

    /**
     * When one failure is noticed.
     *
     * @param mode the failure
     * @param nominal the earliest, by the kernel's formula; empty is never
     * @param worstCase the latest, with the kernel's timer rounding and its retransmission ticks; empty is never
     * @param detector what notices within the worst case
     * @param worstCaseWithoutUserTimeout the worst case if the policy had no user timeout; empty is never
     * @param countedFrom the moment from which both count
     * @param conditions what must hold for the bound, and what else may happen
     */
    public record Bound(
            FailureMode mode,
            Optional<Duration> nominal,
            Optional<Duration> worstCase,
            Detector detector,
            Optional<Duration> worstCaseWithoutUserTimeout,
            String countedFrom,
            String conditions) {
        /** Checks that nothing is null. */
        public Bound {
            Objects.requireNonNull(mode, "mode");
            Objects.requireNonNull(nominal, "nominal");
            Objects.requireNonNull(worstCase, "worstCase");
            Objects.requireNonNull(detector, "detector");
            Objects.requireNonNull(worstCaseWithoutUserTimeout, "worstCaseWithoutUserTimeout");
            Objects.requireNonNull(countedFrom, "countedFrom");
            Objects.requireNonNull(conditions, "conditions");
        }
    }

    DetectionBounds(LivenessPolicy policy, KernelSettings kernel, Transport transport) {
        this.kernel = kernel;
        this.transport = transport;
        DetectionModel model = new DetectionModel(policy, kernel, transport, true);
        DetectionModel without = new DetectionModel(policy, kernel, transport, false);
        BoundConditions conditions = new BoundConditions(policy, kernel, model);
        for (FailureMode mode : FailureMode.values()) {
            Optional<DetectionModel.Found> found = model.find(mode);
            bounds.put(
                    mode,
                    new Bound(
                            mode,
                            found.map(each -> Duration.ofMillis(each.span().nominal())),
                            found.map(each -> Duration.ofMillis(each.span().worst())),
                            found.map(DetectionModel.Found::detector).orElse(Detector.NONE),
                            without.find(mode)
                                    .map(each -> Duration.ofMillis(each.span().worst())),
                            conditions.countedFrom(mode, found),
                            conditions.of(mode, found)));
        }
        List<String> all =
                new ArrayList<>(PolicyWarnings.of(policy.socketOptions().supportedBy(transport), policy.heartbeat()));
        all.addAll(PolicyWarnings.of(policy, kernel, transport, model));
        this.warnings = List.copyOf(all);
        this.userTimeoutGuard = model.guarded()
                ? Optional.of(UserTimeoutSampling.of(Duration.ofMillis(model.userTimeout())))
                : Optional.empty();
    }

    /** The failure's bound. */
    public Bound bound(FailureMode mode) {
        return Objects.requireNonNull(bounds.get(mode), mode::name);
    }

    /** The latest moment at which the failure is noticed; empty is never. */
    public Optional<Duration> worstCase(FailureMode mode) {
        return bound(mode).worstCase();
    }

    /** All bounds, in the order of {@link FailureMode}. */
    public List<Bound> bounds() {
        return List.copyOf(bounds.values());
    }

    /**
     * How the heartbeat keeps the user timeout from ending a connection whose peer lives but does not read, and the stall of
     * our own that would let it; empty without a heartbeat, or without a user timeout on this transport.
     */
    public Optional<UserTimeoutSampling> userTimeoutGuard() {
        return userTimeoutGuard;
    }

    /** The kernel's settings these bounds hold for. */
    public KernelSettings kernel() {
        return kernel;
    }

    /** The transport these bounds hold for. */
    public Transport transport() {
        return transport;
    }

    /**
     * What is unwise about the policy on this transport and kernel, a sentence each: {@link LivenessPolicy#warnings()} of
     * what the transport can set, and what it cannot.
     */
    public List<String> warnings() {
        return warnings;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DetectionBounds that
                && bounds.equals(that.bounds)
                && kernel.equals(that.kernel)
                && transport.equals(that.transport);
    }

    @Override
    public int hashCode() {
        return Objects.hash(bounds, kernel, transport);
    }

    /** The table, times as {@code 5.625 s} or {@code 15 min 25 s}, rounded up to whole seconds from two minutes on. */
    @Override
    public String toString() {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("failure", "nominal", "worst", "no user timeout", "noticed by", "counted from"));
        for (Map.Entry<FailureMode, Bound> entry : bounds.entrySet()) {
            Bound bound = entry.getValue();
            rows.add(List.of(
                    entry.getKey().name(),
                    text(bound.nominal()),
                    text(bound.worstCase()),
                    text(bound.worstCaseWithoutUserTimeout()),
                    bound.detector() == Detector.NONE
                            ? "nothing"
                            : bound.detector().name(),
                    bound.detector() == Detector.NONE ? "" : bound.countedFrom()));
        }
        return Table.of(rows, 1, 2, 3);
    }

    private static String text(Optional<Duration> duration) {
        return duration.map(Table::text).orElse("never");
    }
}
