package dev.holdfast.examples.lab;

import dev.holdfast.policy.FailureMode;
import dev.holdfast.policy.Middlebox;
import dev.holdfast.policy.Survival;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.wire.CloseReason;
import java.time.Duration;
import java.util.List;

/** The cases this project was started for. */
final class Cases {
    private static final Middlebox NAT = Middlebox.LINUX_CONNTRACK.withIdleTimeout(Network.NAT_FORGETS_AFTER);
    private static final Middlebox PROXY = Middlebox.HAPROXY.withIdleTimeout(Proxy.IDLE);
    private static final String LATE_ANSWER = "answer-after:" + 2 * Network.NAT_FORGETS_AFTER.toMillis();
    private static final Duration UNTIL_ANSWERED =
            Network.NAT_FORGETS_AFTER.multipliedBy(2).plusSeconds(1);
    private static final int ATTEMPTS_INTO_TIME_WAIT = 12;
    /** What the NAT takes to forget a closed flow, and a margin. */
    private static final Duration NAT_FORGETS_CLOSED = Duration.ofMillis(2500);

    private static final Duration DEFERRED = Duration.ofSeconds(3);
    private static final Duration HANDSHAKE_LIMIT = Duration.ofSeconds(1);
    private static final Duration AT_ONCE = Duration.ofMillis(500);
    /** For processes to wake up, and for a limit that was overslept to be looked at again. */
    private static final Duration SLACK = Duration.ofMillis(200);

    private static final Duration KEEPALIVE_BY_DEFAULT =
            Duration.ofSeconds(7200).plus(Duration.ofSeconds(75).multipliedBy(9));

    private Cases() {}

    static List<Scenario> all() {
        return List.of(
                balancerKept(),
                balancerResets(),
                balancerLosesAnswer(),
                proxyKept(),
                proxyCuts(),
                lateProbe("late-probe-130ms", Duration.ofMillis(130)),
                lateProbe("late-probe", Duration.ofSeconds(1)),
                lateProbe("late-probe-10s", Duration.ofSeconds(10)),
                synIntoTimeWait(),
                deferSpeaksFirst(),
                deferFramed(),
                deferSilent("defer-accept-1s", Duration.ofSeconds(1), Duration.ofSeconds(1)),
                deferSilent("defer-accept-2s", Duration.ofSeconds(2), DEFERRED),
                deferSilent("defer-accept-4s", Duration.ofSeconds(4), Duration.ofSeconds(7)),
                deferDeadline(),
                helloUnanswered(),
                deferForgotten(),
                cableIdle(),
                cableInFlight(),
                cableLocal(),
                suspended(),
                keepAliveOnTheWire(),
                keepAliveOfBoth(),
                keepAliveByDefault());
    }

    private static Scenario balancerKept() {
        return Scenario.of(
                        "balancer", "a NAT forgets after 4 s, the answer takes 8 s, something refreshes it", Fault.NONE)
                .at(Site.BEHIND_NAT, "keepalive=2s/1s/3", "heartbeat=1s/1s/2", "keepalive=8s/1s/3 heartbeat=2s/1s/2")
                .peer(LATE_ANSWER, "-")
                .watch(Duration.ofSeconds(2))
                .course(stage -> {
                    stage.predicts(NAT, Survival.Outcome.SURVIVES);
                    stage.connect();
                    stage.request();
                    stage.await("client", "read");
                });
    }

    private static Scenario balancerResets() {
        return Scenario.of("balancer-resets", "the same, keepalive above 4 s: it meets a reset", Fault.RESET)
                .bound(FailureMode.MIDDLEBOX_FORGOT_WITH_RESET)
                .at(Site.BEHIND_NAT, "keepalive=6s/1s/3", "heartbeat=5s/1s/2")
                .peer(LATE_ANSWER, "-")
                .course(stage -> {
                    stage.predicts(NAT, Survival.Outcome.IS_CUT);
                    stage.connect();
                    stage.settle();
                    stage.request();
                });
    }

    private static Scenario balancerLosesAnswer() {
        return Scenario.of(
                        "balancer-loses", "the same without keepalive: the answer is lost, nobody notices", Fault.NONE)
                .at(Site.BEHIND_NAT, "-", "user-timeout=1s")
                .peer(LATE_ANSWER, "-")
                .watch(Duration.ofSeconds(4))
                .course(stage -> {
                    stage.predicts(NAT, Survival.Outcome.IS_CUT);
                    stage.connect();
                    stage.request();
                    stage.pause(UNTIL_ANSWERED);
                    stage.awaitAnswer();
                    stage.check(!stage.hasHappened("client", "read"), "the answer was not lost");
                });
    }

    private static Scenario proxyKept() {
        return Scenario.of("proxy", "haproxy with timeouts of 4 s, heartbeat below", Fault.NONE)
                .with("heartbeat=1s/1s/2", "keepalive=8s/1s/3 heartbeat=2s/1s/2")
                .watch(Duration.ofSeconds(10))
                .needs("haproxy")
                .peer("proxied", "-")
                .course(stage -> {
                    stage.predicts(PROXY, Survival.Outcome.SURVIVES);
                    stage.connectThroughProxy();
                });
    }

    private static Scenario proxyCuts() {
        return Scenario.of(
                        "proxy-cuts", "the same with keepalive, which haproxy does not count: it closes", Fault.CLOSED)
                .within(Moment.LAST_BYTE, Proxy.IDLE.minusMillis(200), Proxy.IDLE.plusSeconds(1))
                .with("-", "keepalive=1s/1s/3", "heartbeat=10s/1s/2")
                .needs("haproxy")
                .peer("proxied", "-")
                .course(stage -> {
                    stage.predicts(PROXY, Survival.Outcome.IS_CUT);
                    stage.connectThroughProxy();
                });
    }

    private static Scenario lateProbe(String name, Duration stop) {
        return Scenario.of(
                        name,
                        "one byte 01 answered by 41, our process stopped for " + stop.toMillis() + " ms",
                        Fault.NONE)
                .with("heartbeat=450ms/200ms/2", "heartbeat=450ms/400ms/1")
                .stops(Scenario.Stop.OURSELVES)
                .watch(Duration.ofSeconds(3))
                .course(stage -> {
                    stage.connect();
                    stage.exchange();
                    stage.stopOurselves(stop);
                    if (stop.compareTo(Duration.ofMillis(450)) > 0) {
                        stage.await("client", "local-stall");
                    }
                    stage.exchange();
                });
    }

    private static Scenario synIntoTimeWait() {
        return Scenario.of(
                        "syn-into-time-wait",
                        "a NAT gives a new client the port of which the server holds TIME_WAIT: a bare ACK answers its SYN",
                        Fault.CONNECT)
                .bound(FailureMode.CONNECT_BLACKHOLED)
                .at(Site.BEHIND_PORT_NAT, "connect-timeout=3s")
                .peer("close", "-")
                .course(stage -> {
                    stage.fixOutsidePort(true);
                    stage.connect();
                    for (int i = 0; i < ATTEMPTS_INTO_TIME_WAIT && stage.isUp(); i++) {
                        stage.write(1); // the server closes first and holds TIME_WAIT
                        stage.awaitAfterConnect("closed");
                        stage.pause(NAT_FORGETS_CLOSED);
                        stage.startConnect(); // every other sequence number is taken for new, and accepted
                        stage.awaitAfterConnect("up", "dead");
                    }
                })
                .after(stage -> {
                    stage.checkExplained("accepts none of them");
                    stage.fixOutsidePort(false);
                    stage.startConnect();
                    stage.awaitAfterConnect("up");
                });
    }

    private static Scenario deferFramed() {
        return Scenario.of(
                        "defer-accept-framed",
                        "the same in the framed protocol, which begins with HELLO: accepted and agreed at once",
                        Fault.NONE)
                .with("heartbeat=1s/1s/2 handshake=2s")
                .peer("hello:2000", "defer-accept=3s")
                .watch(Duration.ofSeconds(5))
                .course(stage -> {
                    stage.connect();
                    stage.await("server", "agreed");
                    stage.await("client", "beat");
                    stage.check(
                            stage.between("client", "up", "client", "agreed").compareTo(AT_ONCE) < 0,
                            "it was not accepted at once");
                });
    }

    private static Scenario deferSpeaksFirst() {
        return Scenario.of(
                        "defer-accept-hello", "TCP_DEFER_ACCEPT, the client speaks first: accepted at once", Fault.NONE)
                .with("-", "heartbeat=1s/1s/2")
                .peer("answer", "defer-accept=3s")
                .watch(Duration.ofSeconds(5))
                .course(stage -> {
                    stage.connect();
                    stage.write(1);
                    stage.await("server", "accepted");
                    stage.exchange();
                    stage.check(
                            stage.between("client", "up", "server", "accepted").compareTo(AT_ONCE) < 0,
                            "it was not accepted at once");
                });
    }

    /** The kernel knows no other times than those at which it would repeat its SYN/ACK: 1, 3, 7 s. */
    private static Scenario deferSilent(String name, Duration asked, Duration kept) {
        return Scenario.of(
                        name,
                        "TCP_DEFER_ACCEPT " + asked.toSeconds() + " s, which is " + kept.toSeconds()
                                + " s in the kernel, and a silent client: connected for itself, and for "
                                + kept.toSeconds() + " s unknown to the server's program",
                        Fault.NONE)
                .with("-", "keepalive=1s/1s/2")
                .peer("answer", "defer-accept=" + asked.toSeconds() + "s")
                .watch(Duration.ofSeconds(2))
                .course(stage -> {
                    stage.connect();
                    stage.checkTold("server", "listening", "deferAccept", Long.toString(kept.toSeconds()));
                    stage.await("server", "accepted");
                    Duration until = stage.between("client", "up", "server", "accepted");
                    stage.check(
                            until.compareTo(kept.minus(Limit.EARLY)) >= 0
                                    && until.compareTo(roundedUp(kept).plus(SLACK)) <= 0,
                            "it was accepted after " + until);
                });
    }

    /** The kernel's timers round up, by at most an eighth. */
    private static Duration roundedUp(Duration timers) {
        return timers.multipliedBy(9).dividedBy(8);
    }

    /** The silent client is accepted at 3 s, and has the handshake limit from then on. */
    private static Scenario deferDeadline() {
        return Scenario.of(
                        "defer-accept-deadline",
                        "the same with 3 s and a server that waits 1 s for a HELLO: it names HANDSHAKE_DEADLINE, tells the"
                                + " client why in its CLOSE, and closes",
                        Fault.CLOSED)
                .within(
                        Moment.CONNECT,
                        DEFERRED.plus(HANDSHAKE_LIMIT),
                        roundedUp(DEFERRED).plus(HANDSHAKE_LIMIT).plus(SLACK))
                .with("handshake=none")
                .peer("hello:" + HANDSHAKE_LIMIT.toMillis(), "defer-accept=" + DEFERRED.toSeconds() + "s")
                .course(stage -> {
                    stage.connect();
                    stage.checkTold("server", "peer-dead", "cause", DeathCause.HANDSHAKE_DEADLINE.name());
                    stage.checkTold("client", "close-received", "reason", CloseReason.HANDSHAKE_TIMEOUT.name());
                });
    }

    private static Scenario helloUnanswered() {
        return Scenario.of(
                        "hello-unanswered",
                        "the server accepts, reads and says nothing: our own handshake limit decides",
                        Fault.HANDSHAKE)
                .within(Moment.CONNECT, HANDSHAKE_LIMIT, HANDSHAKE_LIMIT.plus(SLACK))
                .with("heartbeat=5s/1s/2 handshake=" + HANDSHAKE_LIMIT.toSeconds() + "s")
                .peer("silent", "-")
                .course(Stage::connect);
    }

    /** The server asks once more at 3 s; where that is lost, it forgets the client at 7 s (tcp_synack_retries = 1). */
    private static Scenario deferForgotten() {
        return Scenario.of(
                        "defer-accept-forgotten",
                        "TCP_DEFER_ACCEPT, the server has forgotten the silent client: its first data meets a reset",
                        Fault.RESET)
                .within(Moment.WRITE, Duration.ZERO, Duration.ofMillis(500))
                .with("-", "user-timeout=5s")
                .peer("answer", "defer-accept=3s")
                .course(stage -> {
                    stage.connect();
                    stage.cut(Cut.BACK);
                    stage.pause(Duration.ofSeconds(9));
                    stage.heal(Cut.BACK);
                    stage.write(1);
                });
    }

    private static Scenario cableIdle() {
        return Scenario.of("cable-idle", "cut cable, idle: keepalive decides", Fault.PATH_GONE)
                .bound(FailureMode.IDLE_PEER_VANISHED)
                .with("keepalive=3s/1s/3", "keepalive=3s/1s/3 user-timeout=5500ms", "user-timeout=2s")
                .course(stage -> {
                    stage.connect();
                    stage.exchange();
                    stage.cut(Cut.BOTH);
                });
    }

    private static Scenario cableInFlight() {
        return Scenario.of(
                        "cable-in-flight",
                        "cut cable, data in flight: retransmission and user timeout",
                        Fault.PATH_GONE)
                .bound(FailureMode.UNACKED_PEER_VANISHED)
                .with("keepalive=1s/1s/2 user-timeout=4s")
                .at(Site.FEW_RETRIES, "-")
                .course(stage -> {
                    stage.connect();
                    stage.exchange();
                    stage.cut(Cut.BOTH);
                    stage.write(1000);
                });
    }

    private static Scenario cableLocal() {
        return Scenario.of(
                        "cable-no-way-out",
                        "data cannot leave our host: the persist timer, which the user timeout covers too (Linux 5.1)",
                        Fault.LOCAL_DROP)
                .bound(FailureMode.LOCAL_FILTER_DROP)
                .with("user-timeout=3s")
                .at(Site.FEW_RETRIES, "-")
                .course(stage -> {
                    stage.connect();
                    stage.exchange();
                    stage.cut(Cut.OUR_FILTER);
                    stage.write(1000);
                });
    }

    private static Scenario suspended() {
        return Scenario.of("peer-suspended", "the peer's machine sleeps for 3 s and wakes: nobody dies", Fault.NONE)
                .with("keepalive=1s/1s/9", "user-timeout=10s", "heartbeat=1s/1s/5")
                .watch(Duration.ofSeconds(5))
                .course(stage -> {
                    stage.connect();
                    stage.settle();
                    stage.cut(Cut.BOTH);
                    stage.pause(Duration.ofSeconds(3));
                    stage.heal(Cut.BOTH);
                    stage.exchange();
                });
    }

    private static Scenario keepAliveOnTheWire() {
        return Scenario.of(
                        "keepalive-wire",
                        "keepalive probes: sequence one below the next, no payload, answered by a bare ACK",
                        Fault.NONE)
                .with("keepalive=1s/1s/3")
                .needs("tcpdump")
                .watch(Duration.ofMillis(3600))
                .course(Stage::connect)
                .wire(KeepAliveProbes::areWellFormed);
    }

    private static Scenario keepAliveOfBoth() {
        return Scenario.of(
                        "keepalive-both",
                        "both sides probe: the peer's probes do not put ours off (measured on 6.18), each keeps its own"
                                + " time; what counts is the answer to one's own",
                        Fault.NONE)
                .with("keepalive=2s/1s/3")
                .peer("answer", "keepalive=1s/1s/3")
                .needs("tcpdump")
                .watch(Duration.ofMillis(7500))
                .course(Stage::connect)
                .wire(KeepAliveProbes::comeFromBoth);
    }

    private static Scenario keepAliveByDefault() {
        return Scenario.of(
                        "keepalive-defaults",
                        "keepalive that is merely on takes 7200 s + 9 * 75 s, by the formula and by getsockopt of a socket on"
                                + " which nobody has set its times; nobody waits for it",
                        Fault.NONE)
                .bound(FailureMode.IDLE_PEER_VANISHED)
                .with("keepalive=on")
                .unwaited()
                .watch(Duration.ofSeconds(1))
                .course(stage -> {
                    stage.connect();
                    Duration fresh = stage.keepAliveOfFreshSocket();
                    Duration computed = stage.nominal(FailureMode.IDLE_PEER_VANISHED);
                    stage.check(
                            fresh.equals(KEEPALIVE_BY_DEFAULT) && computed.equals(KEEPALIVE_BY_DEFAULT),
                            "a fresh socket has " + fresh + ", computed is " + computed);
                });
    }
}
