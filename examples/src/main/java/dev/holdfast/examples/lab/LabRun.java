package dev.holdfast.examples.lab;

import dev.holdfast.policy.KernelSettings;
import dev.holdfast.socket.Transport;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicInteger;

/** Plays scenarios side by side, each connection on a port of its own, and takes everything down again. */
final class LabRun {
    private static final int FIRST_PORT = 7001;
    private static final int WATCH_TIMES = 3;
    /** So that a hundred connections do not begin in the same moment. */
    private static final Duration APART = Duration.ofMillis(50);

    private final List<Scenario> scenarios;
    private final boolean allPackets;
    private final AtomicInteger nextPort = new AtomicInteger(FIRST_PORT);
    private final Map<String, Agent> agents = new HashMap<>();

    /**
     * A run.
     *
     * @param allPackets whether the packets of every trial are wanted, not only of those that fail or make a picture
     */
    LabRun(List<Scenario> scenarios, boolean allPackets) {
        this.scenarios = List.copyOf(scenarios);
        this.allPackets = allPackets;
    }

    static List<Trial> trials(Scenario scenario) {
        List<Trial> trials = new ArrayList<>();
        for (Scenario.Variant variant : scenario.variants()) {
            for (Transport transport : Transport.all()) {
                if (transport.isAvailable()) {
                    trials.add(new Trial(scenario, variant, transport));
                }
            }
        }
        return trials;
    }

    /** Plays all of them. The results come in the scenarios' order. Blocks. */
    List<Trial.Result> run() throws IOException, InterruptedException {
        ExecutorService threads = Executors.newCachedThreadPool();
        try (Namespaces namespaces = new Namespaces()) {
            Set<Site> sites = EnumSet.noneOf(Site.class);
            scenarios.forEach(each -> each.variants().forEach(variant -> sites.add(variant.site())));
            Network network = new Network(namespaces, sites);
            try (Packets packets = new Packets(network.routers())) {
                startAgents(network);
                Map<Site, KernelSettings> kernels = kernels(sites);
                warmUp(network, kernels, threads);
                return play(network, kernels, packets, threads);
            }
        } finally {
            threads.shutdownNow();
            agents.values().forEach(Agent::close);
        }
    }

    private Map<Site, KernelSettings> kernels(Set<Site> sites) throws IOException, InterruptedException {
        Map<Site, KernelSettings> kernels = new EnumMap<>(Site.class);
        for (Site site : sites) {
            kernels.put(site, agent(client(site, "")).kernel());
        }
        for (Agent each : agents.values()) {
            each.kernel(); // all of them are up
        }
        return kernels;
    }

    /** A program's first connection takes its time; it is not to be measured. */
    private void warmUp(Network network, Map<Site, KernelSettings> kernels, ExecutorService threads)
            throws IOException, InterruptedException {
        List<Future<Trial.Result>> pending = new ArrayList<>();
        for (Scenario scenario : scenarios) {
            if (scenario.stops() != Scenario.Stop.NOBODY) {
                pending.addAll(begin(WarmUp.like(scenario), network, kernels, threads));
            }
        }
        pending.addAll(begin(WarmUp.at(kernels.keySet()), network, kernels, threads));
        finish(pending);
    }

    private static List<Trial.Result> finish(List<Future<Trial.Result>> pending)
            throws IOException, InterruptedException {
        List<Trial.Result> results = new ArrayList<>();
        try {
            for (Future<Trial.Result> each : pending) {
                results.add(each.get());
            }
        } catch (ExecutionException failed) {
            throw new IOException(failed.getCause());
        }
        return results;
    }

    private List<Trial.Result> play(
            Network network, Map<Site, KernelSettings> kernels, Packets packets, ExecutorService threads)
            throws IOException, InterruptedException {
        List<Future<Trial.Result>> pending = new ArrayList<>();
        for (Scenario scenario : scenarios) {
            pending.addAll(begin(scenario, network, kernels, threads));
        }
        List<Trial.Result> results = finish(pending);
        packets.stop();
        for (int i = 0; i < results.size(); i++) {
            results.set(i, withPackets(results.get(i), packets));
        }
        return results;
    }

    private Trial.Result withPackets(Trial.Result result, Packets packets) throws IOException {
        Optional<Scenario.WireCheck> wire = result.trial().scenario().wire();
        boolean wanted = allPackets || !result.holds() || wire.isPresent() || Timelines.isTelling(result.trial());
        if (result.isLeftOut() || !wanted) {
            return result;
        }
        int port = result.played().orElseThrow().port();
        List<Packets.Packet> seen = packets.of(port);
        Trial.Result complete = result.with(seen);
        return wire.map(check -> complete.alsoWrong(check.problem(seen, port))).orElse(complete);
    }

    private static String client(Site site, String own) {
        return "client " + site.text() + " " + own;
    }

    private static String server(String own) {
        return "server " + own;
    }

    private static String own(Scenario scenario, Scenario.Stop whom) {
        return scenario.stops() == whom ? scenario.name() : "";
    }

    private void startAgents(Network network) throws IOException {
        for (Scenario scenario : scenarios) {
            start(server(own(scenario, Scenario.Stop.PEER)), network.server());
            for (Scenario.Variant variant : scenario.variants()) {
                String namespace = network.client(variant.site(), scenario.name());
                start(client(variant.site(), ""), namespace);
                start(client(variant.site(), own(scenario, Scenario.Stop.OURSELVES)), namespace);
            }
        }
    }

    private void start(String key, String namespace) throws IOException {
        if (!agents.containsKey(key)) {
            agents.put(key, Agent.start(namespace));
        }
    }

    private Agent agent(String key) {
        return Objects.requireNonNull(agents.get(key), key);
    }

    private List<Future<Trial.Result>> begin(
            Scenario scenario, Network network, Map<Site, KernelSettings> kernels, ExecutorService threads)
            throws InterruptedException {
        List<Trial> trials = trials(scenario);
        Duration watch =
                scenario.watch().orElseGet(() -> longest(trials, kernels).multipliedBy(WATCH_TIMES));
        Phaser group = new Phaser();
        group.bulkRegister(
                (int) trials.stream().filter(each -> each.leftOut().isEmpty()).count());
        List<Future<Trial.Result>> results = new ArrayList<>();
        for (Trial trial : trials) {
            String reason = trial.leftOut();
            if (!reason.isEmpty()) {
                results.add(threads.submit(() -> trial.leaveOut(reason)));
                continue;
            }
            Site site = trial.variant().site();
            Stage stage = new Stage(
                    network,
                    trial.variant(),
                    trial.transport().name(),
                    nextPort.getAndAdd(2), // a relay needs a second one
                    agent(client(site, own(scenario, Scenario.Stop.OURSELVES))),
                    agent(server(own(scenario, Scenario.Stop.PEER))),
                    group);
            KernelSettings kernel = Objects.requireNonNull(kernels.get(site), site.text());
            results.add(threads.submit(() -> {
                try {
                    return trial.play(stage, kernel, watch);
                } finally {
                    stage.clear();
                    group.arriveAndDeregister();
                }
            }));
            Thread.sleep(APART.toMillis());
        }
        return results;
    }

    private static Duration longest(List<Trial> trials, Map<Site, KernelSettings> kernels) {
        return trials.stream()
                .filter(trial -> trial.leftOut().isEmpty())
                .flatMap(trial -> trial
                        .limit(Objects.requireNonNull(
                                kernels.get(trial.variant().site())))
                        .stream())
                .map(Limit::worst)
                .max(Duration::compareTo)
                .orElse(Duration.ofSeconds(5));
    }
}
