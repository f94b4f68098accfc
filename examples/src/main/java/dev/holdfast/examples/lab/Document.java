package dev.holdfast.examples.lab;

import dev.holdfast.policy.KernelSettings;
import dev.holdfast.socket.Transport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The lab's results as a document, with pictures beside it. */
final class Document {
    private final Report report;
    private final List<Trial.Result> results;

    Document(Report report, List<Trial.Result> results) {
        this.report = report;
        this.results = List.copyOf(results);
    }

    /** Writes it, and the pictures into the same folder. */
    void write(Path file, String command) throws IOException {
        List<String> paragraphs = new ArrayList<>();
        paragraphs.add("# The fault lab");
        paragraphs.add("""
                Every way to lose a peer, made by the real kernel between network namespaces, and measured against what was
                computed beforehand. This page is generated; do not edit it.""");
        paragraphs.add("Made on " + LocalDate.now(ZoneOffset.UTC) + " on Linux "
                + KernelSettings.current().release().orElse("of unknown release") + " by");
        paragraphs.add("```\n" + command + "\n```");
        paragraphs.add("**" + report.summary() + ".**");
        paragraphs.add("""
                A row holds if the cause is named as expected, and the time, from the moment it counts from, lies between the
                bound's nominal - 0.3 s and its worst case, which `DetectionBounds` computes from the options and the settings
                read in the client's namespace. "never" is alive after three times the longest bound of the scenario. Where our
                own event loop did not run meanwhile, the time it did not is told, and granted. Where the client stands:""");
        paragraphs.add(sites());
        paragraphs.add("## Scenarios");
        paragraphs.add(scenarios());
        paragraphs.add("## Results");
        paragraphs.add(report.markdown());
        for (Transport transport : Transport.all()) {
            paragraphs.add("## Causes named by " + transport.name());
            paragraphs.add(report.confusions(transport.name()));
        }
        pictures(paragraphs, file.toAbsolutePath());
        Files.writeString(file, String.join("\n\n", paragraphs) + "\n");
    }

    private static String sites() {
        List<String> lines = new ArrayList<>();
        for (Site site : Site.values()) {
            lines.add("* " + site.text() + ": " + site.description());
        }
        return String.join("\n", lines);
    }

    private String scenarios() {
        return String.join(
                "\n",
                results.stream()
                        .map(each -> each.trial().scenario())
                        .map(each -> "* " + each.name() + ": " + each.description())
                        .distinct()
                        .toList());
    }

    /** Of each scenario the first trial that was played. */
    private void pictures(List<String> paragraphs, Path document) throws IOException {
        Set<String> drawn = new HashSet<>();
        for (Trial.Result each : results) {
            if (Timelines.isTelling(each.trial()) && !each.isLeftOut()) {
                String name = Picture.fileName(each.trial());
                if (drawn.add(name)) {
                    Files.writeString(document.resolveSibling(name), new Picture(each).svg());
                    paragraphs.add("![" + each.trial().name() + "](" + name + ")");
                }
            }
        }
    }
}
