package dev.holdfast;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.AttributeKey;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Rules on every connection before anything is done for it, and rests when there are no descriptors. The handler of the listening
 * channel, confined to its event loop but for what is said to be otherwise.
 */
@SuppressWarnings("FutureReturnValueIgnored") // it accepts again, whatever happens
final class Door extends ChannelInboundHandlerAdapter {
    /** Somebody who was let in, or is to be told that he is not. */
    static final class Guest {
        final InetSocketAddress from;
        final Admission.Ruling ruling;

        /** Written by the connection's event loop; null before its pipeline is made. */
        volatile @Nullable ServerPeer peer;

        private Guest(InetSocketAddress from, Admission.Ruling ruling) {
            this.from = from;
            this.ruling = ruling;
        }
    }

    private static final AttributeKey<Guest> KEY = AttributeKey.valueOf(Guest.class.getName());

    /** Long enough for descriptors to come free, and for the log and the processor to have peace. */
    private static final long REST_MILLIS = 1000;

    private final Admission admission;
    private final Counting counting;
    private final Tally refusals;
    private final Runnable onEmpty;
    private int inside;

    /** Set before the listener is bound. */
    private volatile @Nullable Channel listener;

    /** Accepts again; made before descriptors can have run out, as a class may have to be read for it. */
    private Runnable again = () -> {};

    private volatile boolean closed;

    /** @param onEmpty called whenever the last one has left, on the listener's event loop */
    Door(Admission admission, Counting counting, Tally refusals, Runnable onEmpty) {
        this.admission = admission;
        this.counting = counting;
        this.refusals = refusals;
        this.onEmpty = onEmpty;
    }

    /** From any thread. */
    static Guest guest(Channel child) {
        return Objects.requireNonNull(child.attr(KEY).get());
    }

    /** From any thread, once the listener is bound. */
    Channel listener() {
        return Objects.requireNonNull(listener);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        Channel own = context.channel();
        listener = own;
        again = () -> own.config().setAutoRead(true);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        Channel child = (Channel) message;
        InetSocketAddress from = (InetSocketAddress) child.remoteAddress();
        if (closed || from == null) {
            child.unsafe().closeForcibly();
            return;
        }
        Admission.Ruling ruling = admission.onAccepted(from.getAddress());
        if (ruling != Admission.Ruling.ADMIT) {
            counting.refused.incrementAndGet();
            String here = String.valueOf(context.channel().localAddress());
            refusals.ended(
                    here,
                    ruling.name(),
                    here + " has no room for " + ClientLife.address(from) + ": " + admission.connections()
                            + " connections, " + admission.handshakes() + " handshakes");
        }
        if (ruling == Admission.Ruling.DROP) {
            child.unsafe().closeForcibly();
            return;
        }
        Guest guest = new Guest(from, ruling);
        child.attr(KEY).set(guest);
        inside++;
        child.closeFuture().addListener(done -> execute(() -> onGone(guest)));
        context.fireChannelRead(child);
    }

    private void onGone(Guest guest) {
        ServerPeer peer = guest.peer;
        admission.onGone(guest.from.getAddress(), guest.ruling, peer != null && peer.link.wasUp());
        inside--;
        if (inside == 0) {
            onEmpty.run();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
        Channel own = context.channel();
        own.config().setAutoRead(false); // first: nothing else is sure to work without descriptors
        context.executor().schedule(again, REST_MILLIS, TimeUnit.MILLISECONDS);
        String here = String.valueOf(own.localAddress());
        refusals.ended(here, "accept", here + " cannot accept, rests for " + REST_MILLIS + " ms: " + error);
    }

    /** A handshake is complete. From any thread. */
    void onUp() {
        execute(admission::onUp);
    }

    /** Nobody comes in any more. */
    void close() {
        closed = true;
        listener().close();
    }

    /** Whether nobody comes in any more. From any thread. */
    boolean isClosed() {
        return closed;
    }

    boolean isEmpty() {
        return inside == 0;
    }

    /** Runs it on the listener's event loop; false if that has ended, with everything. From any thread. */
    boolean execute(Runnable task) {
        return Loops.execute(listener().eventLoop(), task);
    }
}
