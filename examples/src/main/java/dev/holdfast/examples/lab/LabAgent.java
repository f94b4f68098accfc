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
import java.io.UncheckedIOException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import jdk.net.ExtendedSocketOptions;

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
            case "listen" -> {
                lateness(Transport.preferred().name());
                new Listener(id, order, loop(Transport.preferred().name()), this::emit).bind();
            }
            case "connect" -> {
                Transport transport = transport(Wire.text(order, "transport"));
                EventLoopGroup loop = loop(transport.name());
                Lateness lateness = lateness(transport.name());
                ClientConnection connection = new ClientConnection(id, order, transport, lateness, this::emit);
                connections.put(id, connection);
                connection.open(loop);
            }
            case "write" -> connection(id).write(order.get("bytes").getAsInt());
            case "request" -> connection(id).request();
            case "close" -> connection(id).close();
            case "await-closed-window" -> connection(id).awaitClosedWindow();
            case "stalls" -> tellStalls(id);
            case "fresh-socket" -> tellFreshSocket(id);
            case "samples" -> connection(id).tellSamples();
            default -> throw new IllegalArgumentException("unknown: " + order);
        }
    }

    private Lateness lateness(String transport) {
        return latenesses.computeIfAbsent(
                transport, name -> Lateness.watch(loop(name).next()));
    }

    /** When the loop of the listeners stood still: a peer that does is no fault of who waits for it. */
    private void tellStalls(int id) {
        String transport = Transport.preferred().name();
        Lateness lateness = lateness(transport);
        loop(transport).execute(() -> emit(Wire.object("event", "stalls", "id", id, "stalls", lateness.stalls())));
    }

    /** The keepalive times of a socket on which nobody has set any. */
    private void tellFreshSocket(int id) {
        try (SocketChannel fresh = SocketChannel.open()) {
            emit(Wire.object(
                    "event", "fresh-socket",
                    "id", id,
                    "idle", fresh.getOption(ExtendedSocketOptions.TCP_KEEPIDLE),
                    "interval", fresh.getOption(ExtendedSocketOptions.TCP_KEEPINTERVAL),
                    "count", fresh.getOption(ExtendedSocketOptions.TCP_KEEPCOUNT)));
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
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
