package dev.holdfast.socket;

import static dev.holdfast.socket.TcpOption.TCP_KEEPCNT;
import static dev.holdfast.socket.TcpOption.TCP_KEEPIDLE;
import static dev.holdfast.socket.TcpOption.TCP_KEEPINTVL;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The relations between options that are legal but unwise, each with its consequence. */
final class OptionWarnings {
    private OptionWarnings() {}

    static List<String> of(SocketOptions options) {
        List<String> warnings = new ArrayList<>();
        boolean keepAlive = options.keepAlive().orElse(false);
        if (keepAlive && options.userTimeout().isEmpty()) {
            warnings.add("keepAlive without userTimeout: keepalive is suspended while data is in flight, so a peer lost"
                    + " then is noticed only when the kernel gives up retransmitting, by default after 15 minutes");
        }
        options.userTimeout().ifPresent(userTimeout -> {
            if (keepAlive) {
                keepAliveUnder(userTimeout.toMillis(), options.asked(), warnings);
            }
            long connectCap = Math.max(1000, userTimeout.toMillis());
            options.connectTimeout()
                    .filter(timeout -> timeout.toMillis() > connectCap)
                    .ifPresent(timeout -> warnings.add("connectTimeout " + timeout + " is longer than userTimeout "
                            + userTimeout + ", which ends a connect too: after " + Duration.ofMillis(connectCap)
                            + " where the transport has it"));
        });
        return List.copyOf(warnings);
    }

    /**
     * With a user timeout U the kernel ignores the count: it gives up at the first probe time at or after U, but not
     * before one probe was sent (tcp_keepalive_timer() in net/ipv4/tcp_timer.c).
     */
    private static void keepAliveUnder(long userTimeout, Map<TcpOption, Integer> asked, List<String> warnings) {
        Integer idleSeconds = asked.get(TCP_KEEPIDLE);
        Integer intervalSeconds = asked.get(TCP_KEEPINTVL);
        Integer count = asked.get(TCP_KEEPCNT);
        if (idleSeconds == null || intervalSeconds == null || count == null) {
            return; // the system's times, which only the policy's bounds know
        }
        long idle = idleSeconds * 1000L;
        long interval = intervalSeconds * 1000L;
        long probes = Math.max(1, -Math.floorDiv(idle - userTimeout, interval));
        Duration wise = Duration.ofMillis(idle + count * interval - interval / 2);
        String relation = "userTimeout " + Duration.ofMillis(userTimeout) + " with keepAlive " + idleSeconds + " s/"
                + intervalSeconds + " s/" + count
                + ": the kernel ignores the count then, and gives up on an idle peer after "
                + probes + (probes == 1 ? " unanswered probe" : " unanswered probes");
        if (userTimeout <= idle + (count - 1) * interval) {
            warnings.add(relation + " instead of " + count + "; " + wise + " keeps them all");
        } else if (userTimeout > idle + count * interval) {
            warnings.add(relation + ", " + Duration.ofMillis(idle + probes * interval)
                    + " after its last segment instead of " + Duration.ofMillis(idle + count * interval) + "; " + wise
                    + " keeps the count");
        }
    }
}
