package dev.holdfast.socket;

import static dev.holdfast.socket.OptionReport.Status.ADJUSTED;
import static dev.holdfast.socket.OptionReport.Status.APPLIED;
import static dev.holdfast.socket.OptionReport.Status.FAILED;
import static dev.holdfast.socket.OptionReport.Status.TOO_LATE;
import static dev.holdfast.socket.OptionReport.Status.UNSUPPORTED;

import dev.holdfast.socket.OptionReport.Row;
import dev.holdfast.socket.OptionTarget.Role;
import io.netty.channel.unix.Errors;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One application of options to one socket: set them, later read them back, judge by the policy. Confined to the thread
 * that owns the socket.
 */
final class OptionApplication {
    private static final Logger log = LoggerFactory.getLogger(SocketOptions.class);
    private static final int ENOPROTOOPT = 92;

    private final SocketOptions options;
    private final OptionTarget target;
    private final Role role;
    private final EnumMap<TcpOption, Row> failed = new EnumMap<>(TcpOption.class);

    OptionApplication(SocketOptions options, OptionTarget target, Role role) {
        this.options = options;
        this.target = target;
        this.role = role;
    }

    /** Sets every option, or under {@link OptionPolicy#FAIL} none of them. */
    void set() throws SocketOptionException {
        boolean allOrNothing = options.policy() == OptionPolicy.FAIL;
        if (allOrNothing) {
            failOn(rows(this::unfit));
        }
        EnumMap<TcpOption, Integer> before = new EnumMap<>(TcpOption.class);
        options.asked().forEach((option, value) -> {
            boolean go = failed.isEmpty() || !allOrNothing;
            if (go && concerned(option) && unfit(option, value) == null) {
                set(option, value, before);
            }
        });
        if (allOrNothing && !failed.isEmpty()) {
            List<Row> refused = List.copyOf(failed.values());
            undo(before);
            failOn(refused);
        }
    }

    /** Asks the kernel what is in force. */
    OptionReport read() {
        return report(rows(this::readBack));
    }

    /** Asks again what is in force, of the options that an earlier report said were, or might have been. */
    OptionReport readAgain(Optional<OptionReport> earlier) {
        return report(rows((option, asked) -> {
            if (earlier.isEmpty()) {
                return readBack(option, asked);
            }
            Row before = earlier.get().row(option).orElse(null);
            boolean readable = before != null && (before.status().isInForce() || before.status() == FAILED);
            return readable ? readBack(option, asked) : before;
        }));
    }

    /** Acts on the problems of a report as the policy says. */
    void judge(OptionReport report) throws SocketOptionException {
        if (report.problems().isEmpty()) {
            return;
        }
        switch (options.policy()) {
            case FAIL -> throw new SocketOptionException(report);
            case WARN ->
                log.atWarn()
                        .addKeyValue("socket", report.socket())
                        .log("socket options not in force: {}", SocketOptionException.describe(report));
            case IGNORE -> {}
        }
    }

    private interface RowMaker {
        @Nullable Row row(TcpOption option, int asked);
    }

    private List<Row> rows(RowMaker maker) {
        List<Row> rows = new ArrayList<>();
        options.asked().forEach((option, asked) -> {
            Row row = concerned(option) ? maker.row(option, asked) : null;
            if (row != null) {
                rows.add(row);
            }
        });
        return rows;
    }

    private OptionReport report(List<Row> rows) {
        return new OptionReport(
                target.description(),
                rows,
                options.supportedBy(target::supports).warnings());
    }

    private void failOn(List<Row> rows) throws SocketOptionException {
        if (!rows.isEmpty()) {
            throw new SocketOptionException(report(rows));
        }
    }

    /**
     * Whether the option has a row here: a listener and its children share the options between them, and what belongs to a
     * connect is neither's. What the children cannot have, the listener's report says before there are any.
     */
    private boolean concerned(TcpOption option) {
        boolean listeners = option == TcpOption.TCP_DEFER_ACCEPT;
        return switch (role) {
            case CONNECTING, CONNECTED -> true;
            case LISTENING ->
                listeners || option == TcpOption.SO_RCVBUF || (!ofConnect(option) && !target.supports(option));
            case ACCEPTED -> !listeners && !ofConnect(option);
        };
    }

    private static boolean ofConnect(TcpOption option) {
        return option == TcpOption.TCP_SYNCNT || option == TcpOption.CONNECT_TIMEOUT;
    }

    /** The row of an option that needs no trying; null for one that does. */
    private @Nullable Row unfit(TcpOption option, int asked) {
        if (ofConnect(option) && role == Role.CONNECTED) {
            return row(option, asked, TOO_LATE, "the socket is connected already");
        }
        if (option == TcpOption.TCP_DEFER_ACCEPT && role != Role.LISTENING) {
            return row(option, asked, UNSUPPORTED, "it belongs to a listening socket");
        }
        return target.supports(option) ? null : row(option, asked, UNSUPPORTED, target.lack(option));
    }

    private void set(TcpOption option, int value, Map<TcpOption, Integer> before) {
        try {
            before.put(option, target.get(option));
            target.set(option, value);
            int found = target.get(option);
            if (!adjustable(option) && found != value) {
                failed.put(option, mismatch(option, value, found));
            }
        } catch (IOException refused) {
            failed.put(option, refused(option, value, refused));
        }
    }

    /** Buffers need no undoing: they are set last, and the kernel never refuses them. */
    private void undo(Map<TcpOption, Integer> before) {
        before.forEach((option, value) -> {
            try {
                target.set(option, value);
            } catch (IOException e) {
                log.atDebug().addKeyValue("option", option).setCause(e).log("could not put an option back");
            }
        });
    }

    private @Nullable Row readBack(TcpOption option, int asked) {
        Row known = unfit(option, asked);
        if (known == null) {
            known = failed.get(option);
        }
        if (known != null) {
            return known;
        }
        try {
            int found = target.get(option);
            if (found == asked) {
                return new Row(option, asked, OptionalInt.of(found), APPLIED, remark(option));
            }
            if (adjustable(option)) {
                return new Row(option, asked, OptionalInt.of(found), ADJUSTED, adjustment(option));
            }
            return mismatch(option, asked, found);
        } catch (IOException unreadable) {
            return refused(option, asked, unreadable);
        }
    }

    private static Row mismatch(TcpOption option, int asked, int found) {
        return new Row(
                option, asked, OptionalInt.of(found), FAILED, "the kernel holds another value: something else set it");
    }

    private static Row refused(TcpOption option, int asked, IOException reason) {
        if (reason instanceof Errors.NativeIoException nativeError && nativeError.expectedErr() == -ENOPROTOOPT) {
            return row(option, asked, UNSUPPORTED, "this kernel does not have it");
        }
        return row(option, asked, FAILED, String.valueOf(reason.getMessage()));
    }

    private static Row row(TcpOption option, int asked, OptionReport.Status status, String reason) {
        return new Row(option, asked, OptionalInt.empty(), status, reason);
    }

    private static boolean adjustable(TcpOption option) {
        return isBuffer(option) || option == TcpOption.TCP_DEFER_ACCEPT;
    }

    private static boolean isBuffer(TcpOption option) {
        return option == TcpOption.SO_SNDBUF || option == TcpOption.SO_RCVBUF;
    }

    private String adjustment(TcpOption option) {
        if (option == TcpOption.TCP_DEFER_ACCEPT) {
            return "the kernel counts it in repetitions of its SYN/ACK";
        }
        String limit = option == TcpOption.SO_SNDBUF ? "net.core.wmem_max" : "net.core.rmem_max";
        String rule = target.halvesBuffers()
                ? "the kernel allows no more than " + limit + " and no less than its smallest buffer"
                : "the kernel doubles it for its own bookkeeping, up to twice " + limit;
        String remark = remark(option);
        return remark.isEmpty() ? rule : rule + "; " + remark;
    }

    private String remark(TcpOption option) {
        return option == TcpOption.SO_RCVBUF && role == Role.CONNECTED
                ? "set after the handshake, so the window scale did not follow"
                : "";
    }
}
