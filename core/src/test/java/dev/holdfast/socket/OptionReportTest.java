package dev.holdfast.socket;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.socket.OptionReport.Row;
import dev.holdfast.socket.OptionReport.Status;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class OptionReportTest {
    private static final Row APPLIED = new Row(TcpOption.TCP_KEEPIDLE, 60, OptionalInt.of(60), Status.APPLIED, "");
    private static final Row ADJUSTED =
            new Row(TcpOption.TCP_DEFER_ACCEPT, 5, OptionalInt.of(7), Status.ADJUSTED, "by a rule");
    private static final Row UNSUPPORTED =
            new Row(TcpOption.TCP_USER_TIMEOUT, 85_000, OptionalInt.empty(), Status.UNSUPPORTED, "no such option");

    private final OptionReport report =
            new OptionReport("nio /a -> /b", List.of(APPLIED, ADJUSTED, UNSUPPORTED), List.of("unwise"));

    @Test
    void problems_areTheRowsNotInForce() {
        assertThat(report.problems()).containsExactly(UNSUPPORTED);
    }

    @Test
    void row_findsByOption_orIsEmpty() {
        assertThat(report.row(TcpOption.TCP_DEFER_ACCEPT)).contains(ADJUSTED);
        assertThat(report.row(TcpOption.TCP_SYNCNT)).isEmpty();
    }

    @Test
    void toString_isATableWithWarnings() {
        assertThat(report.toString().lines())
                .containsExactly(
                        "nio /a -> /b",
                        "  option                   asked        found  status",
                        "  TCP_KEEPIDLE              60 s         60 s  APPLIED",
                        "  TCP_DEFER_ACCEPT           5 s          7 s  ADJUSTED: by a rule",
                        "  TCP_USER_TIMEOUT      85000 ms            -  UNSUPPORTED: no such option",
                        "  warning: unwise");
    }

    @Test
    void exception_namesEveryProblem() {
        assertThat(new SocketOptionException(report))
                .hasMessage("nio /a -> /b: TCP_USER_TIMEOUT = 85000 ms is UNSUPPORTED (no such option)");
    }
}
