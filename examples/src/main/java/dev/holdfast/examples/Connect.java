package dev.holdfast.examples;

import dev.holdfast.Ending;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.SocketOptionException;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.Backlog;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.Evidence;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.verdict.PostMortem;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code holdfast connect}: holds one connection and prints what happens to it. */
@Command(
        name = "connect",
        description = {
            "Connects, prints what became of every option, sends the lines of standard input and prints the lines received.",
            "Events, one a line: connecting, up, received, beat, suspect, alive, local-stall, dead (with its cause and the"
                    + " evidence), closed; with --protocol framed also agreed, drain-received, close-received.",
            "With --reconnect the events are: connecting, up (with its epoch), received, suspect, alive, local-stall, draining,"
                    + " drained, down (with its cause and the evidence), waiting (attempt, delay, why), closed; and of lines"
                    + " that were not confirmed: not-sent, unknown, written.",
            "The end of standard input does not end the connection."
        })
final class Connect implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "HOST:PORT", converter = Endpoint.Remote.class, description = "Where to connect to.")
    private Endpoint endpoint;

    @Mixin
    private ConnectionArguments arguments;

    @Mixin
    private HeartbeatArguments heartbeatArguments;

    @Mixin
    private ReconnectArguments reconnectArguments;

    @Mixin
    private TransportArgument transportArgument;

    @Mixin
    private EventArguments eventArguments;

    private final CompletableFuture<Integer> exit = new CompletableFuture<>();

    @Override
    public Integer call() throws InterruptedException, ExecutionException {
        Optional<ReconnectOptions> reconnect = reconnectArguments.options();
        return reconnect.isPresent() ? comeBack(reconnect.get()) : holdOne();
    }

    private int comeBack(ReconnectOptions reconnect) throws InterruptedException, ExecutionException {
        Spoken spoken = heartbeatArguments.spoken(arguments, BeatProtocol.framed(), false);
        Transport transport = transportArgument.transport(spec);
        EventLog log = eventArguments.log(System.out);
        Ending ending = new Reconnecting(endpoint, spoken, reconnect, log).hold(transport, eventArguments.limit());
        if (ending.kind() == Ending.Kind.REFUSED) {
            throw bad(endpoint + ": " + ending.reason() + " (expected: a peer and options that can be agreed on)");
        }
        return 0;
    }

    private int holdOne() throws InterruptedException, ExecutionException {
        LivenessPolicy policy = arguments.policy();
        Optional<Beats> beats = heartbeatArguments.beats(arguments, policy, false);
        Transport transport = transportArgument.transport(spec);
        InetSocketAddress remote = resolve();
        EventLog log = eventArguments.log(System.out);
        heartbeatArguments.warnIfUnsent(policy, log);
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        try {
            return hold(group, transport, policy.socketOptions(), beats, remote, log);
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
        }
    }

    private InetSocketAddress resolve() {
        try {
            return endpoint.resolve();
        } catch (UnknownHostException unknown) {
            throw bad("HOST:PORT: unknown host '" + endpoint.host() + "' (expected: a name or address that resolves)");
        }
    }

    private int hold(
            EventLoopGroup group,
            Transport transport,
            SocketOptions options,
            Optional<Beats> beats,
            InetSocketAddress remote,
            EventLog log)
            throws InterruptedException, ExecutionException {
        log.print(
                "connecting",
                endpoint + " (" + remote.getAddress().getHostAddress() + ") by " + transport,
                Details.fields(
                        "peer", endpoint.toString(),
                        "remote", remote.getAddress().getHostAddress() + ":" + remote.getPort(),
                        "transport", transport.name()));
        PeerHandler handler = new PeerHandler(endpoint.toString(), new Session(log), beats.isEmpty());
        Bootstrap bootstrap = new Bootstrap()
                .group(group)
                .channel(transport.channelType())
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        Pipelines.add(channel.pipeline(), beats, handler);
                        channel.pipeline().addLast(handler);
                    }
                });
        long started = log.elapsedMillis();
        ChannelFuture connected = options.connect(bootstrap, remote);
        if (!connected.await(leftMillis(log))) {
            connected.cancel(false);
            log.print("closed", "by us", Details.fields("by", "us"));
            return 0;
        }
        if (!connected.isSuccess()) {
            return failed(connected, Duration.ofMillis(log.elapsedMillis() - started), log);
        }
        Channel channel = connected.channel();
        boolean wholeLines =
                beats.filter(each -> each.protocol().takesWholeLines()).isPresent();
        Thread input = new Thread(new InputSender(channel, handler, log, wholeLines), "standard-input");
        input.setDaemon(true);
        input.start();
        return await(channel, handler, log);
    }

    private int await(Channel channel, PeerHandler handler, EventLog log)
            throws InterruptedException, ExecutionException {
        try {
            return exit.get(leftMillis(log), TimeUnit.MILLISECONDS);
        } catch (TimeoutException over) {
            handler.close(channel);
        }
        return exit.get();
    }

    /** What is left of {@code --for}, counted from the start. */
    private long leftMillis(EventLog log) {
        return eventArguments
                .limit()
                .map(limit -> Math.max(1, limit.toMillis() - log.elapsedMillis()))
                .orElse(Long.MAX_VALUE);
    }

    /** A connect that did not succeed: what the user can mend ends with 2, a peer that cannot be had with 3. */
    private int failed(ChannelFuture connect, Duration after, EventLog log) {
        Throwable cause = connect.cause();
        if (cause instanceof SocketOptionException) {
            throw bad(String.valueOf(cause.getMessage()));
        }
        DeathCause named = PostMortem.connecting(cause);
        if (named == DeathCause.OTHER) {
            throw bad(endpoint + ": " + cause.getMessage() + " (expected: a host and port where something listens)");
        }
        dead(
                new PeerDeath(
                        endpoint.toString(),
                        named,
                        after,
                        "the connect failed",
                        Evidence.of(SocketOptions.atConnectFailure(connect.channel()), false, Backlog.NONE),
                        Optional.of(cause)),
                log);
        return Holdfast.DEAD_PEER;
    }

    private ParameterException bad(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    private static void dead(PeerDeath death, EventLog log) {
        log.print("dead", death.cause() + ": " + death.explain(), Details.of(death));
    }

    /** What the connection's end means to the command. On the event loop. */
    private final class Session implements PeerHandler.Listener {
        private final EventLog log;

        Session(EventLog log) {
            this.log = log;
        }

        @Override
        public void up(PeerHandler handler, Channel channel) {
            OptionReport report = OptionReport.of(channel).orElseThrow();
            log.print(
                    "up",
                    report.toString(),
                    Details.fields(
                            "local", channel.localAddress().toString(),
                            "remote", channel.remoteAddress().toString(),
                            "options", Details.of(report),
                            "warnings", report.warnings()));
        }

        @Override
        public void received(PeerHandler handler, Channel channel, String line) {
            log.print("received", EventLog.printable(line), Details.fields("data", line));
        }

        @Override
        public void closed(boolean byPeer) {
            log.print("closed", byPeer ? "by the peer" : "by us", Details.fields("by", byPeer ? "peer" : "us"));
            exit.complete(0);
        }

        @Override
        public void happened(Happening happening) {
            log.print(happening.name(), happening.text(), happening.fields());
        }

        @Override
        public void dead(PeerDeath death) {
            Connect.dead(death, log);
            exit.complete(Holdfast.DEAD_PEER);
        }
    }
}
