package dev.holdfast.examples.lab;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code holdfast lab}: makes the faults and measures. */
@Command(
        name = "lab",
        description = {
            "Makes each way of losing a peer with the real kernel, in network namespaces of its own, and compares time and"
                    + " cause with what was computed and expected.",
            "Needs root, iproute2 and nftables; with tcpdump a failure shows its packets. All of it takes a few minutes, and"
                    + " nothing is left behind.",
            "What takes a quarter of an hour by default is tried where the kernel is set to fewer retries."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every row holds",
            "1:a defect of this program",
            "2:bad input, or something that is needed is missing",
            "3:a row does not hold"
        })
public final class Lab implements Callable<Integer> {
    private static final int DOES_NOT_HOLD = 3;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "SCENARIO", description = "Which to play; all of them by default. See --list.")
    private List<String> names = List.of();

    @Option(names = "--list", description = "List the scenarios, and play none.")
    private boolean list;

    @Option(names = "--timelines", description = "Print what happened in every row, not only in those that fail.")
    private boolean timelines;

    @Option(
            names = "--report",
            paramLabel = "FILE",
            description = "Write the result to this file too, in Markdown, with pictures beside it.")
    private @Nullable Path report;

    /** For picocli. */
    public Lab() {}

    /** Plays the scenarios chosen. */
    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        List<Scenario> scenarios = chosen();
        if (list) {
            scenarios.forEach(each -> out.printf("%-22s %s%n", each.name(), each.description()));
            out.flush();
            return 0;
        }
        checkReport();
        Optional<String> missing = Prerequisites.missing();
        if (missing.isPresent()) {
            throw new ParameterException(spec.commandLine(), missing.get());
        }
        LabRun run = new LabRun(scenarios, timelines);
        List<Trial.Result> results = run.run();
        Report table = new Report(results);
        out.println(table.text());
        results.stream()
                .filter(each -> !each.isLeftOut() && (timelines || !each.holds()))
                .forEach(each ->
                        out.printf("%n%s: %s%n%s%n", each.trial().name(), each.problem(), Timelines.text(each)));
        out.printf("%n%s%n", table.summary());
        out.flush();
        if (report != null) {
            new Document(table, results).write(report, "examples/run lab" + arguments() + " --report " + report);
        }
        return table.holds() ? 0 : DOES_NOT_HOLD;
    }

    private void checkReport() {
        Path folder = report == null ? null : report.toAbsolutePath().getParent();
        if (folder != null && !(Files.isDirectory(folder) && Files.isWritable(folder))) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--report: " + report + " (expected: a file in a folder that can be written to)");
        }
    }

    private String arguments() {
        return names.isEmpty() ? "" : " " + String.join(" ", names);
    }

    private List<Scenario> chosen() {
        List<Scenario> all = Catalogue.all();
        Set<String> known = all.stream().map(Scenario::name).collect(Collectors.toSet());
        names.stream().filter(each -> !known.contains(each)).findFirst().ifPresent(unknown -> {
            throw new ParameterException(
                    spec.commandLine(), "SCENARIO: '" + unknown + "' (expected: one of those that --list lists)");
        });
        return all.stream()
                .filter(each -> names.isEmpty() || names.contains(each.name()))
                .toList();
    }
}
