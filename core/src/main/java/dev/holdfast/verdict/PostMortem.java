package dev.holdfast.verdict;

import static dev.holdfast.verdict.TcpSnapshot.Field.BYTES_ACKED;
import static dev.holdfast.verdict.TcpSnapshot.Field.BYTES_RETRANS;
import static dev.holdfast.verdict.TcpSnapshot.Field.BYTES_SENT;
import static dev.holdfast.verdict.TcpSnapshot.Field.NOTSENT_BYTES;
import static dev.holdfast.verdict.TcpSnapshot.Field.PROBES;
import static dev.holdfast.verdict.TcpSnapshot.Field.RETRANSMITS;
import static dev.holdfast.verdict.TcpSnapshot.Field.SND_WND;
import static dev.holdfast.verdict.TcpSnapshot.Field.STATE;

import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.unix.Errors;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Names the cause of a death that the kernel declared, from its error and what tcp_info still holds. Pure functions.
 *
 * <p>A kernel that ends a connection wipes {@code unacked} and {@code backoff}; the rules use only what survives
 * ({@link TcpSnapshot}).
 *
 * <p>Errors of Netty's native transport carry the kernel's number. Those of Java's own sockets carry only the C library's
 * text, which is known here in English: in a process with another {@code LC_MESSAGES} they are {@link DeathCause#OTHER}.
 */
public final class PostMortem {
    // errno of Linux on every architecture that Netty's epoll transport is built for (asm-generic/errno.h)
    private static final int EPIPE = 32;
    private static final int ENETUNREACH = 101;
    private static final int ECONNABORTED = 103;
    private static final int ECONNRESET = 104;
    private static final int ETIMEDOUT = 110;
    private static final int EHOSTUNREACH = 113;

    private static final Map<String, Integer> TEXTS = Map.of(
            "Connection timed out", ETIMEDOUT,
            "Connection reset", ECONNRESET,
            "Broken pipe", EPIPE,
            "No route to host", EHOSTUNREACH,
            "Host is unreachable", EHOSTUNREACH,
            "Network is unreachable", ENETUNREACH,
            "Software caused connection abort", ECONNABORTED);

    /** How Netty's native transport words a connect that failed, in an exception that keeps its number to itself. */
    private static final Pattern NUMBERED = Pattern.compile("failed with error\\(-(\\d+)\\)");

    private PostMortem() {}

    /**
     * The cause of the end of an established connection.
     *
     * @param error what a read or write failed with
     * @param evidence tcp_info sampled before the socket was closed, or empty where there is none
     */
    public static DeathCause established(Throwable error, Optional<TcpSnapshot> evidence) {
        if (find(error, SslHandshakeTimeoutException.class)) {
            return DeathCause.HANDSHAKE_DEADLINE;
        }
        if (find(error, SSLException.class)) {
            return DeathCause.TLS_FAILURE;
        }
        return switch (errno(error)) {
            case ETIMEDOUT -> evidence.map(PostMortem::timedOut).orElse(DeathCause.PATH_DEAD);
            case ECONNRESET, EPIPE -> DeathCause.RESET;
            case EHOSTUNREACH, ENETUNREACH -> DeathCause.UNREACHABLE;
            case ECONNABORTED -> DeathCause.LOCALLY_ABORTED;
            default -> {
                DeathCause silent = evidence.map(PostMortem::endedSilently).orElse(DeathCause.OTHER);
                // Netty closes a channel at the peer's FIN, and fails what was still to be written.
                boolean cutOff = silent == DeathCause.OTHER && find(error, ClosedChannelException.class);
                yield cutOff ? DeathCause.CLOSED_EARLY : silent;
            }
        };
    }

    /** The cause of a connect that failed; a refusal is {@link DeathCause#OTHER}, for somebody lives who refused. */
    public static DeathCause connecting(Throwable error) {
        if (find(error, ConnectTimeoutException.class) || find(error, SocketTimeoutException.class)) {
            return DeathCause.CONNECT_TIMEOUT;
        }
        DeathCause cause = established(error, Optional.empty());
        return cause == DeathCause.PATH_DEAD ? DeathCause.CONNECT_TIMEOUT : cause;
    }

    /**
     * Whether both sides have said FIN, so that a socket in state CLOSE is no broken one: besides all data (and a client's SYN)
     * our FIN was acknowledged. Kernels before 4.19 don't count what was sent; there it is never known.
     *
     * @param client whether we had connected, and not accepted
     */
    public static boolean hasEndedRegularly(TcpSnapshot evidence, boolean client) {
        long sent = evidence.get(BYTES_SENT, Long.MIN_VALUE) - evidence.get(BYTES_RETRANS, 0);
        return evidence.get(BYTES_ACKED, 0) == sent + (client ? 2 : 1);
    }

    /** A write failed and did not say why, but the kernel has ended the socket: by a timer of its own, or by a reset. */
    private static DeathCause endedSilently(TcpSnapshot evidence) {
        if (evidence.get(STATE, 0) != TcpSnapshot.STATE_CLOSE) {
            return DeathCause.OTHER;
        }
        boolean byTimer = evidence.get(RETRANSMITS, 0) > 0
                || evidence.get(PROBES, 0) > 0
                || (evidence.get(NOTSENT_BYTES, 0) > 0 && evidence.get(SND_WND, 0) == 0);
        return byTimer ? timedOut(evidence) : DeathCause.RESET;
    }

    /**
     * Which of its timers the kernel gave up on. Retransmissions: sent data was never acknowledged. Otherwise probes,
     * for one of three reasons: keepalive (nothing was waiting to be sent), a closed window, or something of our own that
     * lets nothing out although the window is open. A peer that lives behind its closed window answers every probe, so at
     * most the newest is unanswered.
     */
    private static DeathCause timedOut(TcpSnapshot evidence) {
        if (evidence.get(RETRANSMITS, 0) > 0 || evidence.get(NOTSENT_BYTES, 0) == 0) {
            return DeathCause.PATH_DEAD;
        }
        if (evidence.get(SND_WND, 0) > 0) {
            return DeathCause.LOCAL_DROP;
        }
        return evidence.get(PROBES, 0) <= 1 ? DeathCause.PEER_NOT_READING : DeathCause.PATH_DEAD;
    }

    private static boolean find(Throwable error, Class<? extends Throwable> type) {
        for (Throwable at = error; at != null; at = at.getCause()) {
            if (type.isInstance(at)) {
                return true;
            }
        }
        return false;
    }

    private static int errno(Throwable error) {
        for (Throwable at = error; at != null; at = at.getCause()) {
            if (at instanceof Errors.NativeIoException nativeError) {
                return -nativeError.expectedErr();
            }
            if (at instanceof NoRouteToHostException) {
                return EHOSTUNREACH;
            }
            int known = errnoOf(at.getMessage());
            if (known != 0) {
                return known;
            }
        }
        return 0;
    }

    /** Java's sockets keep only the C library's text, with whatever Netty puts behind it. */
    private static int errnoOf(@Nullable String message) {
        if (message == null) {
            return 0;
        }
        Matcher numbered = NUMBERED.matcher(message);
        if (numbered.find()) {
            return Integer.parseInt(numbered.group(1));
        }
        for (Map.Entry<String, Integer> known : TEXTS.entrySet()) {
            if (message.startsWith(known.getKey())) {
                return known.getValue();
            }
        }
        return 0;
    }
}
