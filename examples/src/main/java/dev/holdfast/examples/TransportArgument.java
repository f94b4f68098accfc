package dev.holdfast.examples;

import dev.holdfast.socket.Transport;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code --transport}: which of the transports found is used. */
final class TransportArgument {
    /** The choices. */
    enum Choice {
        auto,
        epoll,
        nio
    }

    @Option(
            names = "--transport",
            paramLabel = "auto|epoll|nio",
            defaultValue = "auto",
            description = "How to reach the kernel; auto takes epoll where it works, otherwise nio. Default: auto.")
    private Choice choice = Choice.auto;

    /** The transport, or an error that says why it is not available. */
    Transport transport(CommandSpec spec) {
        if (choice == Choice.auto) {
            return Transport.preferred();
        }
        Transport transport = Transport.all().stream()
                .filter(each -> each.name().equals(choice.name()))
                .findFirst()
                .orElseThrow(() -> unavailable(spec, "it is not on the class path"));
        if (!transport.isAvailable()) {
            throw unavailable(
                    spec, String.valueOf(transport.unavailabilityCause().orElse(null)));
        }
        return transport;
    }

    private ParameterException unavailable(CommandSpec spec, String why) {
        return new ParameterException(
                spec.commandLine(), "--transport: " + choice + " (expected: a transport that works here; " + why + ")");
    }
}
