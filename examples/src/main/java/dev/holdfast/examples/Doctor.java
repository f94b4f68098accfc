package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatMode;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.Transport;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code holdfast doctor}: looks at a peer and the path to it, and says what to do. */
@Command(
        name = "doctor",
        description = {
            "Resolves the name, connects to every address, and prints what became of the options, which of the kernel's"
                    + " settings matter, when a lost peer would be noticed, the round-trip time, whether the peer answers a"
                    + " heartbeat, and warnings, each with a next step.",
            "Ends with 0 if the peer is healthy, whatever the warnings, and with 3 if it cannot be had, does not answer its"
                    + " heartbeat or ends the connection. Connects without --connect-timeout wait 10 s.",
            "With --find-idle-cut it takes about the silence that is cut, times the rounds of the search, and as long again;"
                    + " progress goes to standard error, and Ctrl-C ends it with what is known by then."
        })
final class Doctor implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "HOST:PORT", converter = Endpoint.Remote.class, description = "Whom to look at.")
    private Endpoint endpoint;

    @Mixin
    private ConnectionArguments arguments;

    @Mixin
    private HeartbeatArguments heartbeatArguments;

    @Mixin
    private TransportArgument transportArgument;

    @Mixin
    private IdleCutArguments idleCutArguments;

    @Option(
            names = "--format",
            paramLabel = "text|json",
            defaultValue = "text",
            description = "For people, or one JSON object: the fields of explain, and what was found. Default: text.")
    private Explain.Format format = Explain.Format.text;

    @Override
    public Integer call() throws InterruptedException {
        LivenessPolicy policy = arguments.policy();
        Optional<Beats> beats = heartbeatArguments.beats(arguments, policy, false);
        if (beats.filter(each -> each.options().mode() == HeartbeatMode.WATCH_ONLY)
                .isPresent()) {
            throw bad("--heartbeat-mode: watch-only (expected: always or when-quiet; the doctor asks the peer)");
        }
        Optional<IdleCutSearch> search = idleCutArguments.search();
        Transport transport = transportArgument.transport(spec);
        List<InetSocketAddress> addresses = resolve();
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        try {
            Diagnosis diagnosis = diagnose(group, transport, policy, beats, addresses, search);
            PrintWriter out = spec.commandLine().getOut();
            out.println(format == Explain.Format.json ? diagnosis.json() : diagnosis.text());
            out.flush();
            return diagnosis.isHealthy() ? 0 : Holdfast.DEAD_PEER;
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
        }
    }

    private List<InetSocketAddress> resolve() {
        try {
            return Stream.of(InetAddress.getAllByName(endpoint.host()))
                    .map(address -> new InetSocketAddress(address, endpoint.port()))
                    .toList();
        } catch (UnknownHostException unknown) {
            throw bad("HOST:PORT: unknown host '" + endpoint.host() + "' (expected: a name or address that resolves)");
        }
    }

    private Diagnosis diagnose(
            EventLoopGroup group,
            Transport transport,
            LivenessPolicy policy,
            Optional<Beats> beats,
            List<InetSocketAddress> addresses,
            Optional<IdleCutSearch> search)
            throws InterruptedException {
        Checkup checkup = new Checkup(group, transport, policy.socketOptions(), beats);
        checkup.warmUp();
        List<Checkup.Attempt> attempts = checkup.connect(addresses);
        Optional<InetSocketAddress> reached = attempts.stream()
                .filter(each -> each.failure().isEmpty())
                .map(Checkup.Attempt::address)
                .findFirst();
        Optional<Checkup.Vitals> vitals = reached.isPresent()
                ? Optional.of(checkup.examine(endpoint.toString(), reached.get()))
                : Optional.empty();
        Optional<IdleCutFinder.Finding> finding = Optional.empty();
        if (search.isPresent() && vitals.filter(seen -> seen.end().isEmpty()).isPresent()) {
            IdleCutFinder finder = new IdleCutFinder(
                    group, transport, policy.socketOptions(), beats, reached.orElseThrow(), this::progress);
            finding = Optional.of(find(finder, search.get()));
        }
        return new Diagnosis(
                endpoint, policy, policy.bounds(KernelSettings.current(), transport), attempts, vitals, beats, finding);
    }

    private IdleCutFinder.Finding find(IdleCutFinder finder, IdleCutSearch search) throws InterruptedException {
        Thread atEnd = new Thread(
                () -> progress("interrupted; so far: " + IdleCutFinder.text(finder.known())), "doctor-interrupted");
        Runtime.getRuntime().addShutdownHook(atEnd);
        try {
            return finder.find(search);
        } finally {
            forget(atEnd);
        }
    }

    private static void forget(Thread atEnd) {
        try {
            Runtime.getRuntime().removeShutdownHook(atEnd);
        } catch (IllegalStateException ending) {
            // the JVM is going down, and it runs
        }
    }

    private synchronized void progress(String line) {
        PrintWriter err = spec.commandLine().getErr();
        err.println(line);
        err.flush();
    }

    private ParameterException bad(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
