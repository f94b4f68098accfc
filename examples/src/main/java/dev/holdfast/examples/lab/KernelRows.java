package dev.holdfast.examples.lab;

import dev.holdfast.policy.FailureMode;
import java.time.Duration;
import java.util.List;

/** What the kernel does on its own: each of its rules under several sets of options, and a heartbeat beside them. */
final class KernelRows {
    /** More than the unreading peer's buffer takes. */
    private static final int TOO_MUCH = 1 << 20;

    private static final String SMALL_BUFFER = "receive-buffer=4096";

    /** With data waiting, NIO cannot tell a full buffer from a little in flight: its bound counts the write stall. */
    static final String DATA_BEATS = "heartbeat=1s/500ms/2 write-stall=2s";

    private KernelRows() {}

    static List<Scenario> all() {
        return List.of(
                idle(),
                inFlight(),
                zeroWindow(),
                zeroWindowThenVanished(),
                localFilter(),
                localQueue(),
                idleLocalQueue(),
                connect(),
                orphan(),
                stopped(),
                rebooted(),
                forgottenWithReset());
    }

    private static Scenario idle() {
        return Scenario.of("idle", "nothing in flight, the path drops both directions", Fault.PATH_GONE)
                .bound(FailureMode.IDLE_PEER_VANISHED)
                .with("-", "user-timeout=1s")
                .with("keepalive=2s/1s/1", "keepalive=2s/1s/3", "keepalive=3s/2s/2")
                .with("keepalive=2s/1s/3 user-timeout=4500ms", "keepalive=1s/3s/9 user-timeout=2s")
                .with("heartbeat=1s/500ms/2", "heartbeat=1s/60s/2 user-timeout=3s")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(Cut.BOTH);
                });
    }

    private static Scenario inFlight() {
        return Scenario.of("in-flight", "data in flight, the path drops both directions", Fault.PATH_GONE)
                .bound(FailureMode.UNACKED_PEER_VANISHED)
                .with("user-timeout=1s", "user-timeout=5s", "keepalive=3s/1s/1 user-timeout=5s")
                .with(DATA_BEATS, DATA_BEATS + " user-timeout=20s")
                .at(Site.FEW_RETRIES, "-", "keepalive=3s/1s/1", "rto-max=1s")
                .at(Site.SHORT_RTO, "-")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(Cut.BOTH);
                    stage.write(100);
                });
    }

    private static Scenario zeroWindow() {
        return Scenario.of("zero-window", "the peer reads nothing, its kernel answers", Fault.NOT_READING)
                .bound(FailureMode.ZERO_WINDOW_PEER_ALIVE)
                .peer("unreading", SMALL_BUFFER)
                .with("-", "keepalive=3s/1s/1", "user-timeout=1s", "user-timeout=4s")
                .with(
                        "heartbeat=1s/500ms/2 slow-reader=3s write-stall=3s",
                        "heartbeat=1s/500ms/2 slow-reader=3s user-timeout=1s")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.write(TOO_MUCH);
                    stage.awaitClosedWindow();
                });
    }

    private static Scenario zeroWindowThenVanished() {
        return Scenario.of("zero-window-vanished", "the window is closed, then the path drops", Fault.PATH_GONE)
                .bound(FailureMode.ZERO_WINDOW_PEER_VANISHED)
                .peer("unreading", SMALL_BUFFER)
                .onlyEpoll("NIO cannot see when the window closed and the last probe was answered")
                .with("user-timeout=4s", "heartbeat=1s/500ms/2 slow-reader=20s user-timeout=2s")
                .at(Site.FEW_RETRIES, "-", "keepalive=3s/1s/1")
                .at(Site.SHORT_RTO, "-")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.write(TOO_MUCH);
                    stage.awaitClosedWindow();
                    stage.pause(Duration.ofSeconds(1));
                    stage.cut(Cut.BOTH);
                });
    }

    private static Scenario localFilter() {
        return Scenario.of("local-filter", "our own packet filter drops new data", Fault.LOCAL_DROP)
                .bound(FailureMode.LOCAL_FILTER_DROP)
                .with("user-timeout=1s", "user-timeout=5s", DATA_BEATS)
                .at(Site.FEW_RETRIES, "-", "keepalive=3s/1s/1")
                .at(Site.SHORT_RTO, "-")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(Cut.OUR_FILTER);
                    stage.write(100);
                });
    }

    private static Scenario localQueue() {
        return Scenario.of("local-queue", "our own queue drops new data", Fault.LOCAL_DROP)
                .bound(FailureMode.LOCAL_QUEUE_DROP)
                .with("-", "user-timeout=2s", "user-timeout=20s", DATA_BEATS)
                .at(Site.FEW_RETRIES, "-")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(Cut.OUR_QUEUE);
                    stage.write(100);
                });
    }

    private static Scenario idleLocalQueue() {
        return Scenario.of("local-queue-idle", "idle, our own queue drops keepalive probes", Fault.LOCAL_DROP)
                .bound(FailureMode.IDLE_LOCAL_QUEUE_DROP)
                .with("keepalive=1s/1s/2", "keepalive=1s/1s/2 user-timeout=2s", "heartbeat=1s/500ms/2")
                .watch(Duration.ofSeconds(12)) // three times what keepalive would take if its probes got out
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(Cut.OUR_QUEUE);
                });
    }

    private static Scenario connect() {
        return Scenario.of("connect", "nothing answers the connect", Fault.CONNECT)
                .bound(FailureMode.CONNECT_BLACKHOLED)
                .with(
                        "syn-count=1",
                        "syn-count=2",
                        "user-timeout=500ms",
                        "user-timeout=2500ms",
                        "connect-timeout=1500ms")
                .at(Site.FEW_RETRIES, "-")
                .at(Site.SHORT_RTO, "-")
                .course(stage -> {
                    stage.cut(Cut.BOTH);
                    stage.startConnect();
                })
                .after(stage -> stage.checkExplained("nothing came back"));
    }

    private static Scenario orphan() {
        return Scenario.of("orphan", "closed by us, and the peer is gone: until the kernel forgets", Fault.PATH_GONE)
                .bound(FailureMode.CLOSED_PEER_VANISHED)
                .with("user-timeout=3s")
                .at(Site.FEW_RETRIES, "-")
                .at(Site.SHORT_RTO, "-")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(Cut.BOTH);
                    stage.close();
                });
    }

    private static Scenario stopped() {
        return Scenario.of("peer-stopped", "the peer's process is stopped, its kernel answers", Fault.HUNG)
                .bound(FailureMode.PEER_PROGRAM_HUNG)
                .stops(Scenario.Stop.PEER)
                .with("-", "keepalive=3s/1s/1", "keepalive=1s/1s/1 user-timeout=1s", "heartbeat=500ms/500ms/2")
                .watch(Duration.ofSeconds(7))
                .course(stage -> {
                    stage.connect();
                    stage.exchange();
                    stage.stopPeer();
                });
    }

    private static Scenario rebooted() {
        return Scenario.of("peer-rebooted", "the peer's kernel has forgotten the connection", Fault.RESET)
                .bound(FailureMode.PEER_REBOOTED)
                .with("-", "user-timeout=1s", "keepalive=2s/1s/3", "heartbeat=1s/500ms/2")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(Cut.BOTH);
                    stage.kill(true);
                    stage.heal(Cut.BOTH);
                });
    }

    private static Scenario forgottenWithReset() {
        return Scenario.of("box-resets", "a box on the path answers the next segment with a reset", Fault.RESET)
                .bound(FailureMode.MIDDLEBOX_FORGOT_WITH_RESET)
                .with("-", "keepalive=1s/1s/3", "keepalive=3s/1s/1", "heartbeat=1s/500ms/2")
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(Cut.RESET);
                });
    }
}
