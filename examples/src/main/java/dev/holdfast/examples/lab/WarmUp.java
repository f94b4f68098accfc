package dev.holdfast.examples.lab;

import java.time.Duration;

/** What every agent does once before anything is measured. */
final class WarmUp {
    private static final Duration SPAN = Duration.ofSeconds(2);

    private WarmUp() {}

    static Scenario at(Iterable<Site> sites) {
        Scenario.Builder builder = builder("warm-up");
        sites.forEach(site -> builder.at(site, "-", "heartbeat=200ms/200ms/2"));
        return course(builder);
    }

    /** In the processes that this one stops. */
    static Scenario like(Scenario scenario) {
        Scenario.Builder builder = builder(scenario.name()).stops(scenario.stops());
        scenario.variants().stream()
                .map(Scenario.Variant::site)
                .distinct()
                .forEach(site -> builder.at(site, "-", "heartbeat=200ms/200ms/2"));
        return course(builder);
    }

    private static Scenario.Builder builder(String name) {
        return Scenario.of(name, "not measured", Fault.NONE).watch(SPAN);
    }

    private static Scenario course(Scenario.Builder builder) {
        return builder.course(stage -> {
            stage.connect();
            stage.exchange();
            stage.pause(SPAN);
            stage.kill(false);
        });
    }
}
