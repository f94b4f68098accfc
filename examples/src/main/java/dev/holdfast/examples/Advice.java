package dev.holdfast.examples;

import dev.holdfast.policy.DetectionBounds;
import dev.holdfast.policy.DetectionBounds.Bound;
import dev.holdfast.policy.FailureMode;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.policy.Middlebox;
import dev.holdfast.policy.Survival;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.SocketOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the doctor does not like, and what to do about it.
 *
 * @param warning what is unwise, with its consequence
 * @param nextStep what to do
 */
record Advice(String warning, String nextStep) {
    private static final Duration LONG = Duration.ofMinutes(1);
    /** What is said here with the bound of the policy at hand. */
    private static final List<String> SAID_HERE = List.of("keepAlive without userTimeout", "neither keepAlive");

    /** What options and kernel alone give cause for. */
    static List<Advice> of(LivenessPolicy policy, DetectionBounds bounds) {
        List<Advice> all = new ArrayList<>();
        SocketOptions options = policy.socketOptions();
        if (policy.heartbeat().isPresent()) {
            // it finds an idle peer lost sooner than keepalive would
        } else if (!options.keepAlive().orElse(false)) {
            all.add(new Advice(
                    "keepalive is off: " + noticed(bounds, FailureMode.IDLE_PEER_VANISHED, "a peer lost while idle"),
                    "add --keepalive 60s/10s/3"));
        } else if (options.keepAliveIdle().isEmpty()) {
            all.add(new Advice(
                    "keepalive has the system's times: "
                            + noticed(bounds, FailureMode.IDLE_PEER_VANISHED, "a peer lost while idle"),
                    "give it times of its own: --keepalive 60s/10s/3"));
        }
        if (options.userTimeout().isEmpty() && isLate(bounds, FailureMode.UNACKED_PEER_VANISHED)) {
            all.add(new Advice(
                    "there is no user timeout: "
                            + noticed(bounds, FailureMode.UNACKED_PEER_VANISHED, "a peer lost with data in flight"),
                    "add --user-timeout " + userTimeout(options) + (isEpoll(bounds) ? "" : " and --transport epoll")));
        }
        if (policy.heartbeat().isEmpty()) {
            all.add(new Advice(
                    "there is no heartbeat: " + noticed(bounds, FailureMode.PEER_PROGRAM_HUNG, "a program that hangs"),
                    "add --heartbeat 15s/5s/2 with the --protocol that the peer speaks"));
        }
        if (options.connectTimeout().isEmpty() && isLate(bounds, FailureMode.CONNECT_BLACKHOLED)) {
            all.add(new Advice(
                    "there is no connect timeout: "
                            + noticed(bounds, FailureMode.CONNECT_BLACKHOLED, "a host that does not answer a connect"),
                    "add --connect-timeout 3s"));
        }
        bounds.warnings().stream()
                .filter(warning -> SAID_HERE.stream().noneMatch(warning::startsWith))
                .forEach(warning ->
                        all.add(new Advice(warning, "change the options; 'explain' prints what they then come to")));
        return all;
    }

    private static boolean isEpoll(DetectionBounds bounds) {
        return bounds.transport().name().equals("epoll");
    }

    private static boolean isLate(DetectionBounds bounds, FailureMode mode) {
        return bounds.worstCase(mode)
                .filter(worst -> worst.compareTo(LONG) <= 0)
                .isEmpty();
    }

    private static String noticed(DetectionBounds bounds, FailureMode mode, String what) {
        Bound bound = bounds.bound(mode);
        return what + " is "
                + bound.worstCase()
                        .map(worst ->
                                "noticed after " + Times.text(worst) + " at the latest (" + bound.detector() + ")")
                        .orElse("never noticed");
    }

    /** Idle time and all probes but half an interval, so that none of them is lost to it. */
    private static String userTimeout(SocketOptions options) {
        if (options.keepAliveIdle().isEmpty()) {
            return "85s";
        }
        Duration interval = options.keepAliveInterval().orElseThrow();
        Duration timeout = options.keepAliveIdle()
                .get()
                .plus(interval.multipliedBy(options.keepAliveCount().orElseThrow()))
                .minus(interval.dividedBy(2));
        return timeout.toMillis() % 1000 == 0 ? timeout.toSeconds() + "s" : timeout.toMillis() + "ms";
    }

    /** What became of the connects. */
    static List<Advice> of(List<Checkup.Attempt> attempts) {
        return attempts.stream()
                .filter(attempt -> attempt.failure().isPresent())
                .map(attempt -> new Advice(
                        attempt.text() + " " + attempt.result(),
                        "start what should listen there, let its packets through, or take the address out of the name"))
                .toList();
    }

    /** What became of the options. */
    static List<Advice> of(OptionReport report) {
        return report.problems().stream()
                .map(row -> new Advice(
                        row.option() + " is not in force: " + row.reason(),
                        row.status() == OptionReport.Status.UNSUPPORTED
                                ? "use --transport epoll, or a kernel that has it"
                                : "ask for a value that the kernel takes"))
                .toList();
    }

    /**
     * Whether the connection as it is set up would live on a path whose idle cut was found; empty if none was.
     *
     * @param beats whether the peer answers the policy's heartbeat
     */
    static Optional<Survival> survival(
            LivenessPolicy policy, boolean beats, DetectionBounds bounds, IdleCutFinder.Finding finding) {
        if (finding.bracket().cut().isEmpty()) {
            return Optional.empty();
        }
        LivenessPolicy spoken = beats ? policy : LivenessPolicy.of(policy.socketOptions());
        boolean refreshed = finding.refresh() == IdleCutFinder.Refresh.YES;
        return finding.bracket()
                .tolerated()
                .map(tolerated -> spoken.survives(
                        new Middlebox("the path", Optional.of(tolerated), refreshed, Middlebox.Expiry.RESETS_OR_DROPS),
                        bounds.kernel()));
    }

    /** What a connection that does not survive needs. */
    static List<Advice> of(Survival survival) {
        if (survival.outcome() == Survival.Outcome.SURVIVES) {
            return List.of();
        }
        Duration half = survival.middlebox().idleTimeout().orElseThrow().dividedBy(2);
        String beat = half.toMillis() >= 2000 ? half.toSeconds() + "s" : half.toMillis() + "ms";
        String heartbeat = "--heartbeat " + beat + "/5s/2 with the --protocol that the peer speaks";
        String step = survival.middlebox().refreshedByKeepAlive() && half.toSeconds() >= 1
                ? "add --keepalive " + half.toSeconds() + "s/10s/3, or " + heartbeat
                : "only payload is known to keep it open: " + heartbeat;
        return List.of(new Advice(survival.explanation(), step));
    }
}
