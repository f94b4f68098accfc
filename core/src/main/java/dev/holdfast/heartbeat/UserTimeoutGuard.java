package dev.holdfast.heartbeat;

import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the kernel's user timeout from ending a connection whose peer lives but does not read: samples for a {@link
 * UserTimeoutMachine} and does what it says. Confined to the channel's event loop, in whose wheel it is a node; that makes
 * it a Netty handler, but it is in no pipeline (docs/adr/0006-one-object-per-connection.md is why a node is one).
 *
 * <p>There is one only for a channel that has a user timeout: it is an attribute, not a field of the handler.
 */
final class UserTimeoutGuard extends WheelNode {
    private static final Logger log = LoggerFactory.getLogger(UserTimeoutGuard.class);
    private static final AttributeKey<UserTimeoutGuard> KEY = AttributeKey.valueOf(UserTimeoutGuard.class, "guard");
    /** TCP_RTO_MAX, where the kernel is too old to tell the connection's own (before 6.15). */
    private static final int RTO_MAX_MILLIS = 120_000;

    /** Whom the guard tells that the peer is gone. */
    interface Judge {
        /** The peer is dead: {@link dev.holdfast.verdict.DeathCause#PATH_DEAD}, by this rule and evidence. */
        void onPathDead(String rule, TcpSnapshot evidence);
    }

    private final Channel channel;
    private final Transport transport;
    private final HeartbeatWheel wheel;
    private final Judge judge;
    private int userTimeoutMillis;
    private UserTimeoutMachine machine;
    private long tickNanos;

    private UserTimeoutGuard(
            Channel channel, Transport transport, HeartbeatWheel wheel, Judge judge, int userTimeoutMillis) {
        this.channel = channel;
        this.transport = transport;
        this.wheel = wheel;
        this.judge = judge;
        this.userTimeoutMillis = userTimeoutMillis;
        UserTimeoutSampling sampling = UserTimeoutSampling.of(Duration.ofMillis(userTimeoutMillis));
        this.tickNanos = sampling.tick().toNanos();
        this.machine = machine(sampling);
    }

    private UserTimeoutMachine machine(UserTimeoutSampling sampling) {
        return new UserTimeoutMachine(userTimeoutMillis * 1_000_000L, sampling, rtoMaxMillis() * 1_000_000L);
    }

    private int rtoMaxMillis() {
        try {
            return transport.supports(TcpOption.TCP_RTO_MAX_MS)
                    ? transport.get(channel, TcpOption.TCP_RTO_MAX_MS)
                    : RTO_MAX_MILLIS;
        } catch (IOException olderThan615) {
            return RTO_MAX_MILLIS;
        }
    }

    /** Whether the channel's socket has a user timeout that nobody watches. */
    static boolean isWanted(Channel channel) {
        Transport transport = Silence.transport(channel);
        return transport != null
                && transport.supports(TcpOption.TCP_USER_TIMEOUT)
                && read(transport, channel) > 0
                && (!channel.hasAttr(KEY) || channel.attr(KEY).get() == null);
    }

    /** Begins to watch a channel of which {@link #isWanted} is true. Others cost nothing. */
    static void watch(Channel channel, HeartbeatWheel wheel, Judge judge) {
        Transport transport = Transport.of(channel);
        UserTimeoutGuard guard = new UserTimeoutGuard(channel, transport, wheel, judge, read(transport, channel));
        channel.attr(KEY).set(guard);
        wheel.add(guard, wheel.nowNanos() + guard.machine.nextSampleNanos());
    }

    /** Ends, and leaves the user timeout as the program had asked for it. */
    static void stop(Channel channel) {
        if (!channel.hasAttr(KEY)) {
            return;
        }
        UserTimeoutGuard guard = channel.attr(KEY).getAndSet(null);
        if (guard != null) {
            guard.wheel.remove(guard);
            if (guard.machine.state() == UserTimeoutMachine.State.LIFTED && channel.isOpen()) {
                guard.set(guard.userTimeoutMillis);
            }
        }
    }

    @Override
    long tickNanos() {
        return tickNanos;
    }

    /** A stall of our own excuses nothing here: the kernel, whose evidence this is, went on meanwhile. */
    @Override
    long onWakeUp(long now, long unstalled, long stallNanos) {
        Optional<TcpSnapshot> tcp = channel.isOpen() ? transport.snapshot(channel) : Optional.empty();
        if (tcp.isEmpty() || !stillAsSet()) {
            channel.attr(KEY).set(null);
            return LEAVE;
        }
        switch (machine.onSample(now, tcp.get())) {
            case NONE -> {}
            case LIFT -> set(0);
            case RESTORE -> set(userTimeoutMillis);
            case DEAD -> {
                channel.attr(KEY).set(null);
                judge.onPathDead("window probes are unanswered for the user timeout", tcp.get());
                return LEAVE;
            }
        }
        return now + machine.nextSampleNanos();
    }

    /** Whether there is still a user timeout to watch; what the program has set meanwhile counts from now on. */
    private boolean stillAsSet() {
        boolean lifted = machine.state() == UserTimeoutMachine.State.LIFTED;
        int found = read(transport, channel);
        if (found != (lifted ? 0 : userTimeoutMillis)) {
            userTimeoutMillis = found;
            if (found > 0) {
                UserTimeoutSampling sampling = UserTimeoutSampling.of(Duration.ofMillis(found));
                tickNanos = sampling.tick().toNanos();
                machine = machine(sampling);
            }
        }
        return userTimeoutMillis > 0;
    }

    private static int read(Transport transport, Channel channel) {
        try {
            return transport.get(channel, TcpOption.TCP_USER_TIMEOUT);
        } catch (IOException gone) {
            return 0; // the socket is; its end is told elsewhere
        }
    }

    private void set(int millis) {
        try {
            transport.set(channel, TcpOption.TCP_USER_TIMEOUT, millis);
            log.debug("user timeout of {} set to {} ms", channel, millis);
        } catch (IOException gone) {
            log.debug("user timeout of {} could not be set to {} ms", channel, millis, gone);
        }
    }
}
