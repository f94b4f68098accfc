package dev.holdfast.examples.lab;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Network namespaces that bear this process's id, so that two labs on one machine don't meet. They are removed with
 * everything in them by {@link #close()}, at the latest when the JVM ends; those of a process that was killed are removed by
 * the next lab.
 */
final class Namespaces implements AutoCloseable {
    private static final String PREFIX = "holdfast-lab-";
    private static final Pattern NAME = Pattern.compile(PREFIX + "(\\d+)-\\d+-\\S+");
    private static final AtomicInteger LABS = new AtomicInteger();

    private final String prefix = PREFIX + ProcessHandle.current().pid() + "-" + LABS.incrementAndGet() + "-";
    private final List<String> names = new ArrayList<>();
    private boolean closed;
    private final Thread atEnd = new Thread(this::removeAll, "lab-cleanup");

    Namespaces() throws IOException {
        removeStale();
        Runtime.getRuntime().addShutdownHook(atEnd);
    }

    /** Makes one, with its loopback interface up. */
    String add(String role) throws IOException {
        String name = prefix + role;
        synchronized (names) { // nothing is made any more while they are removed
            if (closed) {
                throw new IOException("the lab is closed");
            }
            names.add(name); // before it exists, so that nothing is left behind
            Command.run(List.of("ip", "netns", "add", name));
        }
        Command.run(List.of("ip", "-n", name, "link", "set", "lo", "up"));
        return name;
    }

    /** The command, to be run inside. The process that it starts is the command's own, with the same id. */
    static List<String> inside(String namespace, List<String> command) {
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        all.addAll(command);
        return all;
    }

    static String run(String namespace, String... command) throws IOException {
        return Command.run(inside(namespace, List.of(command)));
    }

    private static void removeStale() throws IOException {
        for (String line : Command.run(List.of("ip", "netns", "list")).lines().toList()) {
            Matcher matcher = NAME.matcher(line.split(" ", 2)[0]);
            if (matcher.matches()
                    && ProcessHandle.of(Long.parseLong(matcher.group(1)))
                            .filter(ProcessHandle::isAlive)
                            .isEmpty()) {
                remove(matcher.group());
            }
        }
    }

    private static void remove(String name) {
        try {
            for (String pid :
                    Command.run(List.of("ip", "netns", "pids", name)).lines().toList()) {
                ProcessHandle.of(Long.parseLong(pid.strip())).ifPresent(ProcessHandle::destroyForcibly);
            }
            Command.run(List.of("ip", "netns", "delete", name));
        } catch (IOException gone) {
            // another lab has removed it, or it was never made: nothing is left to do
        }
    }

    private void removeAll() {
        synchronized (names) {
            closed = true;
            names.forEach(Namespaces::remove);
            names.clear();
        }
    }

    @Override
    public void close() {
        removeAll();
        try {
            Runtime.getRuntime().removeShutdownHook(atEnd);
        } catch (IllegalStateException ending) {
            // the JVM is going down: the hook has run or finds nothing
        }
    }
}
