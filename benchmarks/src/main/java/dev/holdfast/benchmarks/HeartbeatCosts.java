package dev.holdfast.benchmarks;

import dev.holdfast.benchmarks.HeapPerConnection.Kind;
import dev.holdfast.heartbeat.HeartbeatHandlerBenchmark.Handler;
import dev.holdfast.heartbeat.MessageCosts;
import dev.holdfast.heartbeat.WheelBenchmark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * All that a heartbeat costs, as one table: {@code benchmarks/run heartbeat [--quick]}. Things are compared within a round,
 * in turn, and the table gives the median of the rounds with the least and the greatest: other load of the machine falls
 * on both sides. The exit status is 1 if a target is missed.
 */
public final class HeartbeatCosts {
    private static final String CONNECTIONS = "9000";
    /** Below this a difference of two times is noise, and no ratio is made of it. */
    private static final double LEAST_NANOS = 0.1;

    private static final TimeValue QUICK = TimeValue.milliseconds(50);

    private static final DoubleBinaryOperator DIFFERENCE = (with, without) -> with - without;

    private final boolean quick;
    private final List<Cost> costs = new ArrayList<>();

    private HeartbeatCosts(boolean quick) {
        this.quick = quick;
    }

    /** Argument: {@code --quick} for a run that shows only that everything works. */
    public static void main(String[] arguments) throws Exception {
        boolean quick = List.of(arguments).contains("--quick");
        if (arguments.length > (quick ? 1 : 0)) {
            System.err.println("benchmarks/run heartbeat [--quick]");
            System.exit(2);
        }
        HeartbeatCosts all = new HeartbeatCosts(quick);
        all.messages();
        all.allocation();
        all.rearming();
        all.heap();
        System.out.print(all.table());
        System.exit(quick || all.costs.stream().allMatch(Cost::isMet) ? 0 : 1);
    }

    private void messages() throws IOException, InterruptedException {
        int rounds = quick ? 1 : 5;
        Rounds<Handler> alone = new Rounds<>(rounds);
        Rounds<Handler> together = new Rounds<>(rounds);
        for (int round = 0; round < rounds; round++) {
            progress("messages", round, rounds);
            message(1, alone, round);
            message(16, together, round);
        }
        double[] ours = alone.of(Handler.HEARTBEAT);
        double[] idles = alone.of(Handler.IDLE_STATE);
        double[] read = alone.of(Handler.PASS_THROUGH_BUT_READ); // less than nothing
        add("pass-through handler, 1 message a read", "ns", alone.of(Handler.PASS_THROUGH));
        add("pass-through handler, 16 messages a read", "ns", together.of(Handler.PASS_THROUGH));
        costs.add(Cost.atMost("heartbeat's extra, 1 message a read", "ns", 5, ours));
        costs.add(Cost.atMost("heartbeat's extra, 16 messages a read", "ns", 5, together.of(Handler.HEARTBEAT)));
        add("IdleStateHandler's extra, 1 message a read", "ns", idles);
        add("IdleStateHandler's extra, 16 messages a read", "ns", together.of(Handler.IDLE_STATE));
        costs.add(Cost.atLeast(
                "IdleStateHandler's extra / heartbeat's, 1 a read",
                "times",
                4,
                pairs(idles, ours, (idle, our) -> idle / Math.max(our, LEAST_NANOS))));
        add("heartbeat's extra, 1 a read, over a pass-through without `read`", "ns", pairs(ours, read, DIFFERENCE));
        add("IdleStateHandler's, 1 a read, over a pass-through without `read`", "ns", pairs(idles, read, DIFFERENCE));
    }

    /** What a message takes in the pass-through handler, and how much more in each of the others. */
    private void message(int batch, Rounds<Handler> nanos, int round) throws IOException, InterruptedException {
        List<String> arguments = List.of(Integer.toString(batch), quick ? "500" : "10000");
        for (String line : output(List.of("-XX:-BackgroundCompilation"), MessageCosts.class, arguments)) {
            String[] words = line.split(" ", 2);
            nanos.of(Handler.valueOf(words[0]))[round] = Double.parseDouble(words[1]);
        }
    }

    private void allocation() throws InterruptedException {
        progress("allocation", 0, 1);
        HeartbeatAllocation.Bytes bytes = HeartbeatAllocation.measure(quick ? 2_000 : 20_000);
        costs.add(Cost.atMost("allocated for a message", "B", 0, bytes.message()));
        costs.add(Cost.atMost("allocated for a beat and its answer", "B", 0, bytes.beat()));
        add("Netty's own for the write of a beat", "B", bytes.write());
    }

    private void rearming() throws RunnerException {
        int rounds = quick ? 1 : 5;
        double[] heard = new double[rounds];
        double[] moved = new double[rounds];
        double[] loop = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            progress("timers", round, rounds);
            for (RunResult result : run(WheelBenchmark.class)) {
                String name = result.getParams().getBenchmark();
                double[] times = name.endsWith(".heard") ? heard : name.endsWith(".move") ? moved : loop;
                times[round] = median(result) / WheelBenchmark.TIMERS;
            }
        }
        add("heartbeat, one of 1,000,000 put off", "ns", heard);
        add("event loop, one of 1,000,000 cancelled and scheduled", "ns", loop);
        costs.add(Cost.atLeast(
                "event loop / heartbeat", "times", 10, pairs(loop, heard, (theirs, ours) -> theirs / ours)));
        add("wheel, one of 1,000,000 put in another place", "ns", moved);
    }

    private void heap() throws IOException, InterruptedException {
        int rounds = quick ? 1 : 3;
        Rounds<Kind> bytes = new Rounds<>(rounds);
        for (int round = 0; round < rounds; round++) {
            progress("heap", round, rounds);
            for (Kind kind : Kind.values()) {
                bytes.of(kind)[round] = heapPerConnection(kind);
            }
        }
        add("heap of a bare connection", "B", bytes.of(Kind.BARE));
        costs.add(Cost.atMost("heartbeat's, without history", "B", 130, aboveBare(bytes, Kind.HEARTBEAT)));
        costs.add(Cost.atMost(
                "heartbeat's, with 16 beats of history", "B", 230, aboveBare(bytes, Kind.HEARTBEAT_WITH_HISTORY)));
        add("IdleStateHandler's", "B", aboveBare(bytes, Kind.IDLE_STATE));
    }

    private static double[] aboveBare(Rounds<Kind> bytes, Kind kind) {
        return pairs(bytes.of(kind), bytes.of(Kind.BARE), DIFFERENCE);
    }

    private double heapPerConnection(Kind kind) throws IOException, InterruptedException {
        List<String> arguments = quick ? List.of(kind.name(), "300", "3") : List.of(kind.name(), CONNECTIONS, "32");
        return Double.parseDouble(output(List.of("-Xmx1g", "-XX:+UseSerialGC"), HeapPerConnection.class, arguments)
                .get(0));
    }

    private static List<String> output(List<String> options, Class<?> main, List<String> arguments)
            throws IOException, InterruptedException {
        Process process = Jvm.builder(options, main, arguments).start();
        List<String> lines = process.inputReader().lines().toList();
        if (process.waitFor() != 0 || lines.isEmpty()) {
            throw new IllegalStateException(main.getSimpleName() + arguments + " failed");
        }
        return lines;
    }

    private static double[] pairs(double[] left, double[] right, DoubleBinaryOperator operator) {
        double[] results = new double[left.length];
        Arrays.setAll(results, i -> operator.applyAsDouble(left[i], right[i]));
        return results;
    }

    private static double median(RunResult result) {
        return result.getPrimaryResult().getStatistics().getPercentile(50);
    }

    /** One fork of each of its benchmarks. */
    private List<RunResult> run(Class<?> benchmark) throws RunnerException {
        ChainedOptionsBuilder options = new OptionsBuilder()
                .include("^" + benchmark.getName().replace(".", "\\.") + "\\.")
                .forks(1)
                .verbosity(VerboseMode.SILENT)
                .shouldFailOnError(true);
        if (quick) {
            options.warmupIterations(1).measurementIterations(1);
            options.warmupTime(QUICK).measurementTime(QUICK);
        }
        return List.copyOf(new Runner(options.build()).run());
    }

    private static void progress(String what, int round, int rounds) {
        System.err.printf(Locale.ROOT, "%s, round %d of %d%n", what, round + 1, rounds);
    }

    private void add(String what, String unit, double... rounds) {
        costs.add(Cost.withoutTarget(what, unit, rounds));
    }

    private String table() throws IOException {
        StringBuilder table = new StringBuilder();
        table.append(machine()).append("\n\n");
        table.append("| what | target | median | least to greatest of the rounds | |\n|---|---|---|---|---|\n");
        costs.forEach(cost -> table.append(cost.row()).append('\n'));
        if (quick) {
            table.append("\nA quick run: everything works, and no number counts.\n");
        }
        return table.toString();
    }

    private static String machine() throws IOException {
        String processor = Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                .filter(line -> line.startsWith("model name"))
                .map(line -> line.substring(line.indexOf(':') + 2))
                .findFirst()
                .orElse(System.getProperty("os.arch", ""));
        return String.join(
                ", ",
                Runtime.getRuntime().availableProcessors() + " x " + processor,
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                System.getProperty("java.vm.name") + " " + Runtime.version());
    }

    /** What each round found, by kind. */
    private static final class Rounds<K> {
        private final Map<K, double[]> found = new HashMap<>();
        private final int rounds;

        Rounds(int rounds) {
            this.rounds = rounds;
        }

        double[] of(K kind) {
            return found.computeIfAbsent(kind, any -> new double[rounds]);
        }
    }
}
