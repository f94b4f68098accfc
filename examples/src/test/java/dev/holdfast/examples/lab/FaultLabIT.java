package dev.holdfast.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.holdfast.verdict.DeathCause;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every scenario of the lab, all of them played side by side once, each row a test. Where the machine lacks what the lab needs
 * they are left out, unless HOLDFAST_LAB=required is in the environment.
 */
class FaultLabIT {
    private static List<Trial.Result> results = List.of();

    @BeforeAll
    static void play() throws Exception {
        Prerequisites.missing().ifPresent(FaultLabIT::lacking);
        results = new LabRun(Catalogue.all(), false).run();
        System.out.println(new Report(results).summary());
    }

    private static void lacking(String what) {
        if ("required".equals(System.getenv("HOLDFAST_LAB"))) {
            throw new AssertionError(what);
        }
        abort("left out: " + what);
    }

    /** What makes no sense by its transport is no test. */
    static List<Trial.Result> rows() {
        return results.stream()
                .filter(each ->
                        !each.isLeftOut() || each.trial().lackingProgram().isPresent())
                .toList();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rows")
    void row_played_holds(Trial.Result row) {
        Optional<String> program = row.trial().lackingProgram();
        program.ifPresent(name -> lacking("the row needs " + name + ", which is not installed"));

        assertThat(row.problem())
                .as("%s%n%s", row.trial().name(), Timelines.text(row))
                .isEmpty();
    }

    @Test
    void everyCause_thatTheKernelOrTheNetworkCanMake_wasSeen() {
        assertThat(results.stream().map(Trial.Result::named))
                .contains(
                        DeathCause.PATH_DEAD.name(),
                        DeathCause.PEER_HUNG.name(),
                        DeathCause.PEER_NOT_READING.name(),
                        DeathCause.LOCAL_DROP.name(),
                        DeathCause.STALLED_WRITE.name(),
                        DeathCause.RESET.name(),
                        DeathCause.UNREACHABLE.name(),
                        DeathCause.LOCALLY_ABORTED.name(),
                        DeathCause.HEARTBEAT_TIMEOUT.name(),
                        DeathCause.CONNECT_TIMEOUT.name(),
                        DeathCause.HANDSHAKE_DEADLINE.name());
    }

    @Test
    void namespaces_afterTheRun_areGone() throws Exception {
        assertThat(Command.run(List.of("ip", "netns", "list")))
                .doesNotContain("holdfast-lab-" + ProcessHandle.current().pid() + "-");
    }
}
