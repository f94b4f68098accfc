package dev.holdfast.examples;

import dev.holdfast.examples.lab.Lab;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** The command line {@code holdfast}: start it with {@code examples/run}. */
@Command(
        name = "holdfast",
        mixinStandardHelpOptions = true,
        version = "holdfast 0.1.0-SNAPSHOT",
        description = "TCP connections that live long, and what is known about their deaths.",
        subcommands = {Explain.class, Connect.class, Listen.class, Demo.class, Lab.class, Doctor.class},
        scope = CommandLine.ScopeType.INHERIT,
        footerHeading = "%nExamples, one idea each, run by examples/run NAME:%n",
        footer = {
            "  FirstServer, FirstClient   the first ten lines",
            "  PlainSockets               Java's own sockets",
            "  ExistingPipeline           a Netty pipeline, and a heartbeat in it",
            "  PaymentGateway             a protocol of one's own, and no payment made twice",
            "  BehindBalancer             an idle timeout, and a maximum age",
            "  TlsClientAndServer         certificates, renewed while connections are up",
            "  FleetDrain                 servers go, clients move, nothing is lost"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:success, or a connection that was closed in the regular way",
            "1:a defect of this program",
            "2:bad input: an option, a value, a host or a port",
            "3:a dead peer"
        })
public final class Holdfast implements Runnable {
    static final int BAD_INPUT = 2;
    static final int DEAD_PEER = 3;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    /** Runs a command and ends the JVM with its exit code. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Holdfast())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((bad, arguments) -> badInput(bad.getCommandLine(), bad))
                .setExecutionExceptionHandler((failure, commandLine, result) -> {
                    if (failure instanceof IllegalArgumentException) {
                        return badInput(commandLine, failure); // the library names option, value and rule
                    }
                    throw failure;
                });
    }

    private static int badInput(CommandLine commandLine, Exception bad) {
        PrintWriter err = commandLine.getErr();
        String command = commandLine.getCommandSpec().qualifiedName();
        err.println(command + ": " + bad.getMessage());
        err.println("Try '" + command + " --help'.");
        err.flush();
        return BAD_INPUT;
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "no command given (expected: explain, connect, listen, demo, lab or doctor)");
    }
}
