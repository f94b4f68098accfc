package dev.holdfast.examples;

import dev.holdfast.policy.DetectionBounds;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.policy.LivenessPolicy;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code holdfast explain}: when these options notice a lost peer, without connecting to anything. */
@Command(
        name = "explain",
        description = {
            "Prints, for every way of losing a peer, when these options notice it and what does; and which middleboxes an"
                    + " idle connection survives.",
            "Connects to nothing. Durations are written 500ms, 2s, 5m or 1h.",
            "nominal is the earliest, by the kernel's formula; worst adds its timer rounding and its retransmission ticks."
        })
final class Explain implements Callable<Integer> {
    /** How it is printed. */
    enum Format {
        text,
        json
    }

    @Spec
    private CommandSpec spec;

    @Mixin
    private ConnectionArguments arguments;

    @Mixin
    private TransportArgument transportArgument;

    @Option(
            names = "--kernel",
            paramLabel = "FILE",
            description = "The kernel's settings, as 'sysctl -a' prints them. Default: this machine's.")
    private @Nullable Path kernelFile;

    @Option(
            names = "--format",
            paramLabel = "text|json",
            defaultValue = "text",
            description = "For people, or one JSON object with times in milliseconds, null for never. Default: text.")
    private Format format = Format.text;

    @Override
    public Integer call() {
        LivenessPolicy policy = arguments.policy();
        KernelSettings kernel = kernel();
        DetectionBounds bounds = policy.bounds(kernel, transportArgument.transport(spec));
        Explanation explanation = new Explanation(policy, bounds);
        PrintWriter out = spec.commandLine().getOut();
        out.println(format == Format.json ? explanation.json() : explanation.text());
        out.flush();
        return 0;
    }

    private KernelSettings kernel() {
        if (kernelFile == null) {
            return KernelSettings.current();
        }
        try {
            return KernelSettings.read(kernelFile);
        } catch (IOException unreadable) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--kernel: " + kernelFile + " (expected: a readable file as 'sysctl -a' prints it; "
                            + reason(unreadable) + ")",
                    unreadable);
        } catch (IllegalArgumentException malformed) {
            throw new ParameterException(spec.commandLine(), "--kernel: " + malformed.getMessage(), malformed);
        }
    }

    private static String reason(IOException unreadable) {
        if (unreadable instanceof NoSuchFileException) {
            return "there is no such file";
        }
        if (unreadable instanceof AccessDeniedException) {
            return "access is denied";
        }
        return String.valueOf(unreadable.getMessage());
    }
}
