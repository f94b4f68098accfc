package dev.holdfast.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Tables and pictures of results that nobody has played. */
class ReportTest {
    private static final Limit LIMIT = new Limit(Moment.WRITE, Duration.ofSeconds(2), Duration.ofMillis(2500), false);

    private static Trial.Result result(String named, String problem) {
        Scenario scenario = Scenario.of("cut", "a cut <&> a wound", Fault.PATH_GONE)
                .within(Moment.WRITE, Duration.ofSeconds(2), Duration.ofMillis(2500))
                .with("user-timeout=2s")
                .course(stage -> {});
        Trial trial = new Trial(scenario, scenario.variants().get(0), Transport.nio());
        return new Trial.Result(
                trial,
                Optional.of(LIMIT),
                "PATH_DEAD",
                named,
                Optional.of(Duration.ofMillis(2345)),
                Duration.ofMillis(200),
                problem,
                Optional.of(new Trial.Played(
                        7001,
                        List.of(),
                        List.of(
                                new Packets.Packet(
                                        1_000_000_000,
                                        "10.0.0.2.5 > 10.0.0.3.7001: Flags [S], seq 1",
                                        Packets.Fate.PASSED),
                                new Packets.Packet(
                                        1_500_000_000, "10.0.0.3.7001 > 10.0.0.2.5: [<1>]", Packets.Fate.MADE)))));
    }

    @Test
    void markdown_hasARowForEachResult() {
        assertThat(new Report(List.of(result("PATH_DEAD", ""))).markdown())
                .contains("| cut | user-timeout=2s | plain | nio | 2.00 - 2.50 s | write |"
                        + " 2.345 s (0.20 of it our own stalls) | PATH_DEAD | PATH_DEAD | holds |");
    }

    @Test
    void failure_doesNotHold_andSaysWhy() {
        Report report =
                new Report(List.of(result("PATH_DEAD", ""), result("RESET", "expected PATH_DEAD, named RESET")));

        assertThat(report.holds()).isFalse();
        assertThat(report.text()).contains("FAILED: expected PATH_DEAD, named RESET");
        assertThat(report.summary()).isEqualTo("1 held, 1 failed, 0 left out");
    }

    @Test
    void confusions_countWhatEachFaultWasNamed() {
        Report report = new Report(List.of(result("PATH_DEAD", ""), result("PATH_DEAD", ""), result("RESET", "wrong")));

        assertThat(report.confusions("nio"))
                .isEqualTo("| fault on nio | PATH_DEAD | RESET |\n| --- | ---: | ---: |\n| path gone | 2 | 1 |");
        assertThat(report.confusions("epoll")).isEqualTo("| fault on epoll |\n| --- |");
    }

    @Test
    void picture_isWellFormed_andHasThePackets() throws Exception {
        String svg = new Picture(result("PATH_DEAD", "")).svg();

        assertThat(svg).contains("SYN").contains("0.500 s").contains("[&lt;1&gt;]");
        javax.xml.parsers.DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new java.io.ByteArrayInputStream(svg.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    }

    @Test
    void text_isInOrderOfTime() {
        assertThat(Timelines.text(result("PATH_DEAD", "")).lines().toList())
                .hasSize(2)
                .first()
                .asString()
                .contains("0.000 s  packet");
    }
}
