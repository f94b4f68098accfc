package dev.holdfast.examples;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.holdfast.heartbeat.UserTimeoutSampling;
import dev.holdfast.policy.DetectionBounds;
import dev.holdfast.policy.DetectionBounds.Bound;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.policy.Middlebox;
import dev.holdfast.policy.Survival;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What {@code explain} says of a policy, as text and as JSON. */
final class Explanation {
    private static final Gson JSON =
            new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final int KEYS_SHOWN = 3;

    private final LivenessPolicy policy;
    private final DetectionBounds bounds;
    private final KernelSettings kernel;
    private final List<Survival> survivals;
    private final List<String> warnings;

    Explanation(LivenessPolicy policy, DetectionBounds bounds) {
        this.policy = policy;
        this.bounds = bounds;
        this.kernel = bounds.kernel();
        this.survivals = Middlebox.all().stream()
                .map(box -> policy.survives(box, kernel))
                .toList();
        this.warnings = bounds.warnings();
    }

    String text() {
        List<String> lines = new ArrayList<>();
        lines.add("options");
        options().forEach((option, value) -> lines.add(String.format(Locale.ROOT, "  %-18s %s", option, value)));
        lines.add("");
        lines.add("kernel: " + kernel.source()
                + kernel.release().map(name -> ", Linux " + name).orElse(""));
        kernel.values()
                .forEach((key, value) -> lines.add(String.format(
                        Locale.ROOT,
                        "  %-32s %7d%s",
                        key,
                        value,
                        kernel.assumedKeys().contains(key) ? "  (assumed)" : "")));
        if (!kernel.unusedKeys().isEmpty()) {
            lines.add("  of no use here: " + shortened(kernel.unusedKeys()));
        }
        lines.add("");
        lines.add("when a lost peer is noticed, by " + bounds.transport().name());
        bounds.toString().lines().forEach(line -> lines.add("  " + line));
        lines.add("");
        lines.add("conditions");
        bounds.bounds()
                .forEach(bound ->
                        lines.add(String.format(Locale.ROOT, "  %-27s  %s", bound.mode(), bound.conditions())));
        bounds.userTimeoutGuard().ifPresent(guard -> {
            lines.add("");
            lines.add(text(guard));
        });
        lines.add("");
        lines.add("middleboxes, with an idle connection");
        survivals.forEach(survival ->
                lines.add(String.format(Locale.ROOT, "  %-8s  %s", outcome(survival), survival.explanation())));
        lines.add("");
        lines.add(warnings.isEmpty() ? "warnings: none" : "warnings");
        warnings.forEach(warning -> lines.add("  " + warning));
        return String.join(System.lineSeparator(), lines);
    }

    private static String text(UserTimeoutSampling guard) {
        return "user-timeout guard: sampled every " + seconds(guard.interval())
                + "; a stall of our own loop of more than " + seconds(guard.toleratedStall())
                + " when the peer's window closes lets the kernel end the connection";
    }

    private static String seconds(Duration duration) {
        return BigDecimal.valueOf(duration.toMillis(), 3).stripTrailingZeros().toPlainString() + " s";
    }

    private Map<String, String> options() {
        Map<String, String> options = new LinkedHashMap<>();
        policy.socketOptions()
                .asked()
                .forEach((option, value) -> options.put(
                        option.name(),
                        switch (option.unit()) {
                            case SECONDS -> value + " s";
                            case MILLISECONDS -> value + " ms";
                            case BYTES -> value + " bytes";
                            case COUNT -> value.toString();
                            case SWITCH -> value == 0 ? "off" : "on";
                        }));
        options.put(
                "heartbeat",
                policy.heartbeat()
                        .map(beats -> "every " + beats.interval().toMillis() + " ms, each answer within "
                                + beats.timeout().toMillis() + " ms, attempts: " + beats.attempts())
                        .orElse("none"));
        return options;
    }

    private static String shortened(List<String> keys) {
        String shown = keys.stream().limit(KEYS_SHOWN).collect(Collectors.joining(", "));
        int more = keys.size() - KEYS_SHOWN;
        return more > 0 ? shown + " and " + more + " more" : shown;
    }

    private static String outcome(Survival survival) {
        return survival.outcome().name().replace("IS_", "").toLowerCase(Locale.ROOT);
    }

    String json() {
        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("bounds", bounds.bounds().stream().map(Explanation::json).toList());
        all.put("middleboxes", survivals.stream().map(Explanation::json).toList());
        all.put("warnings", warnings);
        all.put("transport", bounds.transport().name());
        all.put("options", policy.socketOptions().asked());
        all.put("heartbeat", heartbeat());
        all.put("userTimeoutGuard", userTimeoutGuard());
        all.put("kernel", kernelJson());
        return JSON.toJson(all);
    }

    private static Map<String, @Nullable Object> json(Bound bound) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("mode", bound.mode().name());
        fields.put("nominalMillis", millis(bound.nominal()));
        fields.put("worstCaseMillis", millis(bound.worstCase()));
        fields.put("detector", bound.detector().name());
        fields.put("worstCaseWithoutUserTimeoutMillis", millis(bound.worstCaseWithoutUserTimeout()));
        fields.put("countedFrom", bound.countedFrom());
        fields.put("conditions", bound.conditions());
        return fields;
    }

    private static @Nullable Boolean survives(Survival.Outcome outcome) {
        return switch (outcome) {
            case SURVIVES -> true;
            case IS_CUT -> false;
            case UNKNOWN -> null;
        };
    }

    private static Map<String, @Nullable Object> json(Survival survival) {
        Middlebox box = survival.middlebox();
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("name", box.name());
        fields.put("survives", survives(survival.outcome()));
        fields.put("outcome", survival.outcome().name());
        fields.put("idleTimeoutMillis", millis(box.idleTimeout()));
        fields.put("longestSilenceMillis", millis(survival.longestSilence()));
        fields.put("refreshedBy", survival.refreshedBy().name());
        fields.put("refreshedByKeepAlive", box.refreshedByKeepAlive());
        fields.put("onExpiry", box.onExpiry().name());
        fields.put("explanation", survival.explanation());
        return fields;
    }

    private @Nullable Map<String, Object> heartbeat() {
        return policy.heartbeat()
                .map(beats -> {
                    Map<String, Object> fields = new LinkedHashMap<>();
                    fields.put("intervalMillis", beats.interval().toMillis());
                    fields.put("timeoutMillis", beats.timeout().toMillis());
                    fields.put("attempts", beats.attempts());
                    return fields;
                })
                .orElse(null);
    }

    private @Nullable Map<String, Object> userTimeoutGuard() {
        return bounds.userTimeoutGuard()
                .map(guard -> {
                    Map<String, Object> fields = new LinkedHashMap<>();
                    fields.put("sampledEveryMillis", guard.interval().toMillis());
                    fields.put("toleratedStallMillis", guard.toleratedStall().toMillis());
                    return fields;
                })
                .orElse(null);
    }

    private Map<String, @Nullable Object> kernelJson() {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("source", kernel.source());
        fields.put("release", kernel.release().orElse(null));
        fields.put("settings", kernel.values());
        fields.put("assumed", kernel.assumedKeys());
        fields.put("unused", kernel.unusedKeys());
        return fields;
    }

    private static @Nullable Long millis(Optional<Duration> duration) {
        return duration.map(Duration::toMillis).orElse(null);
    }
}
