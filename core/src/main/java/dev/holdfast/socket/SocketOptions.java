package dev.holdfast.socket;

import static dev.holdfast.socket.TcpOption.*;

import dev.holdfast.socket.internal.Durations;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Predicate;

/**
 * The TCP options of a connection: asked for here, set by the library itself, read back from the kernel, reported.
 *
 * <p>Immutable. An option that was not asked for is left as the system has it. Durations must fit the unit the kernel
 * counts in: what would be truncated or rounded is refused, never clamped. What is legal but unwise is a sentence in
 * {@link #warnings()}.
 *
 * <pre>{@code
 * SocketOptions options = SocketOptions.builder()
 *         .keepAlive(Duration.ofSeconds(60), Duration.ofSeconds(10), 3)
 *         .userTimeout(Duration.ofSeconds(85))
 *         .connectTimeout(Duration.ofSeconds(3))
 *         .build();
 * ChannelFuture connected = options.connect(bootstrap, address);   // Netty
 * OptionReport report = options.connect(new Socket(), address);    // a plain JDK socket
 * }</pre>
 */
public final class SocketOptions {
    private static final int MAX_KEEPALIVE_SECONDS = 32767;
    private static final int MAX_COUNT = 127;
    /** 255 retransmissions of a SYN/ACK, the most the kernel's byte holds: 1 + 2 + ... + 64 + 248 * 120 s. */
    private static final int MAX_DEFER_ACCEPT_SECONDS = 29887;

    private final EnumMap<TcpOption, Integer> asked;
    private final OptionPolicy policy;
    private final List<String> warnings;

    private SocketOptions(EnumMap<TcpOption, Integer> asked, OptionPolicy policy) {
        this.asked = new EnumMap<>(asked);
        this.policy = policy;
        this.warnings = OptionWarnings.of(this);
    }

    /** A builder that asks for nothing yet. */
    public static Builder builder() {
        return new Builder(new EnumMap<>(TcpOption.class), OptionPolicy.WARN);
    }

    /** A builder that starts with these options. */
    public Builder toBuilder() {
        return new Builder(new EnumMap<>(asked), policy);
    }

    /**
     * What the kernel knew of a {@link #connect(Bootstrap, SocketAddress)} that failed: how often it had sent the SYN, and
     * whether anything came back that did not accept it. Empty where the connect did not fail, or the transport cannot ask (NIO).
     * From any thread, once the connect's future is complete.
     */
    public static Optional<TcpSnapshot> atConnectFailure(Channel channel) {
        return NettyOptions.atConnectFailure(channel);
    }

    /**
     * Connects with these options: they are set on the socket before the connect, and read back after it, before the
     * future completes. The report is then at {@link OptionReport#of(Channel)}.
     *
     * <p>The bootstrap is not changed. Options that it sets by {@link Bootstrap#option} itself come first, so these win.
     * The future fails with a {@link SocketOptionException} where {@link OptionPolicy#FAIL} says so, with Netty's
     * {@code ConnectTimeoutException} after the connect timeout, otherwise as {@link Bootstrap#connect(SocketAddress)}.
     *
     * @throws IllegalStateException if the bootstrap lacks a group, a channel type or a handler
     */
    public ChannelFuture connect(Bootstrap bootstrap, SocketAddress remote) {
        return NettyOptions.connect(this, bootstrap, remote);
    }

    /**
     * Binds a listener with these options. What belongs to the listener (TCP_DEFER_ACCEPT, the receive buffer) is set on
     * it before the bind, and its report is at {@link OptionReport#of(Channel)} when the future completes; the rest is
     * set on every accepted child before the child's own handler sees it, and the child has a report of its own. What the
     * transport cannot set on a child is in the listener's report already. What belongs to a connect (the connect timeout,
     * the SYN count) does not concern a listener, so that one object serves both ends.
     *
     * <p>Under {@link OptionPolicy#FAIL} the bind fails if the transport lacks an option, and a child on which the kernel
     * refuses one is closed at once and the reason logged.
     *
     * @throws IllegalStateException if the bootstrap lacks a group, a channel type or a child handler
     */
    public ChannelFuture bind(ServerBootstrap bootstrap, SocketAddress local) {
        return NettyOptions.bind(this, bootstrap, local);
    }

    /**
     * Applies these options to an open channel, on its event loop; the future is complete on return if called from
     * there. What comes too late for a connected channel is a row {@link OptionReport.Status#TOO_LATE}.
     *
     * @return the report, also at {@link OptionReport#of(Channel)}; fails with a {@link SocketOptionException} under
     *     {@link OptionPolicy#FAIL}, the channel then having its old values back, and with a {@code
     *     ClosedChannelException} if the channel is closed
     * @throws IllegalArgumentException if the channel is of no known transport
     */
    public Future<OptionReport> apply(Channel channel) {
        return NettyOptions.apply(this, channel);
    }

    /**
     * Asks the kernel again what is in force on a channel, without setting anything, on its event loop: shows what
     * somebody else has changed since. A row of the earlier report that was not in force stays as it was; {@link
     * OptionReport#of(Channel)} keeps that report.
     *
     * @throws IllegalArgumentException if the channel is of no known transport
     */
    public Future<OptionReport> inspect(Channel channel) {
        return NettyOptions.inspect(this, channel);
    }

    /**
     * Connects a JDK socket with these options: sets them, connects within the connect timeout, reads them back. Blocks.
     * What a JDK socket cannot do (the user timeout among it) is a row {@link OptionReport.Status#UNSUPPORTED}.
     *
     * @throws SocketOptionException where {@link OptionPolicy#FAIL} says so; the socket is closed
     * @throws java.net.SocketTimeoutException after the connect timeout; the socket is closed
     * @throws java.net.UnknownHostException if the address is unresolved; the socket is closed
     * @throws IOException if the connect fails otherwise, and the socket is then closed; or if the socket is connected or
     *     closed already, and it is then left as it is
     */
    public OptionReport connect(Socket socket, InetSocketAddress remote) throws IOException {
        return JdkOptions.connect(this, socket, remote);
    }

    /**
     * As {@link #connect(Socket, InetSocketAddress)}, for a channel in blocking mode.
     *
     * @throws java.nio.channels.IllegalBlockingModeException if the channel is in non-blocking mode, in which only its
     *     selector's owner can wait for the connect: use {@link #apply(SocketChannel)} before and after it
     * @throws IOException as for a socket; the channel is closed
     */
    public OptionReport connect(SocketChannel channel, InetSocketAddress remote) throws IOException {
        return JdkOptions.connect(this, channel, remote);
    }

    /**
     * Applies these options to an open JDK socket, connected, accepted or neither yet.
     *
     * @throws SocketOptionException where {@link OptionPolicy#FAIL} says so; the old values are put back
     * @throws IOException if the socket is closed
     */
    public OptionReport apply(Socket socket) throws IOException {
        return JdkOptions.apply(this, socket);
    }

    /**
     * Applies these options to an open JDK channel, in whichever blocking mode.
     *
     * @throws SocketOptionException where {@link OptionPolicy#FAIL} says so; the old values are put back
     * @throws IOException if the channel is closed
     */
    public OptionReport apply(SocketChannel channel) throws IOException {
        return JdkOptions.apply(this, channel);
    }

    /** Whether keepalive was asked to be on or off; empty leaves it as the system has it (off). */
    public Optional<Boolean> keepAlive() {
        return Optional.ofNullable(asked.get(SO_KEEPALIVE)).map(on -> on != 0);
    }

    /** Idle time before the first keepalive probe; empty leaves it to {@code net.ipv4.tcp_keepalive_time}. */
    public Optional<Duration> keepAliveIdle() {
        return seconds(TCP_KEEPIDLE);
    }

    /** Time between keepalive probes; empty leaves it to {@code net.ipv4.tcp_keepalive_intvl}. */
    public Optional<Duration> keepAliveInterval() {
        return seconds(TCP_KEEPINTVL);
    }

    /** Unanswered probes that end the connection; empty leaves it to {@code net.ipv4.tcp_keepalive_probes}. */
    public OptionalInt keepAliveCount() {
        return number(TCP_KEEPCNT);
    }

    /** How long sent data may stay unacknowledged; empty is off. */
    public Optional<Duration> userTimeout() {
        return millis(TCP_USER_TIMEOUT);
    }

    /** How long a connect may take; empty leaves it to Netty (30 s) or, on a JDK socket, to the kernel. */
    public Optional<Duration> connectTimeout() {
        return millis(CONNECT_TIMEOUT);
    }

    /** How often a SYN is repeated; empty leaves it to {@code net.ipv4.tcp_syn_retries}. */
    public OptionalInt synCount() {
        return number(TCP_SYNCNT);
    }

    /** How long a listener waits for a client's first data; empty is not at all. */
    public Optional<Duration> deferAccept() {
        return seconds(TCP_DEFER_ACCEPT);
    }

    /** Unsent bytes below which the socket is writable; empty leaves it to {@code net.ipv4.tcp_notsent_lowat}. */
    public OptionalInt notSentLowWater() {
        return number(TCP_NOTSENT_LOWAT);
    }

    /** The longest retransmission timeout; empty leaves it to the kernel (120 s). */
    public Optional<Duration> rtoMax() {
        return millis(TCP_RTO_MAX_MS);
    }

    /** Whether small segments leave at once; empty leaves it to the transport (Netty: on, JDK: off). */
    public Optional<Boolean> noDelay() {
        return Optional.ofNullable(asked.get(TCP_NODELAY)).map(on -> on != 0);
    }

    /** The send buffer in bytes; empty leaves it to the kernel's tuning. */
    public OptionalInt sendBuffer() {
        return number(SO_SNDBUF);
    }

    /** The receive buffer in bytes; empty leaves it to the kernel's tuning. */
    public OptionalInt receiveBuffer() {
        return number(SO_RCVBUF);
    }

    /** What happens when an option is not in force as asked. */
    public OptionPolicy policy() {
        return policy;
    }

    /** What is legal but unwise in these options, a sentence each that names the consequence. */
    public List<String> warnings() {
        return warnings;
    }

    /**
     * These options less those that the transport cannot set: what is left to hope for, and to warn of, where the report will
     * say UNSUPPORTED. The connect timeout stays, for a timer keeps it.
     */
    public SocketOptions supportedBy(Transport transport) {
        return supportedBy(transport::supports);
    }

    SocketOptions supportedBy(Predicate<TcpOption> supported) {
        EnumMap<TcpOption, Integer> left = new EnumMap<>(asked);
        left.keySet().removeIf(option -> option != CONNECT_TIMEOUT && !supported.test(option));
        return new SocketOptions(left, policy);
    }

    /** What was asked for, in the kernel's units, in the order in which it is set. Unmodifiable. */
    public Map<TcpOption, Integer> asked() {
        return Collections.unmodifiableMap(asked);
    }

    private Optional<Duration> seconds(TcpOption option) {
        return Optional.ofNullable(asked.get(option)).map(Duration::ofSeconds);
    }

    private Optional<Duration> millis(TcpOption option) {
        return Optional.ofNullable(asked.get(option)).map(Duration::ofMillis);
    }

    private OptionalInt number(TcpOption option) {
        Integer value = asked.get(option);
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SocketOptions that && asked.equals(that.asked) && policy == that.policy;
    }

    @Override
    public int hashCode() {
        return 31 * asked.hashCode() + policy.hashCode();
    }

    /** The options asked for, as {@code SocketOptions[TCP_KEEPIDLE=60 s, SO_KEEPALIVE=on, policy=WARN]}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("SocketOptions[");
        asked.forEach((option, value) -> text.append(option)
                .append('=')
                .append(option.unit().format(value))
                .append(", "));
        return text.append("policy=").append(policy).append(']').toString();
    }

    /** Collects options. A later call replaces what an earlier one set. Not thread-safe. */
    public static final class Builder {
        private final EnumMap<TcpOption, Integer> asked;
        private OptionPolicy policy;

        private Builder(EnumMap<TcpOption, Integer> asked, OptionPolicy policy) {
            this.asked = asked;
            this.policy = policy;
        }

        /**
         * Switches keepalive on with these times: the first probe after {@code idle} without a segment from the peer, the
         * next every {@code interval}, the connection ended after {@code count} unanswered ones. It is suspended while
         * data is unacknowledged or unsent: see {@link #userTimeout}.
         *
         * @param idle 1 s to 32767 s, whole seconds
         * @param interval 1 s to 32767 s, whole seconds
         * @param count 1 to 127; the kernel ignores it while a user timeout is set
         * @throws IllegalArgumentException if one of them is out of its range, or no whole number of seconds
         */
        public Builder keepAlive(Duration idle, Duration interval, int count) {
            int idleSeconds = Durations.wholeSeconds("keepAlive idle", idle, 1, MAX_KEEPALIVE_SECONDS);
            int intervalSeconds = Durations.wholeSeconds("keepAlive interval", interval, 1, MAX_KEEPALIVE_SECONDS);
            checkRange("keepAlive count", count, 1, MAX_COUNT, "");
            asked.put(TCP_KEEPIDLE, idleSeconds);
            asked.put(TCP_KEEPINTVL, intervalSeconds);
            asked.put(TCP_KEEPCNT, count);
            asked.put(SO_KEEPALIVE, 1);
            return this;
        }

        /**
         * Switches keepalive on with the system's times (7200 s, 75 s, 9 unless the sysctls say otherwise: a dead peer is
         * then found after 7875 s), or off. Times set before are forgotten.
         */
        public Builder keepAlive(boolean on) {
            asked.remove(TCP_KEEPIDLE);
            asked.remove(TCP_KEEPINTVL);
            asked.remove(TCP_KEEPCNT);
            asked.put(SO_KEEPALIVE, on ? 1 : 0);
            return this;
        }

        /**
         * How long sent data may stay unacknowledged, or unsent before a closed window, until the kernel ends the
         * connection: 1 ms to 2147483647 ms. Off by default, and then a peer lost with data in flight is noticed only
         * after about 15 minutes ({@code net.ipv4.tcp_retries2}). It also caps the connect, at no less than 1 s, and with
         * keepalive it replaces the count: choose {@code idle + count * interval - interval / 2} to keep every probe.
         * It ends a connection whose peer lives but does not read for that long, too.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder userTimeout(Duration timeout) {
            return put(TCP_USER_TIMEOUT, Durations.wholeMillis("userTimeout", timeout, 1, Integer.MAX_VALUE));
        }

        /**
         * How long a connect may take: 1 ms to 2147483647 ms. Kept by the event loop's timer or the JDK, so it works with
         * every transport. Without it Netty gives up after 30 s, a JDK socket when the kernel does.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder connectTimeout(Duration timeout) {
            return put(CONNECT_TIMEOUT, Durations.wholeMillis("connectTimeout", timeout, 1, Integer.MAX_VALUE));
        }

        /**
         * How often a SYN is repeated before the kernel gives the connect up: 1 to 127, by default the system's 6.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder synCount(int count) {
            checkRange("synCount", count, 1, MAX_COUNT, "");
            return put(TCP_SYNCNT, count);
        }

        /**
         * For a listener: wake the program for a client only when its first data is there, for about this long: 1 s to
         * 29887 s, whole seconds. The kernel counts it in retransmissions of its SYN/ACK and rounds up to 1, 3, 7, 15, 31,
         * 63, 127 s and then steps of 120 s, which the report shows.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of seconds
         */
        public Builder deferAccept(Duration wait) {
            return put(TCP_DEFER_ACCEPT, Durations.wholeSeconds("deferAccept", wait, 1, MAX_DEFER_ACCEPT_SECONDS));
        }

        /**
         * Unsent bytes in the kernel's buffer below which the socket counts as writable: 1 to 2147483647. A low mark keeps
         * the backlog in the program, where it can be seen.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder notSentLowWater(int bytes) {
            checkRange("notSentLowWater", bytes, 1, Integer.MAX_VALUE, " bytes");
            return put(TCP_NOTSENT_LOWAT, bytes);
        }

        /**
         * The longest time between two retransmissions or window probes: 1 s to 120 s, by default 120 s. Linux 6.15 and
         * later; an older kernel refuses, which the report shows.
         *
         * @throws IllegalArgumentException if it is out of range, or no whole number of milliseconds
         */
        public Builder rtoMax(Duration max) {
            return put(TCP_RTO_MAX_MS, Durations.wholeMillis("rtoMax", max, 1000, 120_000));
        }

        /** Whether small segments leave at once (Nagle's algorithm off). */
        public Builder noDelay(boolean on) {
            return put(TCP_NODELAY, on ? 1 : 0);
        }

        /**
         * The send buffer: 1 to 1073741823 bytes. The kernel doubles the number for its own bookkeeping, and allows at most
         * {@code net.core.wmem_max}; both show in the report. Switches the kernel's tuning of the buffer off.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder sendBuffer(int bytes) {
            checkRange("sendBuffer", bytes, 1, Integer.MAX_VALUE / 2, " bytes");
            return put(SO_SNDBUF, bytes);
        }

        /**
         * The receive buffer: 1 to 1073741823 bytes. The kernel doubles the number for its own bookkeeping, and allows at
         * most {@code net.core.rmem_max}; both show in the report. Switches the kernel's tuning of the buffer off.
         *
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder receiveBuffer(int bytes) {
            checkRange("receiveBuffer", bytes, 1, Integer.MAX_VALUE / 2, " bytes");
            return put(SO_RCVBUF, bytes);
        }

        /** What to do about an option that is not in force as asked; {@link OptionPolicy#WARN} by default. */
        public Builder policy(OptionPolicy policy) {
            this.policy = java.util.Objects.requireNonNull(policy, "policy");
            return this;
        }

        /** The options. What is legal but unwise in them is in {@link SocketOptions#warnings()}. */
        public SocketOptions build() {
            return new SocketOptions(asked, policy);
        }

        private Builder put(TcpOption option, int value) {
            asked.put(option, value);
            return this;
        }

        private static void checkRange(String option, int value, int min, int max, String unit) {
            if (value < min || value > max) {
                throw new IllegalArgumentException(
                        option + ": " + value + unit + " (expected: " + min + " to " + max + unit + ")");
            }
        }
    }
}
