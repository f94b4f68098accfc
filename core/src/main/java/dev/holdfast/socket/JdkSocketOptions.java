package dev.holdfast.socket;

import java.net.SocketOption;
import java.net.StandardSocketOptions;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/** The JDK's names for the options it has. */
final class JdkSocketOptions {
    private JdkSocketOptions() {}

    /** The JDK's option, or null if it has none. */
    static @Nullable SocketOption<?> of(TcpOption option) {
        return switch (option) {
            case SO_KEEPALIVE -> StandardSocketOptions.SO_KEEPALIVE;
            case TCP_KEEPIDLE -> ExtendedSocketOptions.TCP_KEEPIDLE;
            case TCP_KEEPINTVL -> ExtendedSocketOptions.TCP_KEEPINTERVAL;
            case TCP_KEEPCNT -> ExtendedSocketOptions.TCP_KEEPCOUNT;
            case TCP_NODELAY -> StandardSocketOptions.TCP_NODELAY;
            case SO_SNDBUF -> StandardSocketOptions.SO_SNDBUF;
            case SO_RCVBUF -> StandardSocketOptions.SO_RCVBUF;
            case TCP_USER_TIMEOUT, TCP_SYNCNT, TCP_DEFER_ACCEPT, TCP_NOTSENT_LOWAT, TCP_RTO_MAX_MS, CONNECT_TIMEOUT ->
                null;
        };
    }

    /** The value in the JDK's type. */
    static Object toJdk(SocketOption<?> option, int value) {
        return option.type() == Boolean.class ? (Object) (value != 0) : (Object) value;
    }

    static int fromJdk(Object value) {
        return value instanceof Boolean on ? (on ? 1 : 0) : (Integer) value;
    }

    static String lack(TcpOption option) {
        return of(option) == null
                ? "Java's own sockets have no such option"
                : "this system's Java sockets do not have it";
    }
}
