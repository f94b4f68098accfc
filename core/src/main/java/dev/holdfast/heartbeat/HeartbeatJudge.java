package dev.holdfast.heartbeat;

import dev.holdfast.verdict.Backlog;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.Evidence;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.verdict.PostMortem;
import dev.holdfast.verdict.Probes;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Speaks the verdict on a silence, and on what the kernel or the protocol has ended, with the evidence. Confined to the
 * event loop.
 */
abstract class HeartbeatJudge extends ReadWatch {
    static final byte NONE_OWED = 0;
    /** Only a lone probe can be matched in a protocol without sequences. */
    static final byte ONE_OWED = 1;

    static final byte SEVERAL_OWED = 2;
    /** One of several was answered; who answers each will answer others, and the next probe cannot be matched. */
    static final byte MORE_PERHAPS = 3;
    /** The same, and the newest probe has left since. */
    static final byte ONE_OR_MORE_OWED = 4;
    /** When the newest probe left is not known any more. */
    static final byte UNTIMED = 5;

    private static final Logger logger = LoggerFactory.getLogger(HeartbeatHandler.class);

    /** Bound to the loop's wheel while beats run. */
    HeartbeatSettings settings;

    /** The last beats; null where nobody asks for them. See {@link BeatLog}. */
    int @Nullable [] log;
    /** Number of the newest beat; unsigned. */
    int sequence;
    /** Which answers are owed, as far as it matters for a round-trip time (Karn). */
    byte owed;

    HeartbeatJudge(HeartbeatSettings settings) {
        this.settings = settings;
    }

    @Override
    final HeartbeatSettings settings() {
        return settings;
    }

    /** Sends a beat. */
    abstract void send(ChannelHandlerContext mine, long now, long latenessNanos);

    /** The peer was heard. */
    abstract void heard(ChannelHandlerContext mine, long now, boolean restartGrid);

    /** Before the judgement: real I/O passes, so that what lies unread in the kernel is read. */
    final void recheck(ChannelHandlerContext mine) {
        Silence present = presentSilence(mine.channel());
        present.afterPasses(mine.channel().eventLoop(), () -> {
            try {
                judge(mine, present);
            } catch (RuntimeException | Error thrown) {
                logger.atError()
                        .addKeyValue("channel", mine.channel())
                        .setCause(thrown)
                        .log("a judgement failed");
                lookAgain();
            }
        });
    }

    private void lookAgain() {
        HeartbeatWheel wheel = settings.wheel;
        if (wheel != null && state() == State.JUDGING) {
            long now = wheel.nowNanos();
            onExcused(wheel.unstalledNanos(now));
            wheel.move(this, wakeUpNanos(now, wheel.unstalledNanos(now)));
        }
    }

    final Silence presentSilence(Channel channel) {
        HeartbeatWheel wheel = settings.wheel;
        return Pending.of(channel).silence(wheel == null ? 0 : wheel.stalledNanos(), settings);
    }

    private void judge(ChannelHandlerContext mine, Silence present) {
        HeartbeatWheel wheel = settings.wheel;
        Pending pending = Pending.find(mine.channel());
        if (wheel == null || pending == null || present != pending.silence || state() != State.JUDGING) {
            return; // it was heard meanwhile, or is gone
        }
        long now = wheel.nowNanos();
        long unstalled = wheel.unstalledNanos(now);
        Channel channel = mine.channel();
        TcpSnapshot tcp = Silence.tcp(channel);
        if (tcp != null
                && Silence.hasUnreadBytes(tcp, now - wheel.latestNanos(lastInboundNanos(now), settings.tickNanos))) {
            heard(mine, now - tcp.get(TcpSnapshot.Field.LAST_DATA_RECV, 0) * 1_000_000, false);
        } else {
            Verdict.Situation seen =
                    present.look(channel, tcp, readsPaused(channel), sinceProbeNanos(unstalled), unstalled);
            rule(mine, Verdict.of(seen, settings), seen, now, unstalled);
        }
        if (state() != State.DEAD) {
            wheel.move(this, wakeUpNanos(now, unstalled));
        }
    }

    private void rule(ChannelHandlerContext mine, Verdict verdict, Verdict.Situation seen, long now, long unstalled) {
        switch (verdict.ruling()) {
            case EXCUSED -> {
                presentSilence(mine.channel()).onExcused();
                onExcused(unstalled);
                if (log == null) {
                    owed = UNTIMED;
                }
                if (seen.readsPaused() && seen.allBacklog() == 0 && settings.expectsAnswers()) {
                    send(mine, now, 0); // nobody will read the answer, but the peer's kernel must acknowledge it
                }
            }
            case PROBE_AGAIN -> {
                presentSilence(mine.channel()).onFreshProbe();
                onFreshProbe(unstalled);
                if (settings.expectsAnswers()) {
                    send(mine, now, 0);
                }
            }
            case DEAD -> {
                Backlog backlog = new Backlog(seen.allBacklog(), Duration.ofNanos(seen.unmoved()));
                Evidence evidence = evidence(mine.channel(), seen.tcp(), backlog);
                die(mine, verdict.cause(), verdict.rule(), evidence, Duration.ofNanos(silenceNanos(now)), null);
            }
        }
    }

    /** The peer has vanished behind its closed window. */
    final void vanished(ChannelHandlerContext mine, String rule, TcpSnapshot tcp) {
        if (state() == State.DEAD) {
            return;
        }
        Channel channel = mine.channel();
        Backlog backlog = new Backlog(
                Silence.backlog(channel) + tcp.get(TcpSnapshot.Field.NOTSENT_BYTES, 0),
                Duration.ofMillis(tcp.get(TcpSnapshot.Field.LAST_ACK_RECV, 0)));
        Duration silent = Duration.ofMillis(tcp.get(TcpSnapshot.Field.LAST_DATA_RECV, 0));
        die(mine, DeathCause.PATH_DEAD, rule, evidence(channel, tcp, backlog), silent, null);
    }

    final void kernelDeath(ChannelHandlerContext mine, Throwable error) {
        Optional<TcpSnapshot> tcp = Optional.ofNullable(Silence.tcp(mine.channel()));
        DeathCause cause = PostMortem.established(error, tcp);
        ended(mine, cause, cause == DeathCause.TLS_FAILURE ? "TLS failed" : "the kernel ended the connection", error);
    }

    final void ended(ChannelHandlerContext mine, DeathCause cause, String rule, Throwable error) {
        Pending pending = Pending.find(mine.channel());
        if (state() == State.DEAD || (pending != null && pending.closing)) {
            return;
        }
        TcpSnapshot tcp = Silence.tcp(mine.channel());
        Evidence evidence = evidence(mine.channel(), tcp, new Backlog(Silence.backlog(mine.channel()), Duration.ZERO));
        HeartbeatWheel wheel = settings.wheel;
        Duration silent = wheel != null
                ? Duration.ofNanos(silenceNanos(wheel.nowNanos()))
                : tcp == null
                        ? Duration.ofNanos(
                                sinceCountingNanos(mine.executor().ticker().nanoTime()))
                        : Duration.ofMillis(tcp.get(TcpSnapshot.Field.LAST_DATA_RECV, 0));
        die(mine, cause, rule, evidence, silent, error);
    }

    private Evidence evidence(Channel channel, @Nullable TcpSnapshot tcp, Backlog backlog) {
        HeartbeatWheel wheel = settings.wheel;
        Pending pending = Pending.find(channel);
        Silence silence = pending == null ? null : pending.silence;
        long now = wheel == null ? 0 : wheel.nowNanos();
        long lateness = wheel == null || silence == null ? 0 : silence.stalledSince(wheel.stalledNanos());
        int[] mineLog = log;
        return new Evidence(
                Optional.ofNullable(tcp),
                Duration.ofNanos(lateness),
                readsPaused(channel),
                backlog,
                wheel == null || !settings.expectsAnswers() || attempts() == 0
                        ? Optional.empty()
                        : Optional.of(probes(tcp, wheel, now)),
                wheel == null || mineLog == null ? List.of() : BeatLog.beats(mineLog, sequence, now));
    }

    private Probes probes(@Nullable TcpSnapshot tcp, HeartbeatWheel wheel, long now) {
        int[] mineLog = log;
        long sentNanos =
                mineLog == null ? sinceProbeNanos(wheel.unstalledNanos(now)) : now - BeatLog.sentNanos(mineLog);
        Duration lateness = mineLog == null ? Duration.ZERO : Duration.ofNanos(BeatLog.lateNanos(mineLog));
        return new Probes(
                Integer.toUnsignedLong(sequence),
                attempts(),
                settings.options.timeout(),
                lateness,
                Silence.acknowledgedAfter(tcp, sentNanos));
    }

    private void die(
            ChannelHandlerContext mine,
            DeathCause cause,
            String rule,
            Evidence evidence,
            Duration silent,
            @Nullable Throwable error) {
        Channel channel = mine.channel();
        onDeath();
        if (cause.leavesPeerAlive()) {
            Pending.of(channel).givenUp = true;
        }
        PeerDeath death =
                new PeerDeath(name(channel.remoteAddress()), cause, silent, rule, evidence, Optional.ofNullable(error));
        Pending pending = Pending.find(channel);
        if (pending != null) {
            pending.refuse(new PeerDeadException(death));
        }
        tell(channel, new HeartbeatEvent.PeerDead(death));
        try {
            settings.options.deathAction().end(channel, death);
        } catch (RuntimeException | Error thrown) {
            logger.atError().addKeyValue("channel", channel).setCause(thrown).log("a death action failed");
            DeathAction.abort().end(channel, death);
        }
    }

    /** host:port, as people write it; no name is looked up for it. */
    private static String name(@Nullable SocketAddress peer) {
        if (peer instanceof InetSocketAddress known) {
            String host = known.getHostString();
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + known.getPort();
        }
        return String.valueOf(peer);
    }

    final void tell(Channel channel, HeartbeatEvent event) {
        try {
            settings.listener.onEvent(channel, event);
        } catch (RuntimeException | Error thrown) {
            logger.atError().addKeyValue("channel", channel).setCause(thrown).log("a heartbeat listener failed");
        }
    }
}
