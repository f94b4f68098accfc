package dev.holdfast.examples.lab;

import dev.holdfast.policy.FailureMode;
import java.time.Duration;
import java.util.List;

/** What happens on the path, at the peer and at home, beyond the kernel's own rules. */
final class PathFaults {
    /** More than the kernel's send buffer takes. */
    private static final int TOO_MUCH = 4 << 20;

    private static final int MORE_THAN_ITS_BUFFER = 1 << 18;
    /** Two seconds on the narrow link. */
    private static final int LARGE_FRAME = 1_000_000;

    private static final Duration AT_ONCE = Duration.ofMillis(500);

    private PathFaults() {}

    static List<Scenario> all() {
        return List.of(
                oneWay("idle-away", Cut.AWAY),
                oneWay("idle-back", Cut.BACK),
                oneWayInFlight("in-flight-away", Cut.AWAY),
                oneWayInFlight("in-flight-back", Cut.BACK),
                fullBuffer(),
                fullBufferBeats(),
                flap(),
                reset(),
                unreachable(),
                unreachableProbe(),
                unreachableConnect(),
                localKill(),
                narrowLink(),
                relay(),
                slowReader());
    }

    private static Scenario oneWay(String name, Cut cut) {
        return Scenario.of(name, "idle, the path drops one direction: " + cut, Fault.PATH_GONE)
                .bound(FailureMode.IDLE_PEER_VANISHED)
                .with("keepalive=2s/1s/2", "heartbeat=1s/500ms/2")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(cut);
                });
    }

    private static Scenario oneWayInFlight(String name, Cut cut) {
        return Scenario.of(name, "data in flight, the path drops one direction: " + cut, Fault.PATH_GONE)
                .bound(FailureMode.UNACKED_PEER_VANISHED)
                .with("user-timeout=2s", KernelRows.DATA_BEATS)
                .at(Site.FEW_RETRIES, "-")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(cut);
                    stage.write(100);
                });
    }

    private static Scenario fullBuffer() {
        return Scenario.of("full-buffer", "more to send than fits, the path drops both", Fault.PATH_GONE_BEHIND_BACKLOG)
                .bound(FailureMode.UNACKED_PEER_VANISHED)
                .with("user-timeout=2s")
                .at(Site.FEW_RETRIES, "-")
                .course(PathFaults::fillAgainstNobody);
    }

    private static Scenario fullBufferBeats() {
        return Scenario.of("full-buffer-beats", "the same under a heartbeat", Fault.PATH_GONE_BEHIND_BACKLOG)
                .bound(FailureMode.UNACKED_PEER_VANISHED)
                .with(KernelRows.DATA_BEATS, KernelRows.DATA_BEATS + " user-timeout=20s")
                .course(PathFaults::fillAgainstNobody);
    }

    private static void fillAgainstNobody(Stage stage) throws Exception {
        stage.connect();
        stage.settle();
        stage.cut(Cut.BOTH);
        stage.write(TOO_MUCH);
    }

    private static Scenario flap() {
        return Scenario.of("flap", "the path drops for 1 s, with data in flight, and heals: nobody dies", Fault.NONE)
                .with("keepalive=2s/1s/3", "user-timeout=5s", "heartbeat=1s/1s/3", "heartbeat=1s/1s/3 user-timeout=5s")
                .watch(Duration.ofSeconds(8))
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(Cut.BOTH);
                    stage.write(100);
                    stage.pause(Duration.ofSeconds(1));
                    stage.heal(Cut.BOTH);
                    stage.exchange();
                });
    }

    private static Scenario reset() {
        return Scenario.of("reset", "a box answers data with a reset", Fault.RESET)
                .within(Moment.WRITE, Duration.ZERO, AT_ONCE)
                .with("-", "user-timeout=5s", "heartbeat=5s/1s/2")
                .course(stage -> {
                    stage.connect();
                    stage.cut(Cut.RESET);
                    stage.write(100);
                });
    }

    private static Scenario unreachable() {
        return Scenario.of("unreachable", "a router answers data with ICMP host unreachable", Fault.UNREACHABLE)
                .bound(FailureMode.UNACKED_PEER_VANISHED)
                .with("user-timeout=2s")
                .at(Site.FEW_RETRIES, "-")
                .course(stage -> {
                    stage.connect();
                    stage.cut(Cut.UNREACHABLE);
                    stage.write(100);
                });
    }

    private static Scenario unreachableProbe() {
        return Scenario.of("unreachable-probe", "the same about keepalive probes, which ignore it", Fault.PATH_GONE)
                .bound(FailureMode.IDLE_PEER_VANISHED)
                .with("keepalive=2s/1s/2")
                .course(stage -> {
                    stage.connect();
                    stage.cut(Cut.UNREACHABLE);
                });
    }

    private static Scenario unreachableConnect() {
        return Scenario.of("unreachable-connect", "the same about the connect", Fault.UNREACHABLE)
                .within(Moment.CONNECT, Duration.ZERO, AT_ONCE)
                .with("-", "connect-timeout=3s")
                .course(stage -> {
                    stage.cut(Cut.UNREACHABLE);
                    stage.startConnect();
                });
    }

    private static Scenario localKill() {
        return Scenario.of("local-kill", "our own administrator ends the socket (ss -K)", Fault.LOCAL_KILL)
                .within(Moment.FAULT, Duration.ZERO, AT_ONCE)
                .with("-", "heartbeat=5s/1s/2")
                .course(stage -> {
                    stage.connect();
                    stage.kill(false);
                });
    }

    private static Scenario narrowLink() {
        return Scenario.of("narrow-link", "a large frame ahead of the beats on " + Network.NARROW, Fault.NONE)
                .with("user-timeout=1s", "heartbeat=400ms/300ms/2", "heartbeat=400ms/300ms/2 user-timeout=1s")
                .watch(Duration.ofSeconds(6))
                .course(stage -> {
                    stage.narrow();
                    stage.connect();
                    stage.settle();
                    stage.write(LARGE_FRAME);
                    stage.exchange();
                });
    }

    private static Scenario relay() {
        return Scenario.of("relay", "a relay lives while its backend is dead", Fault.HUNG)
                .bound(FailureMode.PEER_PROGRAM_HUNG)
                .peer("relay", "-")
                .with("-", "keepalive=1s/1s/1 user-timeout=1s", "heartbeat=1s/500ms/2")
                .course(stage -> {
                    stage.listenBehind("unreading"); // it answers once
                    stage.connect();
                    stage.settle();
                });
    }

    private static Scenario slowReader() {
        return Scenario.of("slow-reader", "the peer reads nothing for 3 s and goes on: nobody dies", Fault.NONE)
                .with("-", "heartbeat=1s/500ms/2", "heartbeat=1s/500ms/2 user-timeout=1s")
                .peer("pausing:3000", "receive-buffer=4096")
                .watch(Duration.ofSeconds(5))
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.write(MORE_THAN_ITS_BUFFER);
                    stage.pause(Duration.ofSeconds(4));
                    stage.exchange();
                });
    }
}
