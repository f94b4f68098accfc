package dev.holdfast.policy;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is legal but unwise, beyond what the socket options warn of themselves. */
final class PolicyWarnings {
    /** How the socket options' warning begins that a heartbeat makes untrue. */
    private static final String COVERED_BY_HEARTBEAT = "keepAlive without userTimeout";

    private PolicyWarnings() {}

    /** Relations between the socket options and the heartbeat. */
    static List<String> of(SocketOptions options, Optional<HeartbeatOptions> heartbeat) {
        List<String> warnings = new ArrayList<>();
        boolean keepAlive = options.keepAlive().orElse(false);
        options.warnings().stream()
                .filter(warning -> heartbeat.isEmpty() || !warning.startsWith(COVERED_BY_HEARTBEAT))
                .forEach(warnings::add);
        if (!keepAlive && heartbeat.isEmpty()) {
            warnings.add(
                    "neither keepAlive nor a heartbeat: a peer lost while the connection is idle is never noticed");
        }
        options.userTimeout().ifPresent(userTimeout -> {
            if (heartbeat.isEmpty()) {
                warnings.add(
                        "userTimeout " + userTimeout + " also ends a connection whose peer lives but reads nothing for"
                                + " that long: its window is closed, and the kernel does not tell the two apart");
            } else if (userTimeout.compareTo(heartbeat.get().timeout()) < 0) {
                warnings.add("userTimeout " + userTimeout + " is shorter than the heartbeat's timeout "
                        + heartbeat.get().timeout()
                        + ": the kernel ends the connection before the heartbeat may call one"
                        + " answer late");
            }
        });
        return List.copyOf(warnings);
    }

    /** What one transport and kernel make of the policy. */
    static List<String> of(LivenessPolicy policy, KernelSettings kernel, Transport transport, DetectionModel model) {
        List<String> warnings = new ArrayList<>();
        SocketOptions options = policy.socketOptions();
        for (TcpOption option : options.asked().keySet()) {
            if (matters(option) && !transport.supports(option)) {
                warnings.add(option + " cannot be set by " + transport.name() + ": these bounds are without it");
            }
        }
        if (options.rtoMax().isPresent() && kernel.kernelRelease().isBefore(6, 15)) {
            warnings.add("TCP_RTO_MAX_MS needs Linux 6.15, and this is "
                    + kernel.release().orElse("older") + ": these bounds are without it");
        }
        boolean systemTimes = model.keepAliveOn() && options.keepAliveIdle().isEmpty();
        if (systemTimes && model.userTimeout() > 0) {
            underSystemTimes(model, warnings);
        }
        return List.copyOf(warnings);
    }

    private static boolean matters(TcpOption option) {
        return switch (option) {
            case TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, SO_KEEPALIVE, TCP_USER_TIMEOUT, TCP_SYNCNT, TCP_RTO_MAX_MS ->
                true;
            case TCP_DEFER_ACCEPT, TCP_NOTSENT_LOWAT, TCP_NODELAY, SO_SNDBUF, SO_RCVBUF, CONNECT_TIMEOUT -> false;
        };
    }

    /** The relation that the socket options check themselves where the keepalive times are given. */
    private static void underSystemTimes(DetectionModel model, List<String> warnings) {
        if (model.userTimeout() <= model.idle() + (model.count() - 1) * model.interval()) {
            warnings.add(
                    "userTimeout " + Duration.ofMillis(model.userTimeout()) + " with the system's keepAlive "
                            + model.idle() / 1000 + " s/" + model.interval() / 1000 + " s/" + model.count()
                            + ": the kernel ignores the count then, and gives up on an idle peer after fewer unanswered probes");
        }
    }
}
