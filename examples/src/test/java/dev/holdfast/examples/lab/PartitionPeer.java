package dev.holdfast.examples.lab;

import dev.holdfast.AttemptBudget;
import dev.holdfast.Backoff;
import dev.holdfast.Connection;
import dev.holdfast.ConnectionEvent;
import dev.holdfast.PeerBuilder;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.DetectionBounds;
import dev.holdfast.policy.FailureMode;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One end, in a namespace of its own: sends numbers, and prints what it is told, each line with the time on the clock that all
 * processes of a machine share. It obeys the lines of its standard input, and ends with it.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the sender ends with its executor
final class PartitionPeer {
    /** For the connect, and for the handshake. */
    static final Duration ATTEMPT_LIMIT = Duration.ofMillis(500);

    static final Duration LONGEST_DELAY = Duration.ofMillis(400);

    private static final LivenessPolicy LIVENESS = LivenessPolicy.of(
            SocketOptions.builder().connectTimeout(ATTEMPT_LIMIT).build(),
            HeartbeatOptions.builder()
                    .interval(Duration.ofMillis(300))
                    .timeout(Duration.ofMillis(300))
                    .attempts(2)
                    .writeStallTimeout(Duration.ofMillis(900)) // what limits it on NIO
                    .build());
    private static final long SEND_MILLIS = 20;

    private final Transport transport;
    private final InetSocketAddress address;
    private final EventLoopGroup group;
    private final Lateness lateness;
    private final PartitionLedger ledger = new PartitionLedger();
    private final Executor callbacks = Executors.newSingleThreadExecutor();
    private final ScheduledExecutorService sender = Executors.newSingleThreadScheduledExecutor();
    private volatile boolean sends = true;
    private @Nullable ResilientClient client;
    private @Nullable ResilientServer server;

    private PartitionPeer(Transport transport, InetSocketAddress address) {
        this.transport = transport;
        this.address = address;
        this.group = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        this.lateness = Lateness.watch(group.next());
    }

    /** {@code client} or {@code server}, the transport, the server's address and port. */
    public static void main(String[] arguments) throws Exception {
        Transport transport = Transport.all().stream()
                .filter(each -> each.name().equals(arguments[1]))
                .findFirst()
                .orElseThrow();
        PartitionPeer peer =
                new PartitionPeer(transport, new InetSocketAddress(arguments[2], Integer.parseInt(arguments[3])));
        peer.start(arguments[0].equals("client"));
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String order = orders.readLine(); order != null; order = orders.readLine()) {
            peer.obey(order);
        }
        System.exit(0); // loops and connections end with the process
    }

    private void start(boolean asClient) {
        if (asClient) {
            ResilientClient started = common(ResilientClient.builder(address.getHostString(), address.getPort()))
                    .reconnect(ReconnectOptions.builder()
                            .backoff(Backoff.exponential(Duration.ofMillis(50), LONGEST_DELAY))
                            .handshakeLimit(ATTEMPT_LIMIT)
                            .budget(AttemptBudget.perSecond(100))
                            .bufferBytes(64 << 10)
                            .bufferAge(Duration.ofSeconds(1))
                            .build())
                    .start();
            client = started;
            send(() -> ledger.send(started::send));
        } else {
            ResilientServer started = common(ResilientServer.builder(address))
                    .handshakeLimit(ATTEMPT_LIMIT)
                    .start();
            server = started;
            send(() -> started.connections().forEach(each -> ledger.send(each::send)));
        }
        DetectionBounds bounds = LIVENESS.bounds(KernelSettings.current(), transport);
        Duration longest = List.of(FailureMode.IDLE_PEER_VANISHED, FailureMode.UNACKED_PEER_VANISHED).stream()
                .map(mode -> bounds.worstCase(mode).orElseThrow())
                .max(Duration::compareTo)
                .orElseThrow();
        say("bound", String.valueOf(longest.toNanos()));
    }

    private <B extends PeerBuilder<B>> B common(B builder) {
        return builder.liveness(LIVENESS)
                .eventLoopGroup(group, transport)
                .executor(callbacks)
                .onEvent(this::told)
                .onMessage(this::received);
    }

    private void send(Runnable one) {
        sender.scheduleAtFixedRate(
                () -> {
                    if (sends) {
                        one.run();
                    }
                },
                0,
                SEND_MILLIS,
                TimeUnit.MILLISECONDS);
    }

    private void received(Connection from, ByteBuf message) {
        ledger.receive(message.toString(StandardCharsets.UTF_8));
    }

    private void told(ConnectionEvent event) {
        if (event instanceof ConnectionEvent.Up up) {
            say("up", String.valueOf(clientsPort(up.connection())));
        } else if (event instanceof ConnectionEvent.Down down) {
            say("down", clientsPort(down.connection()) + " " + down.ending());
        }
    }

    /** By which both ends know it. */
    private int clientsPort(Connection connection) {
        return (client == null ? connection.remoteAddress() : connection.localAddress()).getPort();
    }

    private void obey(String order) throws Exception {
        switch (order) {
            case "send" -> sends = true;
            case "quiet" -> {
                sends = false;
                while (!ledger.isSettled()) {
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
                }
                say("quiet", "");
            }
            case "count" -> say("count", PartitionCount.of(group).text());
            case "stalls" -> say("stalls", group.next().submit(this::stalls).get());
            case "state" -> say("state", state());
            case "ledger" -> {
                ledger.text().lines().forEach(line -> say("ledger", line));
                say("ledger", "END");
            }
            default -> throw new IllegalArgumentException(order);
        }
    }

    private String stalls() {
        return lateness.stalls().stream()
                .map(each -> each.get(0) + ":" + each.get(1))
                .collect(Collectors.joining(" "));
    }

    /** The clients' ports of the connections that are up. */
    private String state() {
        ResilientServer served = server;
        if (served != null) {
            return served.connections().stream().map(this::clientsPort).toList() + " UP";
        }
        ResilientClient own = Objects.requireNonNull(client);
        return own.connection().stream().map(this::clientsPort).toList() + " " + own.state();
    }

    private static synchronized void say(String what, String details) {
        System.out.println(what + " " + System.nanoTime() + " " + details);
        System.out.flush();
    }
}
