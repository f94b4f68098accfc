package dev.holdfast.benchmarks;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** JVMs with the class path of this one. */
final class Jvm {
    private static final String NATIVE_ACCESS = "--enable-native-access";

    private Jvm() {}

    /** A process whose errors go where ours go. */
    static ProcessBuilder builder(List<String> options, Class<?> main, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(property("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> option.startsWith(NATIVE_ACCESS))
                .forEach(command::add);
        command.addAll(options);
        command.addAll(List.of("-cp", property("java.class.path"), main.getName()));
        command.addAll(arguments);
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    }

    private static String property(String name) {
        return Objects.requireNonNull(System.getProperty(name), name);
    }
}
