package dev.holdfast.examples;

import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.SocketOptionException;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.PeerDeath;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code holdfast listen}: the other end, for any number of clients. */
@Command(
        name = "listen",
        description = {
            "Accepts clients with these options and prints what happens to each of them.",
            "Events, one a line, each with its client: listening, up, received, beat, suspect, alive, local-stall, dead (with"
                    + " its cause and the evidence), closed; with --protocol framed also agreed, drain-received,"
                    + " close-received.",
            "With --max-connections, --max-per-address or --drain it is a server of the connection layer, and the events are:"
                    + " listening, up (with its epoch), received, suspect, alive, local-stall, draining, drained, down"
                    + " (with its cause and the evidence), and not-sent, unknown of what is sent back; the last drained"
                    + " has no client.",
            "A --protocol alone answers the clients' beats and sends none."
        })
final class Listen implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(
            paramLabel = "[ADDRESS:]PORT",
            converter = Endpoint.Local.class,
            description = "Where to listen: a port of every address, or of one. Port 0 takes a free one.")
    private Endpoint endpoint;

    @Option(names = "--echo", description = "Send every line back.")
    private boolean echo;

    @Mixin
    private ConnectionArguments arguments;

    @Mixin
    private HeartbeatArguments heartbeatArguments;

    @Mixin
    private ServerArguments serverArguments;

    @Mixin
    private TransportArgument transportArgument;

    @Mixin
    private EventArguments eventArguments;

    private final AtomicBoolean tableShown = new AtomicBoolean();

    @Override
    public Integer call() throws InterruptedException, ExecutionException {
        if (serverArguments.areGiven()) {
            serve();
        } else {
            watch();
        }
        return 0;
    }

    private void serve() throws InterruptedException, ExecutionException {
        Spoken spoken = heartbeatArguments.spoken(arguments, BeatProtocol.none(), true);
        Transport transport = transportArgument.transport(spec);
        EventLog log = eventArguments.log(System.out);
        warnIfUnused(arguments.policy().socketOptions(), log);
        heartbeatArguments.warnIfUnsent(arguments.policy(), log);
        try {
            new Serving(spoken, serverArguments, echo, log).serve(resolve(), transport, eventArguments.limit());
        } catch (UncheckedIOException cannot) {
            throw bad(String.valueOf(reason(cannot).getMessage()));
        }
    }

    /** An option that is not in force says so itself. */
    private static Throwable reason(UncheckedIOException cannot) {
        for (Throwable cause = cannot.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof SocketOptionException) {
                return cause;
            }
        }
        return cannot;
    }

    private static void warnIfUnused(SocketOptions options, EventLog log) {
        if (options.synCount().isPresent() || options.connectTimeout().isPresent()) {
            log.warn("the SYN count and the connect timeout belong to a connect: they do nothing here");
        }
    }

    private void watch() throws InterruptedException {
        LivenessPolicy policy = arguments.policy();
        SocketOptions options = policy.socketOptions();
        Optional<Beats> beats = heartbeatArguments.beats(arguments, policy, true);
        Transport transport = transportArgument.transport(spec);
        InetSocketAddress local = resolve();
        EventLog log = eventArguments.log(System.out);
        heartbeatArguments.warnIfUnsent(policy, log);
        warnIfUnused(options, log);
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        try {
            ChannelFuture bound =
                    options.bind(bootstrap(group, transport, beats, log), local).await();
            if (bound.cause() instanceof SocketOptionException notInForce) {
                throw bad(String.valueOf(notInForce.getMessage()));
            }
            if (!bound.isSuccess()) {
                throw bad(endpoint + ": " + bound.cause().getMessage() + " (expected: a free port of this host)");
            }
            listening(bound.channel(), log);
            Optional<Duration> limit = eventArguments.limit();
            if (limit.isPresent()) {
                bound.channel().closeFuture().await(limit.get().toMillis());
            } else {
                bound.channel().closeFuture().await();
            }
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
        }
    }

    private InetSocketAddress resolve() {
        try {
            return endpoint.resolve();
        } catch (UnknownHostException unknown) {
            throw bad("unknown host '" + endpoint.host() + "' (expected: an address of this host)");
        }
    }

    private ParameterException bad(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    private static void listening(Channel channel, EventLog log) {
        OptionReport report = OptionReport.of(channel).orElseThrow();
        InetSocketAddress local = (InetSocketAddress) channel.localAddress();
        log.print(
                "listening",
                report.rows().isEmpty() ? report.socket() : report.toString(),
                Details.fields("local", local.toString(), "port", local.getPort(), "options", Details.of(report)));
    }

    private ServerBootstrap bootstrap(EventLoopGroup group, Transport transport, Optional<Beats> beats, EventLog log) {
        return new ServerBootstrap()
                .group(group)
                .channel(transport.serverChannelType())
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel child) {
                        InetSocketAddress remote = (InetSocketAddress) child.remoteAddress();
                        String client = remote.getAddress().getHostAddress() + ":" + remote.getPort();
                        PeerHandler handler = new PeerHandler(client, new Client(client, log), beats.isEmpty());
                        Pipelines.add(child.pipeline(), beats, handler);
                        child.pipeline().addLast(new BackPressure(), handler);
                    }
                });
    }

    /** While a client does not take what is sent back to it, no more is read from it. */
    private static final class BackPressure extends ChannelInboundHandlerAdapter {
        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            context.channel().config().setAutoRead(context.channel().isWritable());
            context.fireChannelWritabilityChanged();
        }
    }

    /** One client. On its event loop. */
    @SuppressWarnings("FutureReturnValueIgnored") // the handler judges a failed write
    private final class Client implements PeerHandler.Listener {
        private final String name;
        private final EventLog log;

        Client(String name, EventLog log) {
            this.name = name;
            this.log = log;
        }

        @Override
        public void up(PeerHandler handler, Channel child) {
            OptionReport report = OptionReport.of(child).orElseThrow();
            boolean table = !report.problems().isEmpty() || !tableShown.getAndSet(true);
            print(
                    "up",
                    table ? report.toString() : report.socket(),
                    Details.fields("options", Details.of(report), "warnings", report.warnings()));
        }

        @Override
        public void received(PeerHandler handler, Channel child, String line) {
            print("received", EventLog.printable(line), Details.fields("data", line));
            if (echo) {
                handler.write(child, line);
            }
        }

        @Override
        public void closed(boolean byPeer) {
            print("closed", byPeer ? "by the client" : "by us", Details.fields("by", byPeer ? "peer" : "us"));
        }

        @Override
        public void happened(Happening happening) {
            print(happening.name(), happening.text(), happening.fields());
        }

        @Override
        public void dead(PeerDeath death) {
            print("dead", death.cause() + ": " + death.explain(), Details.of(death));
        }

        private void print(String event, String text, Map<String, ?> details) {
            Map<String, @Nullable Object> fields = Details.fields("client", name);
            fields.putAll(details);
            log.print(event, "[" + name + "] " + text, fields);
        }
    }
}
