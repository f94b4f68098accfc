package dev.holdfast.examples.lab;

import com.google.gson.JsonElement;
import dev.holdfast.policy.FailureMode;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A scenario under one set of options by one transport.
 *
 * @param scenario the scenario
 * @param variant the options, and where
 * @param transport by which
 */
record Trial(Scenario scenario, Scenario.Variant variant, Transport transport) {
    static final String SURVIVES = "SURVIVES";
    static final String GONE = "GONE";
    static final String CLOSED = "CLOSED";

    /** How much later than the worst case an end is still waited for, to say how late it was. */
    private static final Duration LATE = Duration.ofSeconds(4);

    private static final long JUST_BEFORE = 500_000_000;
    private static final Set<String> ENDS = Set.of("dead", "closed", "gone");

    /**
     * What happened in a trial.
     *
     * @param port the server's
     * @param happenings what was done and told
     * @param packets what went through the router, if somebody wanted to know
     */
    record Played(int port, List<Stage.Happening> happenings, List<Packets.Packet> packets) {
        Played {
            happenings = List.copyOf(happenings);
            packets = List.copyOf(packets);
        }

        static Played of(Stage stage) {
            return new Played(stage.port(), stage.happenings(), List.of());
        }
    }

    /**
     * What came of a trial.
     *
     * @param trial the trial
     * @param limit when it had to end; empty is never
     * @param expected the cause to be named, or what else to become of the connection
     * @param named the cause named
     * @param measured the time from the limit's moment, or for how long a survivor was watched
     * @param stalled of it, how long our own event loop did not run
     * @param problem what is wrong; empty if nothing is
     * @param played what happened; empty if it was left out
     */
    record Result(
            Trial trial,
            Optional<Limit> limit,
            String expected,
            String named,
            Optional<Duration> measured,
            Duration stalled,
            String problem,
            Optional<Played> played) {
        Result with(List<Packets.Packet> seen) {
            Optional<Played> complete = played.map(each -> new Played(each.port(), each.happenings(), seen));
            return new Result(trial, limit, expected, named, measured, stalled, problem, complete);
        }

        Result alsoWrong(String more) {
            String all = problem.isEmpty() ? more : problem + "; " + more;
            return new Result(trial, limit, expected, named, measured, stalled, all, played);
        }

        @Override
        public String toString() {
            return trial.name();
        }

        boolean isLeftOut() {
            return played.isEmpty();
        }

        boolean holds() {
            return problem.isEmpty() || isLeftOut();
        }
    }

    String name() {
        return scenario.name() + " [" + variant.options() + " " + variant.site().text() + " " + transport + "]";
    }

    LivenessPolicy policy() {
        return PolicyText.parse(variant.options());
    }

    /** A program that it needs and that is not installed. */
    Optional<String> lackingProgram() {
        return scenario.needs().filter(program -> !Command.isInstalled(program));
    }

    /** Why it makes no sense; empty if it does. */
    String leftOut() {
        Optional<String> lacking = lackingProgram();
        if (lacking.isPresent()) {
            return lacking.get() + " is not installed";
        }
        if (transport.supports(TcpOption.TCP_USER_TIMEOUT)) {
            return "";
        }
        if (!scenario.onlyEpoll().isEmpty()) {
            return scenario.onlyEpoll();
        }
        SocketOptions asked = policy().socketOptions();
        Set<TcpOption> unset = EnumSet.noneOf(TcpOption.class);
        unset.addAll(asked.asked().keySet());
        unset.removeAll(asked.supportedBy(transport).asked().keySet());
        return unset.isEmpty()
                ? ""
                : unset.stream().map(TcpOption::name).collect(Collectors.joining(", ")) + " cannot be set on "
                        + transport;
    }

    Result leaveOut(String reason) {
        return new Result(this, Optional.empty(), "", "", Optional.empty(), Duration.ZERO, reason, Optional.empty());
    }

    /** The limit in this kernel; empty is never. */
    Optional<Limit> limit(KernelSettings kernel) {
        if (scenario.limit().isPresent()) {
            return scenario.limit();
        }
        return scenario.mode()
                .map(mode -> policy().bounds(kernel, transport).bound(mode))
                .filter(bound -> bound.worstCase().isPresent())
                .map(Limit::of);
    }

    private String expected(Optional<Limit> limit) {
        if (limit.isEmpty() || scenario.unwaited()) {
            return SURVIVES;
        }
        if (scenario.mode().equals(Optional.of(FailureMode.CLOSED_PEER_VANISHED))) {
            return GONE;
        }
        if (scenario.fault() == Fault.CLOSED) {
            return CLOSED;
        }
        boolean onEpoll = transport.supports(TcpOption.TCP_USER_TIMEOUT);
        return scenario.fault().cause(limit.get().byHeartbeat(), onEpoll).name();
    }

    /**
     * Plays it to the end. Blocks.
     *
     * @param watch how long a survivor is watched
     */
    Result play(Stage stage, KernelSettings kernel, Duration watch) throws InterruptedException {
        Optional<Limit> limit = limit(kernel);
        String expected = expected(limit);
        try {
            if (!scenario.manner().equals("proxied")) {
                stage.listen(scenario.manner(), scenario.peerOptions());
            }
            scenario.course().play(stage);
            long connecting = last(stage.happenings(), "client", "connecting", 0);
            Duration patience = limit.filter(each -> !scenario.unwaited())
                    .map(each -> each.worst().plus(LATE))
                    .orElse(watch);
            Optional<Stage.Happening> end = stage.find(each -> isEnd(each) && each.nanos() >= connecting, patience);
            String named = end.map(Trial::nameOf).orElse(SURVIVES);
            if (end.isEmpty() || limit.isEmpty()) {
                scenario.after().play(stage);
                return result(limit, expected, named, Optional.of(patience), Duration.ZERO, stage);
            }
            long start = moment(stage, limit.get().from(), end.get());
            Duration measured = Duration.ofNanos(end.get().nanos() - start);
            scenario.after().play(stage);
            return result(limit, expected, named, Optional.of(measured), stalled(end.get(), start), stage);
        } catch (InterruptedException interrupted) {
            throw interrupted;
        } catch (Exception failed) {
            String named = stage.happenings().stream()
                    .filter(Trial::isEnd)
                    .findFirst()
                    .map(Trial::nameOf)
                    .orElse("");
            stage.askForSamples();
            stage.askForStalls();
            return new Result(
                    this,
                    limit,
                    expected,
                    named,
                    Optional.empty(),
                    Duration.ZERO,
                    failed.toString(),
                    Optional.of(Played.of(stage)));
        }
    }

    private Result result(
            Optional<Limit> limit,
            String expected,
            String named,
            Optional<Duration> measured,
            Duration stalled,
            Stage stage)
            throws InterruptedException {
        String problem = "";
        if (!named.equals(expected)) {
            problem = "expected " + expected + ", named " + named;
        } else if (limit.isPresent()
                && !scenario.unwaited()
                && !limit.get().holds(measured.orElse(Duration.ZERO), stalled)) {
            problem = "not within the bound";
        }
        if (!problem.isEmpty()) {
            stage.askForStalls();
        }
        return new Result(this, limit, expected, named, measured, stalled, problem, Optional.of(Played.of(stage)));
    }

    /** How long our own event loop did not run meanwhile, or just before, when it may have taken the moment's time late. */
    private static Duration stalled(Stage.Happening end, long start) {
        if (!end.details().has("stalls")) {
            return Duration.ZERO;
        }
        long sum = 0;
        for (JsonElement each : end.details().getAsJsonArray("stalls")) {
            long from = each.getAsJsonArray().get(0).getAsLong();
            long to = each.getAsJsonArray().get(1).getAsLong();
            sum += to > start ? to - Math.max(from, start - JUST_BEFORE) : 0;
        }
        return Duration.ofNanos(sum);
    }

    private static boolean isEnd(Stage.Happening happening) {
        return happening.who().equals("client") && ENDS.contains(happening.event());
    }

    private static String nameOf(Stage.Happening end) {
        return switch (end.event()) {
            case "dead" -> Wire.text(end.details(), "cause");
            case "gone" -> GONE;
            default -> CLOSED;
        };
    }

    /** When the moment was, in this trial that ended so. */
    static long moment(Stage stage, Moment moment, Stage.Happening end) {
        List<Stage.Happening> happenings = stage.happenings();
        long start = happenings.get(0).nanos();
        return switch (moment) {
            case CONNECT -> last(happenings, "client", "connecting", start);
            case LAST_BYTE -> Wire.number(end.details(), "lastReadNanos");
            case LAST_SEGMENT, LAST_PROBE -> {
                long lastAckMillis = Wire.number(end.details(), "lastAckMillis");
                yield lastAckMillis < 0
                        ? Wire.number(end.details(), "lastReadNanos")
                        : end.nanos() - lastAckMillis * 1_000_000;
            }
            case WRITE -> firstWrite(happenings, start);
            case WINDOW_CLOSED -> last(happenings, "client", "window-closed", start);
            case CLOSE -> last(happenings, "client", "close", start);
            case FAULT -> fault(happenings, start);
        };
    }

    private static long last(List<Stage.Happening> happenings, String who, String event, long otherwise) {
        return happenings.stream()
                .filter(each -> each.who().equals(who) && each.event().equals(event))
                .mapToLong(Stage.Happening::nanos)
                .max()
                .orElse(otherwise);
    }

    private static long fault(List<Stage.Happening> happenings, long otherwise) {
        return happenings.stream()
                .filter(each -> each.who().equals("lab"))
                .mapToLong(Stage.Happening::nanos)
                .max()
                .orElse(otherwise);
    }

    private static long firstWrite(List<Stage.Happening> happenings, long start) {
        long fault = fault(happenings, start);
        return happenings.stream()
                .filter(each -> each.event().equals("write") && each.nanos() >= fault)
                .mapToLong(Stage.Happening::nanos)
                .min()
                .orElseGet(() -> last(happenings, "client", "write", start));
    }
}
