package dev.holdfast;

import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Writes the messages of one connection and finds out what became of each. Confined to the event loop.
 *
 * <p>With the framed protocol a PING follows each batch of messages, one at a time, and its answer confirms. Otherwise a beat is asked
 * for: when somebody waits for a confirmation, when a quarter of the outbound limit is unconfirmed, at the end, and at the latest
 * one heartbeat interval after the first message. Where beats are not answered, the kernel is asked ten times a second.
 */
final class Sending {
    /** What confirms on this connection. */
    private enum Proof {
        /** A PING of the framed protocol, answered when the application has read what came before. */
        PING,
        /** The answer to a beat that left after the message. */
        BEAT,
        /** The acknowledgements that the peer's kernel has sent. */
        KERNEL,
        /** Nothing: WRITTEN is all that will be known. */
        NONE
    }

    private static final long KERNEL_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Link link;
    private final Outbound outbound;
    private final Confirmations open = new Confirmations();
    private Proof proof = Proof.NONE;

    /** Messages that were handed to the channel and neither written nor refused yet. */
    private int unwritten;

    private boolean flushPlanned;
    private boolean hurry;
    private boolean proofAwaited;
    /** What the newest PING asks for. */
    private long askedMark;

    private final LoopTimer timer = new LoopTimer();

    Sending(Link link, Outbound outbound) {
        this.link = link;
        this.outbound = outbound;
    }

    /**
     * Messages may go.
     *
     * @param pings whether the peer answers our own kind of PING
     */
    void start(ChannelHandlerContext context, boolean pings) {
        Optional<TcpSnapshot> tcp = Transport.of(context.channel()).snapshot(context.channel());
        boolean countsBytes = tcp.isPresent() && tcp.get().get(TcpSnapshot.Field.BYTES_SENT, -1) >= 0;
        proof = pings ? Proof.PING : link.settings.asks ? Proof.BEAT : countsBytes ? Proof.KERNEL : Proof.NONE;
    }

    /** Nothing sent is without its fate, as far as it can be told. */
    boolean isIdle() {
        return unwritten == 0 && open.isEmpty();
    }

    void write(ChannelHandlerContext context, Delivery delivery, Object message) {
        boolean confirmable = proof != Proof.NONE;
        if (confirmable) {
            delivery.onConfirmable(this::hasten);
            open.add(delivery);
            hurry |= delivery.isConfirmationAwaited();
        }
        unwritten++;
        try {
            link.writeMessage(context, message)
                    .addListener(done -> onWriteDone(delivery, confirmable, done.isSuccess(), done.cause()));
        } catch (RuntimeException | Error unsendable) {
            onWriteDone(delivery, confirmable, false, unsendable);
        }
        planFlush(context);
    }

    private void onWriteDone(Delivery delivery, boolean confirmable, boolean written, @Nullable Throwable why) {
        unwritten--;
        if (written) {
            outbound.written(delivery, confirmable);
        } else {
            outbound.notSent(delivery, String.valueOf(why));
        }
        if (isIdle()) {
            link.parting.onSendingIdle();
        }
    }

    private void planFlush(ChannelHandlerContext context) {
        if (!flushPlanned) {
            flushPlanned = true;
            context.executor().execute(() -> {
                flushPlanned = false;
                prove(context);
                context.flush();
            });
        }
    }

    /** Somebody waits for a confirmation. From any thread. */
    private void hasten() {
        link.execute(() -> {
            ChannelHandlerContext context = link.context();
            if (context != null) {
                hurry = true;
                prove(context);
            }
        });
    }

    /** The end is near: what can be known is to be known now. */
    void hurry(ChannelHandlerContext context) {
        hurry = true;
        prove(context);
    }

    private void prove(ChannelHandlerContext context) {
        if (open.isEmpty() || proofAwaited || !context.channel().isActive()) {
            return;
        }
        if (!link.phase().maySpeak()) { // our last word is out, and the heartbeat gone
            if (proof == Proof.PING) {
                return;
            }
            proof = proof == Proof.BEAT ? Proof.KERNEL : proof;
        }
        switch (proof) {
            case PING -> {
                proofAwaited = true;
                askedMark = open.mark();
                link.writeProof(context, askedMark);
            }
            case BEAT -> {
                if (hurry || outbound.isPressing()) {
                    askForBeat(context);
                } else if (!timer.isRunning()) {
                    Duration interval =
                            link.settings.liveness.heartbeat().orElseThrow().interval();
                    timer.schedule(context.executor(), interval.toNanos(), () -> hurry(context));
                }
            }
            case KERNEL -> {
                proofAwaited = true;
                timer.schedule(context.executor(), KERNEL_LOOK_NANOS, () -> askKernel(context));
            }
            case NONE -> {}
        }
    }

    private void askForBeat(ChannelHandlerContext context) {
        hurry = false;
        proofAwaited = true;
        timer.stop();
        long mark = open.mark();
        context.flush();
        link.heartbeat().confirm().addListener(answer -> {
            proofAwaited = false;
            if (answer.isSuccess()) {
                onProof(context, mark, Delivery.Confirmation.PROGRAM);
            } else if (context.channel().isActive()) {
                onBeatsEnded(context);
            }
        });
    }

    /** Nothing is answered any more: half of the connection is closed. What the kernel knows is left. */
    private void onBeatsEnded(ChannelHandlerContext context) {
        proof = Proof.KERNEL;
        prove(context);
    }

    private void askKernel(ChannelHandlerContext context) {
        proofAwaited = false;
        Channel channel = context.channel();
        Optional<TcpSnapshot> tcp = Transport.of(channel).snapshot(channel);
        if (tcp.isPresent()) {
            onProof(context, open.acknowledged(tcp.get(), channel.parent() == null), Delivery.Confirmation.KERNEL);
        }
    }

    /** An answer to a PING of ours has come; one that was not asked for, or too late, proves nothing. */
    void onPingAnswered(ChannelHandlerContext context, long mark) {
        if (proof != Proof.PING || !proofAwaited || mark != askedMark) {
            return;
        }
        proofAwaited = false;
        onProof(context, mark, Delivery.Confirmation.PROGRAM);
        context.flush();
    }

    private void onProof(ChannelHandlerContext context, long mark, Delivery.Confirmation who) {
        open.confirmUpTo(mark, delivery -> outbound.confirmed(delivery, who));
        if (isIdle()) {
            link.parting.onSendingIdle();
        } else {
            prove(context);
        }
    }

    /** The connection is gone. What the channel has not taken fails by its own promise. */
    void end(String why) {
        timer.stop();
        open.end(delivery -> outbound.ended(delivery, why));
    }
}
