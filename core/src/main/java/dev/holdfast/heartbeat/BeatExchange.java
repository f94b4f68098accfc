package dev.holdfast.heartbeat;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.util.concurrent.Promise;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Beats out and their answers in, the peer's beats in and their answers out. Confined to the event loop. */
@SuppressWarnings("FutureReturnValueIgnored") // a write that fails tells of it by the channel's events
abstract class BeatExchange extends HeartbeatJudge {
    BeatExchange(HeartbeatSettings settings) {
        super(settings);
    }

    @Override
    final void send(ChannelHandlerContext mine, long now, long latenessNanos) {
        sequence++;
        int owedBefore = noteOwed(mine.channel());
        int[] mineLog = log;
        HeartbeatWheel wheel = settings.wheel;
        if (mineLog != null && wheel != null) {
            BeatLog.onSent(mineLog, sequence, now, latenessNanos, wheel.stalledNanos());
        }
        Object ping;
        try {
            ping = settings.protocol.ping(Integer.toUnsignedLong(sequence), mine.alloc());
        } catch (RuntimeException | Error thrown) {
            onUnsent(); // nobody was asked, so nobody owes an answer
            mine.fireExceptionCaught(thrown);
            return;
        }
        Pending pending = Pending.find(mine.channel());
        if (wheel != null && pending != null) {
            pending.onPing(sequence, owedBefore, wheel.unstalledNanos(now)); // first, for a write may call back
        }
        mine.writeAndFlush(ping);
    }

    /** A ping is about to leave. Says how many answers to those before it may still come. */
    private int noteOwed(Channel channel) {
        byte before = owed;
        Pending pending = before == NONE_OWED ? Pending.find(channel) : Pending.of(channel);
        int answers = owedAnswers(pending);
        owed = before == NONE_OWED ? ONE_OWED : before == MORE_PERHAPS ? ONE_OR_MORE_OWED : SEVERAL_OWED;
        noteOwed(pending, answers + 1);
        return answers;
    }

    /** The answers that are owed are waited for no longer, but may come all the same. */
    final void forgetOwed(Channel channel) {
        int answers = owedAnswers(Pending.find(channel));
        owed = NONE_OWED;
        noteOwed(answers > 0 && channel.isOpen() ? Pending.of(channel) : Pending.find(channel), answers);
    }

    /** How many answers may still come, if every ping draws one. */
    private int owedAnswers(@Nullable Pending pending) {
        return (pending == null ? 0 : pending.moreOwed) + (owed == NONE_OWED ? 0 : 1);
    }

    private void noteOwed(@Nullable Pending pending, int answers) {
        if (pending != null) {
            pending.moreOwed = answers - (owed == NONE_OWED ? 0 : 1);
        }
    }

    /** The first of a read is answered at once, the rest when all have been read. */
    final void answer(ChannelHandlerContext mine, Object ping, boolean another) {
        Object pong = settings.protocol.pong(ping, mine.alloc());
        if (!mine.channel().isWritable()) {
            Pending.of(mine.channel()).keepAnswer(pong);
        } else if (another) {
            mine.write(pong);
        } else {
            mine.writeAndFlush(pong);
        }
    }

    @Override
    public final void channelWritabilityChanged(ChannelHandlerContext mine) {
        Pending pending = Pending.find(mine.channel());
        if (pending != null && mine.channel().isWritable()) {
            Object kept = pending.takeAnswer();
            if (kept != null) {
                mine.writeAndFlush(kept);
            }
        }
        mine.fireChannelWritabilityChanged();
    }

    /** Whether this answer belongs to the newest probe for certain, and to none before it. */
    private boolean isMatched(@Nullable Pending pending, long answeredSequence) {
        if (answeredSequence == HeartbeatProtocol.NO_SEQUENCE) {
            boolean lone = owed == ONE_OWED;
            int answers = owedAnswers(pending);
            owed = owed == SEVERAL_OWED || owed == MORE_PERHAPS ? MORE_PERHAPS : NONE_OWED;
            noteOwed(pending, Math.max(0, answers - 1));
            return lone;
        }
        boolean newest = owed != NONE_OWED && owed != UNTIMED && answeredSequence == Integer.toUnsignedLong(sequence);
        owed = newest ? NONE_OWED : owed;
        return newest;
    }

    /** Sends a probe for who asks, unless one is out already. */
    final void ask(ChannelHandlerContext mine) {
        HeartbeatWheel wheel = settings.wheel;
        Pending pending = Pending.find(mine.channel());
        if (wheel == null || pending == null || !pending.isAsked() || state() != State.QUIET) {
            return;
        }
        long now = wheel.nowNanos();
        long unstalled = wheel.unstalledNanos(now);
        onFreshProbe(unstalled); // first, for a write may call back
        wheel.move(this, wakeUpNanos(now, unstalled));
        send(mine, now, 0);
    }

    final void answered(ChannelHandlerContext mine, Object pong) {
        HeartbeatWheel wheel = settings.wheel;
        long answeredSequence = settings.protocol.sequence(pong);
        Pending pending = Pending.find(mine.channel());
        boolean matched = isMatched(pending, answeredSequence);
        if (wheel != null && pending != null && pending.isConfirming()) {
            pending.confirmation().onAnswer(answeredSequence, sequence, wheel.unstalledNanos(wheel.nowNanos()));
            if (pending.isConfirming()) {
                mine.executor().execute(() -> ask(mine)); // it was to an older one, or somebody has asked since
            }
        }
        Promise<Duration> waiting = pending == null ? null : pending.asked;
        int[] mineLog = log;
        if (!matched && waiting != null) {
            mine.executor().execute(() -> ask(mine)); // this answer might have been to an older one
        }
        if (wheel == null || !matched || (waiting == null && mineLog == null)) {
            return;
        }
        long now = wheel.nowNanos();
        long nanos = mineLog == null
                ? sinceProbeNanos(wheel.unstalledNanos(now))
                : BeatLog.roundTripNanos(mineLog, now, wheel.stalledNanos());
        if (mineLog != null) {
            BeatLog.onAnswer(mineLog, sequence, nanos);
            if (settings.options.hasBeatEvents()) {
                Duration late = Duration.ofNanos(BeatLog.lateNanos(mineLog));
                tell(
                        mine.channel(),
                        new HeartbeatEvent.Beat(Integer.toUnsignedLong(sequence), late, Duration.ofNanos(nanos)));
            }
        }
        if (pending != null && waiting != null) {
            pending.asked = null;
            waiting.trySuccess(Duration.ofNanos(nanos));
        }
    }
}
