package dev.holdfast;

import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.internal.Durations;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * One connection that is up, or was: what a client has between {@link ConnectionEvent.Up} and {@link ConnectionEvent.Down}, and what a
 * server has of each of its clients. Thread-safe; nothing of it blocks.
 */
public final class Connection {
    private final Link link;

    Connection(Link link) {
        this.link = link;
    }

    /** The number of the attempt it came from; on a server the number of the connection. From 1. */
    public long epoch() {
        return link.epoch;
    }

    /** UP, DRAINING or CLOSED; HANDSHAKING before it is up. */
    public ConnectionState state() {
        return link.state();
    }

    /** The peer's address. */
    public InetSocketAddress remoteAddress() {
        return link.remoteAddress();
    }

    /** Our own address. */
    public InetSocketAddress localAddress() {
        return (InetSocketAddress) link.own().localAddress();
    }

    /** What was really applied to the socket. */
    public OptionReport options() {
        return OptionReport.of(link.own()).orElseThrow();
    }

    /** Since it came up. */
    public Duration age() {
        return link.vitals().age();
    }

    /** Since something came from the peer, its FIN included. */
    public Duration lastHeard() {
        return link.vitals().lastHeard();
    }

    /** The newest round-trip time of a beat; empty before the first answer. */
    public Optional<Duration> roundTrip() {
        return link.vitals().roundTrip();
    }

    /** Bytes of messages that were sent and are not confirmed yet, or not written yet where nothing confirms. */
    public long backlog() {
        return link.outbound.backlog();
    }

    /** Whether there is room for more: less than half of {@code outboundLimit} is used. It becomes so again below a quarter. */
    public boolean isWritable() {
        return link.outbound.isWritable();
    }

    /**
     * Sends a message on this very connection. It never waits: without room, or when the connection is no longer up, the
     * delivery is NOT_SENT at once.
     *
     * @param message with the framed protocol a {@code ByteBuf}, which is released, a {@code byte[]}, which may be used again,
     *     or a {@code CharSequence}, sent as UTF-8; with your own pipeline whatever its encoders take, passed on with its
     *     reference count
     * @throws IllegalArgumentException if the framed protocol cannot send such a message
     */
    public Delivery send(Object message) {
        Object kept = link.settings.own(message);
        Delivery delivery = link.outbound.begin(link.settings.bytes(kept));
        if (delivery.state() == Delivery.State.NOT_SENT) {
            ReferenceCountUtil.release(kept);
        } else if (!link.execute(() -> link.write(delivery, kept))) {
            ReferenceCountUtil.release(kept);
            link.outbound.notSent(delivery, "the connection is CLOSED");
        }
        return delivery;
    }

    /** Stops reading, until {@link #resume()}: what has been read already still comes. Silence then is not held against the peer.
     * A drain reads all the same. */
    public void pause() {
        link.pause(true);
    }

    /** Reads again. */
    public void resume() {
        link.pause(false);
    }

    /**
     * Asks the peer now and gives the round-trip time of its answer. Completes on the callback executor.
     *
     * @return fails as {@link dev.holdfast.heartbeat.HeartbeatHandler#probe()}
     */
    public CompletionStage<Duration> probe() {
        CompletableFuture<Duration> answer = new CompletableFuture<>();
        boolean taken = link.execute(() -> link.probe(answer));
        if (!taken) {
            link.settings.complete(answer, null, new ClosedChannelException());
        }
        return answer.minimalCompletionStage();
    }

    /**
     * Finishes what was sent and closes: waits for confirmations, says goodbye, shuts the output down, reads to the peer's end,
     * closes; all of it within the span. What comes from the peer meanwhile is still delivered. On a client the next connection
     * follows; to end a client use its own {@code drain}.
     *
     * @param span 1 ms to 1 day
     * @return completes with how it ended, when it is gone
     */
    public CompletionStage<Ending> drain(Duration span) {
        Durations.wholeMillis("drain span", span, 1, PeerBuilder.MAX_MILLIS);
        link.execute(() -> link.owner.onDrainWanted(link, span));
        return link.gone();
    }

    /** {@code epoch}, state and address, for people. */
    @Override
    public String toString() {
        return "Connection[epoch=" + epoch() + ", " + state() + ", " + remoteAddress() + "]";
    }
}
