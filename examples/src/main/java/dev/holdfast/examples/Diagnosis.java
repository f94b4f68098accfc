package dev.holdfast.examples;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.holdfast.policy.DetectionBounds;
import dev.holdfast.policy.Detector;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.policy.Survival;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.verdict.TcpSnapshot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What {@code doctor} found, as text and as JSON.
 *
 * @param vitals of the first address that could be had; empty if none could
 * @param beats what the peer was asked with; empty if it was not asked
 * @param finding of the search for the idle cut; empty if there was none
 */
record Diagnosis(
        Endpoint endpoint,
        LivenessPolicy policy,
        DetectionBounds bounds,
        List<Checkup.Attempt> attempts,
        Optional<Checkup.Vitals> vitals,
        Optional<Beats> beats,
        Optional<IdleCutFinder.Finding> finding) {
    private static final Gson JSON =
            new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

    boolean isHealthy() {
        return vitals.isPresent() && vitals.get().end().isEmpty();
    }

    private Optional<Survival> survival() {
        return finding.flatMap(found -> Advice.survival(policy, beats.isPresent(), bounds, found));
    }

    private List<Advice> advice() {
        List<Advice> all = new ArrayList<>(Advice.of(attempts));
        vitals.flatMap(Checkup.Vitals::report).map(Advice::of).ifPresent(all::addAll);
        all.addAll(Advice.of(policy, bounds));
        survival().map(Advice::of).ifPresent(all::addAll);
        return all;
    }

    String text() {
        List<String> lines = new ArrayList<>();
        lines.add(endpoint + " by " + bounds.transport().name());
        lines.add("");
        lines.add("addresses");
        attempts.forEach(each -> lines.add(String.format(Locale.ROOT, "  %-24s %s", each.text(), each.result())));
        vitals.ifPresent(seen -> addVitals(lines, seen));
        addKernel(lines);
        addBounds(lines);
        finding.ifPresent(found -> {
            lines.add("");
            lines.add("idle cut");
            lines.add("  " + IdleCutFinder.text(found.bracket())
                    + found.how().map(how -> " (" + how + ")").orElse(""));
            lines.add("  TCP keepalive refreshes it: " + refresh(found));
            survival().ifPresent(survival -> lines.add("  with these options: " + survival.explanation()));
            found.notes().forEach(note -> lines.add("  " + note));
        });
        List<Advice> advice = advice();
        lines.add("");
        lines.add(advice.isEmpty() ? "warnings: none" : "warnings");
        advice.forEach(each -> {
            lines.add("  " + each.warning());
            lines.add("    next step: " + each.nextStep());
        });
        lines.add("");
        lines.add("verdict: " + verdict());
        return String.join(System.lineSeparator(), lines);
    }

    private String verdict() {
        if (vitals.isEmpty()) {
            return "the peer cannot be had";
        }
        return vitals.get().end().map(end -> "the peer was lost: " + end).orElse("healthy");
    }

    private static String refresh(IdleCutFinder.Finding found) {
        return switch (found.refresh()) {
            case YES -> "yes";
            case NO -> "no";
            case UNKNOWN -> found.bracket().cut().isPresent() ? "not known" : "nothing to refresh was found";
        };
    }

    private void addVitals(List<String> lines, Checkup.Vitals seen) {
        seen.report().ifPresent(report -> {
            lines.add("");
            lines.add("options");
            report.toString()
                    .lines()
                    .filter(line -> !line.startsWith("  warning: "))
                    .forEach(line -> lines.add("  " + line));
        });
        lines.add("");
        lines.add("round trip: "
                + micros(seen, TcpSnapshot.Field.RTT)
                        .map(rtt -> Times.text(rtt) + " smoothed, "
                                + micros(seen, TcpSnapshot.Field.MIN_RTT)
                                        .map(Times::text)
                                        .orElse("not known") + " at least"
                                + " (tcp_info)")
                        .orElseGet(() -> Times.text(seen.connect()) + " for the connect; "
                                + bounds.transport().name() + " has no tcp_info"));
        lines.add("heartbeat: " + heartbeat(seen));
    }

    private String heartbeat(Checkup.Vitals seen) {
        if (beats.isEmpty()) {
            return "not asked; that takes the --protocol that the peer speaks, with --heartbeat";
        }
        return seen.beat().map(beat -> "answered after " + Times.text(beat)).orElse("not answered");
    }

    private static Optional<Duration> micros(Checkup.Vitals seen, TcpSnapshot.Field field) {
        return seen.tcp()
                .map(tcp -> tcp.get(field))
                .filter(value -> value.isPresent())
                .map(value -> Duration.ofNanos(value.getAsLong() * 1000));
    }

    private void addKernel(List<String> lines) {
        KernelSettings kernel = bounds.kernel();
        lines.add("");
        lines.add("kernel: " + kernel.source()
                + kernel.release().map(name -> ", Linux " + name).orElse(""));
        kernel.values()
                .forEach((key, value) -> meaning(key)
                        .ifPresent(meaning ->
                                lines.add(String.format(Locale.ROOT, "  %-32s %7d  %s", key, value, meaning))));
    }

    /** What a setting means for these options; empty if it does not matter. */
    private Optional<String> meaning(String key) {
        SocketOptions options = policy.socketOptions();
        boolean keepAlive = options.keepAlive().orElse(false);
        boolean userTimeout =
                options.supportedBy(bounds.transport()).userTimeout().isPresent();
        String meaning = switch (key) {
            case "net.ipv4.tcp_keepalive_time" ->
                keepAlive && options.keepAliveIdle().isEmpty() ? "s idle before the first keepalive probe" : "";
            case "net.ipv4.tcp_keepalive_intvl" ->
                keepAlive && options.keepAliveInterval().isEmpty() ? "s between keepalive probes" : "";
            case "net.ipv4.tcp_keepalive_probes" ->
                keepAlive && options.keepAliveCount().isEmpty() ? "unanswered probes end an idle connection" : "";
            case "net.ipv4.tcp_retries2" ->
                "retries of data in flight" + (userTimeout ? ", overruled by the user timeout" : " before giving up");
            case "net.ipv4.tcp_syn_retries" ->
                options.synCount().isPresent()
                        ? ""
                        : "retries of a connect"
                                + (options.connectTimeout().isPresent() ? ", cut by the connect timeout" : "");
            case "net.ipv4.tcp_orphan_retries" -> "retries after a close";
            case "net.ipv4.tcp_rto_max_ms" ->
                options.supportedBy(bounds.transport()).rtoMax().isPresent() ? "" : "ms between retries at most";
            default -> "";
        };
        return meaning.isEmpty() ? Optional.empty() : Optional.of(meaning);
    }

    private void addBounds(List<String> lines) {
        lines.add("");
        lines.add("when a lost peer is noticed at the latest");
        bounds.bounds()
                .forEach(bound -> lines.add(String.format(
                        Locale.ROOT,
                        "  %-27s %12s  %s",
                        bound.mode(),
                        bound.worstCase().map(Times::text).orElse("never"),
                        bound.detector() == Detector.NONE ? "" : bound.detector())));
        if (policy.heartbeat().isPresent() && beats.isEmpty()) {
            lines.add("  these count on the heartbeat; the doctor did not ask for one without --protocol");
        }
    }

    /** The fields of explain, and what was found on top of them. */
    String json() {
        JsonObject all =
                JsonParser.parseString(new Explanation(policy, bounds).json()).getAsJsonObject();
        Map<String, @Nullable Object> found = Details.fields(
                "peer", endpoint.toString(),
                "healthy", isHealthy(),
                "verdict", verdict(),
                "addresses", attempts.stream().map(Diagnosis::json).toList(),
                "optionReport",
                        vitals.flatMap(Checkup.Vitals::report).map(Details::of).orElse(null),
                "connectMicros",
                        vitals.map(seen -> Details.micros(seen.connect())).orElse(null),
                "rttMicros", micros(TcpSnapshot.Field.RTT),
                "minRttMicros", micros(TcpSnapshot.Field.MIN_RTT),
                "heartbeatAsked", beats.isPresent(),
                "heartbeatRttMicros",
                        vitals.flatMap(Checkup.Vitals::beat)
                                .map(Details::micros)
                                .orElse(null),
                "end", vitals.flatMap(Checkup.Vitals::end).orElse(null),
                "idleCut", finding.map(Diagnosis::json).orElse(null),
                "survivesIdleCut",
                        survival()
                                .map(each -> each.outcome() == Survival.Outcome.SURVIVES)
                                .orElse(null),
                "advice",
                        advice().stream()
                                .map(each -> Details.fields("warning", each.warning(), "nextStep", each.nextStep()))
                                .toList());
        found.forEach((name, value) -> all.add(name, JSON.toJsonTree(value)));
        return JSON.toJson(all);
    }

    private @Nullable Long micros(TcpSnapshot.Field field) {
        return vitals.flatMap(seen -> micros(seen, field)).map(Details::micros).orElse(null);
    }

    private static Map<String, @Nullable Object> json(Checkup.Attempt attempt) {
        return Details.fields(
                "address", attempt.text(),
                "connected", attempt.failure().isEmpty(),
                "micros", Details.micros(attempt.took()),
                "result", attempt.result());
    }

    private static Map<String, @Nullable Object> json(IdleCutFinder.Finding finding) {
        return Details.fields(
                "toleratedMillis",
                finding.bracket().tolerated().map(Duration::toMillis).orElse(null),
                "cutMillis",
                finding.bracket().cut().map(Duration::toMillis).orElse(null),
                "how",
                finding.how().orElse(null),
                "refreshedByKeepAlive",
                switch (finding.refresh()) {
                    case YES -> true;
                    case NO -> false;
                    case UNKNOWN -> null;
                },
                "notes",
                finding.notes());
    }
}
