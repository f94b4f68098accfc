package dev.holdfast.examples.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What the lab needs of the machine. */
final class Prerequisites {
    private Prerequisites() {}

    /** What is missing, in one line; empty if nothing is. */
    static Optional<String> missing() {
        List<String> missing = new ArrayList<>();
        if (!isRoot()) {
            missing.add("root");
        }
        program(missing, "ip", "iproute2");
        program(missing, "ss", "iproute2");
        program(missing, "tc", "iproute2");
        program(missing, "nft", "nftables");
        if (missing.isEmpty()) {
            namespace().ifPresent(missing::add);
        }
        return missing.isEmpty()
                ? Optional.empty()
                : Optional.of("the fault lab needs " + String.join(", ", missing) + ", which this machine lacks");
    }

    private static void program(List<String> missing, String program, String debianPackage) {
        if (!Command.isInstalled(program)) {
            missing.add(program + " (Debian package " + debianPackage + ")");
        }
    }

    private static boolean isRoot() {
        try {
            return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (IOException | UnsupportedOperationException noLinux) {
            return false;
        }
    }

    /** A container's root may not be allowed to make one. */
    private static Optional<String> namespace() {
        try (Namespaces namespaces = new Namespaces()) {
            String name = namespaces.add("try");
            Namespaces.run(name, "nft", "add table inet lab");
            return Optional.empty();
        } catch (IOException refused) {
            return Optional.of("leave to make network namespaces and packet filters (" + refused.getMessage() + ")");
        }
    }
}
