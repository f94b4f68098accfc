package dev.holdfast.examples;

import dev.holdfast.ConnectionEvent;
import dev.holdfast.ReconnectOptions;
import dev.holdfast.ResilientClient;
import dev.holdfast.ResilientServer;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.policy.Middlebox;
import dev.holdfast.policy.Survival;
import dev.holdfast.socket.SocketOptions;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * Behind a balancer that cuts what is idle for 60 s, and gives a backend that is taken out of service five minutes: the beats come
 * more often than the one, and no connection grows older than the other.
 */
public final class BehindBalancer {
    /** Keepalive packets do not reach through a balancer that terminates TCP: only bytes of the application count. */
    private static final Middlebox BALANCER = Middlebox.AWS_ALB.withIdleTimeout(Duration.ofSeconds(60));

    /** How long the balancer lets the connections of a backend live that it takes out of service. */
    private static final Duration BALANCERS_DRAIN = Duration.ofMinutes(5);

    private static final SocketOptions SOCKET = SocketOptions.builder()
            .keepAlive(Duration.ofSeconds(20), Duration.ofSeconds(5), 3)
            .build();

    private BehindBalancer() {}

    /** Looks before it leaps, and then shows one connection that is replaced at its age. */
    public static void main(String[] arguments) throws InterruptedException {
        LivenessPolicy without = LivenessPolicy.of(SOCKET);
        tell("keepalive alone", without);
        LivenessPolicy tooSlow = LivenessPolicy.of(SOCKET, beats(Duration.ofSeconds(90)));
        tell("a beat every 90 s", tooSlow);
        LivenessPolicy policy = LivenessPolicy.of(SOCKET, beats(Duration.ofSeconds(25)));
        tell("a beat every 25 s", policy);

        // A client leaves by itself, drained and resolved anew, before the balancer would cut it off.
        ReconnectOptions reconnect =
                ReconnectOptions.builder().maxAge(Duration.ofMinutes(4)).build();
        System.out.println("the age ends before the balancer's drain: "
                + (reconnect.maxAge().orElseThrow().compareTo(BALANCERS_DRAIN) < 0));
        // Here four minutes are a second, so that it can be seen.
        showTheAge(policy, reconnect.toBuilder().maxAge(Duration.ofSeconds(1)).build());
    }

    private static void tell(String what, LivenessPolicy policy) {
        Survival survival = policy.survives(BALANCER);
        System.out.println(what + ": " + survival.outcome() + ", " + survival.explanation());
    }

    private static HeartbeatOptions beats(Duration interval) {
        return HeartbeatOptions.builder()
                .interval(interval)
                .timeout(Duration.ofSeconds(5))
                .attempts(2)
                .build();
    }

    private static void showTheAge(LivenessPolicy policy, ReconnectOptions reconnect) throws InterruptedException {
        CountDownLatch twice = new CountDownLatch(2);
        try (ResilientServer backend = ResilientServer.builder(
                                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .onMessage((connection, message) -> {})
                        .start();
                ResilientClient client = ResilientClient.builder(
                                "127.0.0.1", backend.localAddress().getPort())
                        .liveness(policy)
                        .reconnect(reconnect)
                        .onMessage((connection, message) -> {})
                        .onEvent(event -> {
                            if (event instanceof ConnectionEvent.Up) {
                                System.out.println("up, epoch " + event.moment().epoch());
                                twice.countDown();
                            } else if (event instanceof ConnectionEvent.Down down) {
                                System.out.println("down, " + down.ending());
                            }
                        })
                        .start()) {
            twice.await();
            System.out.println(
                    "now " + client.state() + ", " + client.counters().deaths() + " deaths");
        }
    }
}
