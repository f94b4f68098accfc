package dev.holdfast.examples.lab;

import com.google.gson.JsonObject;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.socket.Transport;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * The lab's hand in one namespace: a program driven by the lines of its standard input that opens listeners and connections,
 * and tells on standard output what becomes of them, with the time on the monotonic clock that all processes of a machine
 * share. It ends with its input.
 */
public final class LabAgent {
    private final PrintStream out;
    private final Map<String, EventLoopGroup> loops = new HashMap<>();
    private final Map<String, Lateness> latenesses = new HashMap<>();
    private final Map<Integer, ClientConnection> connections = new HashMap<>();

    private LabAgent(PrintStream out) {
        this.out = out;
    }

    /** Serves until standard input ends. */
    public static void main(String[] arguments) throws IOException {
        new LabAgent(System.out).serve();
        System.exit(0); // event loops and connections end with the process
    }

    private void serve() throws IOException {
        emit(Wire.object("event", "hello", "pid", ProcessHandle.current().pid(), "kernel", kernel()));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonObject order = Wire.read(line);
            try {
                obey(order);
            } catch (RuntimeException failed) {
                emit(Wire.object("event", "error", "id", order.get("id"), "message", failed.toString()));
            }
        }
    }

    /** This namespace's settings, in the format that {@link KernelSettings#parse} reads. */
    private static String kernel() {
        KernelSettings kernel = KernelSettings.current();
        return kernel.release()
                        .map(release -> "kernel.osrelease = " + release + "\n")
                        .orElse("")
                + kernel.values().entrySet().stream()
                        .map(entry -> entry.getKey() + " = " + entry.getValue())
                        .collect(Collectors.joining("\n"));
    }

    private void obey(JsonObject order) {
        int id = order.get("id").getAsInt();
        switch (Wire.text(order, "do")) {
            case "listen" -> new Listener(id, order, loop(Transport.preferred().name()), this::emit).bind();
            case "connect" -> {
                Transport transport = transport(Wire.text(order, "transport"));
                EventLoopGroup loop = loop(transport.name());
                Lateness lateness = latenesses.computeIfAbsent(transport.name(), name -> Lateness.watch(loop.next()));
                ClientConnection connection = new ClientConnection(id, order, transport, lateness, this::emit);
                connections.put(id, connection);
                connection.open(loop);
            }
            case "write" -> connection(id).write(order.get("bytes").getAsInt());
            case "request" -> connection(id).request();
            case "close" -> connection(id).close();
            case "await-closed-window" -> connection(id).awaitClosedWindow();
            case "samples" -> connection(id).tellSamples();
            default -> throw new IllegalArgumentException("unknown: " + order);
        }
    }

    private ClientConnection connection(int id) {
        return Objects.requireNonNull(connections.get(id), () -> "no connection " + id);
    }

    private static Transport transport(String name) {
        return Transport.all().stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no transport " + name));
    }

    private EventLoopGroup loop(String transport) {
        return loops.computeIfAbsent(
                transport,
                name -> new MultiThreadIoEventLoopGroup(1, transport(name).ioHandlerFactory()));
    }

    /** The time is taken by who tells, or here. */
    private void emit(JsonObject event) {
        if (!event.has("nanos")) {
            event.addProperty("nanos", System.nanoTime());
        }
        synchronized (out) {
            out.println(Wire.line(event));
            out.flush();
        }
    }
}
