package dev.holdfast.socket;

import java.io.IOException;
import java.util.stream.Collectors;

/** Options are not in force as asked, and {@link OptionPolicy#FAIL} makes that a failure. */
public final class SocketOptionException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient OptionReport report;

    SocketOptionException(OptionReport report) {
        super(report.socket() + ": " + describe(report));
        this.report = report;
    }

    /** What became of every option. */
    public OptionReport report() {
        return report;
    }

    /** Every problem of a report, in one line. */
    static String describe(OptionReport report) {
        return report.problems().stream()
                .map(row -> row.option() + " = " + row.option().unit().format(row.asked()) + " is " + row.status()
                        + " (" + row.reason() + ")")
                .collect(Collectors.joining(", "));
    }
}
