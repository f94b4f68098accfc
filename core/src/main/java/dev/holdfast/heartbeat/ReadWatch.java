package dev.holdfast.heartbeat;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;

/**
 * What came in since the last {@code channelReadComplete}, and whether somebody waits for more: silence proves nothing while
 * nobody asks the channel for what came in. Confined to the event loop.
 */
abstract class ReadWatch extends HeartbeatMachine {
    // what the present batch of reads has brought
    private static final byte BEATS = 1;
    private static final byte PINGS = 2;
    private static final byte MESSAGES = 4;
    /** Somebody had asked for it, with autoRead off. */
    private static final byte ASKED_FOR = 8;

    // who has asked for the next read
    private static final byte NOBODY = 0;
    private static final byte SOMEBODY = 1;
    /** Netty is about to, by itself, unless somebody switches autoRead off before it does. */
    private static final byte NETTY = 2;

    private byte batch;
    private byte reader;

    final void onBeatRead(boolean ping) {
        onRead();
        batch |= ping ? BEATS | PINGS : BEATS;
    }

    final void onMessageRead() {
        onRead();
        batch |= MESSAGES;
    }

    private void onRead() {
        if (batch == 0) {
            batch = reader == SOMEBODY ? ASKED_FOR : 0;
            reader = NOBODY; // what was asked for has come; whoever asks from now on asks for more
        }
    }

    final boolean hasReadAny() {
        return batch != 0;
    }

    final boolean hasReadPings() {
        return (batch & PINGS) != 0;
    }

    final boolean hasReadMessages() {
        return (batch & MESSAGES) != 0;
    }

    /** The batch has been dealt with, and everybody behind has been told of its end. */
    final void onBatchEnd(ChannelHandlerContext mine) {
        byte ended = batch;
        batch = 0;
        if (mine.channel().config().isAutoRead()) {
            reader = NETTY;
        } else if ((ended & (ASKED_FOR | MESSAGES)) == ASKED_FOR && reader == NOBODY) {
            // Who asked for one read asked for a message, and got beats, which end here.
            reader = SOMEBODY;
            mine.read();
        }
    }

    final void onActive(Channel channel) {
        reader = channel.config().isAutoRead() ? NETTY : reader;
    }

    /** Time has passed: Netty's own read comes right after what announced it. */
    final void onTimePassed() {
        if (reader == NETTY) {
            reader = NOBODY;
        }
    }

    @Override
    public void read(ChannelHandlerContext mine) {
        // Under autoRead Netty asks by itself, and what it has asked for is void when autoRead is switched off; another
        // thread may do that between Netty's look at it and this one.
        reader = reader != NETTY && !mine.channel().config().isAutoRead() ? SOMEBODY : NOBODY;
        mine.read();
    }

    final boolean readsPaused(Channel channel) {
        return !channel.config().isAutoRead() && reader != SOMEBODY;
    }
}
