package dev.holdfast.socket;

import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What became of the options asked for, on one socket: a row for each, read back from the kernel.
 *
 * <p>Immutable. {@link #toString()} is a table for people.
 *
 * @param socket which socket this is about: the transport's name and the addresses
 * @param rows one for every option asked for, in the order in which they were set
 * @param warnings the warnings of the options themselves ({@link SocketOptions#warnings()})
 */
public record OptionReport(String socket, List<Row> rows, List<String> warnings) {
    static final AttributeKey<OptionReport> KEY = AttributeKey.valueOf(OptionReport.class, "REPORT");

    /** Copies the lists. */
    public OptionReport {
        Objects.requireNonNull(socket, "socket");
        rows = List.copyOf(rows);
        warnings = List.copyOf(warnings);
    }

    /** How an option fared. */
    public enum Status {
        /** In force with the value asked for. */
        APPLIED,
        /** In force with another value, which the kernel made of the one asked for; the reason says by which rule. */
        ADJUSTED,
        /** This transport, kernel or kind of socket does not have the option. */
        UNSUPPORTED,
        /** The socket is connected already; the option would have had to be set before. */
        TOO_LATE,
        /** The kernel refused it, could not be asked, or holds a value that nobody asked for here. */
        FAILED;

        /** Whether the option does what was asked: {@link #APPLIED} or {@link #ADJUSTED}. */
        public boolean isInForce() {
            return this == APPLIED || this == ADJUSTED;
        }
    }

    /**
     * One option.
     *
     * @param option the option
     * @param asked the value asked for, in the option's unit
     * @param found the value the kernel holds, or empty if it could not be asked
     * @param status how it fared
     * @param reason why it is not simply applied; empty if it is
     */
    public record Row(TcpOption option, int asked, OptionalInt found, Status status, String reason) {
        /** Checks that nothing is null. */
        public Row {
            Objects.requireNonNull(option, "option");
            Objects.requireNonNull(found, "found");
            Objects.requireNonNull(status, "status");
            Objects.requireNonNull(reason, "reason");
        }

        String foundText() {
            return found.isPresent() ? option.unit().format(found.getAsInt()) : "-";
        }
    }

    /** The newest report of a channel that these options were applied to, available from any thread. */
    public static Optional<OptionReport> of(Channel channel) {
        return Optional.ofNullable(channel.attr(KEY).get());
    }

    /** The option's row, or empty if it was not asked for. */
    public Optional<Row> row(TcpOption option) {
        return rows.stream().filter(row -> row.option() == option).findFirst();
    }

    /** The rows that are not in force as asked. */
    public List<Row> problems() {
        return rows.stream().filter(row -> !row.status().isInForce()).toList();
    }

    /** The table, and below it the warnings. */
    @Override
    public String toString() {
        if (rows.isEmpty()) {
            return socket + ": no options asked for";
        }
        StringBuilder text = new StringBuilder(socket);
        text.append(String.format(Locale.ROOT, "%n  %-17s %12s %12s  %s", "option", "asked", "found", "status"));
        for (Row row : rows) {
            text.append(String.format(
                    Locale.ROOT,
                    "%n  %-17s %12s %12s  %s%s",
                    row.option(),
                    row.option().unit().format(row.asked()),
                    row.foundText(),
                    row.status(),
                    row.reason().isEmpty() ? "" : ": " + row.reason()));
        }
        warnings.forEach(warning -> text.append(String.format(Locale.ROOT, "%n  warning: %s", warning)));
        return text.toString();
    }
}
