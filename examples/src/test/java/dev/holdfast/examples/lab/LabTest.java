package dev.holdfast.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The command line and the catalogue, without a network. */
class LabTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return new CommandLine(new Lab())
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(arguments);
    }

    @Test
    void list_namesEveryScenario_andPlaysNone() {
        assertThat(run("--list")).isZero();
        assertThat(out.toString().lines()).hasSize(Catalogue.all().size()).anyMatch(line -> line.startsWith("idle "));
    }

    @Test
    void unknownScenario_isBadInput_withValueAndRule() {
        assertThat(run("idel")).isEqualTo(2);
        assertThat(err.toString()).contains("SCENARIO: 'idel' (expected: one of those that --list lists)");
    }

    @Test
    void report_inNoFolder_isBadInput() {
        assertThat(run("--report", "/no/such/folder/lab.md")).isEqualTo(2);
        assertThat(err.toString()).contains("--report: /no/such/folder/lab.md (expected: a file in a folder");
    }

    @Test
    void catalogue_hasNoNameTwice_andUnderstandsEveryOption() {
        Set<String> names = new HashSet<>();
        for (Scenario each : Catalogue.all()) {
            assertThat(names.add(each.name())).as(each.name()).isTrue();
            assertThat(each.variants()).as(each.name()).isNotEmpty();
            each.variants().forEach(variant -> PolicyText.parse(variant.options()));
            PolicyText.parse(each.peerOptions());
        }
    }

    @Test
    void everyRow_leftOut_hasAReason() {
        List<Trial> trials = Catalogue.all().stream()
                .flatMap(each -> LabRun.trials(each).stream())
                .toList();
        assertThat(trials).isNotEmpty();
        assertThat(trials.stream()
                        .filter(each -> each.leaveOut(each.leftOut()).problem().isEmpty()))
                .allMatch(each -> each.leftOut().isEmpty());
    }
}
