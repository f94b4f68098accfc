package dev.holdfast;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.util.ReferenceCountUtil;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** The conversation of one handshake. Its queues are confined to the event loop. */
final class HandshakeExchange implements Handshake {
    /** While so many messages that nobody has asked for wait nothing more is read. What a read still brings is kept, too. */
    private static final int MAX_UNASKED = 16;

    private final Link link;
    private final Queue<Object> unasked = new ArrayDeque<>();
    private final Queue<CompletableFuture<Object>> asking = new ArrayDeque<>();

    /** Written by the hook's thread, read by the event loop. */
    private volatile @Nullable Object credential;

    HandshakeExchange(Link link) {
        this.link = link;
    }

    @Override
    public long epoch() {
        return link.epoch;
    }

    @Override
    public SocketAddress remoteAddress() {
        return link.remoteAddress();
    }

    @Override
    public void using(Object named) {
        credential = Objects.requireNonNull(named, "credential");
    }

    /** What the hook has named; null if it has not. */
    @Nullable Object credential() {
        return credential;
    }

    @Override
    public CompletionStage<Void> send(Object message) {
        CompletableFuture<Void> written = new CompletableFuture<>();
        Object kept = link.settings.own(message);
        if (!link.execute(() -> write(kept, written))) {
            ReferenceCountUtil.release(kept);
            fail(written, "the connection is CLOSED");
        }
        return written.minimalCompletionStage();
    }

    private void write(Object message, CompletableFuture<Void> written) {
        ChannelHandlerContext mine = link.context();
        String refusal = mine == null || link.phase() != LinkPhase.SHAKING
                ? "the handshake is over"
                : link.refusal(link.settings.bytes(message));
        if (mine == null || refusal != null) {
            ReferenceCountUtil.release(message);
            fail(written, String.valueOf(refusal));
            return;
        }
        try {
            link.writeMessage(mine, message).addListener(done -> link.settings.complete(written, null, done.cause()));
            mine.flush();
        } catch (RuntimeException | Error unsendable) {
            link.settings.complete(written, null, unsendable);
        }
    }

    @Override
    public CompletionStage<Object> receive() {
        CompletableFuture<Object> asked = new CompletableFuture<>();
        boolean taken = link.execute(() -> {
            Object waiting = unasked.poll();
            if (waiting != null) {
                complete(asked, waiting);
                link.adjustReading();
            } else if (link.state() == ConnectionState.HANDSHAKING) {
                asking.add(asked);
            } else {
                fail(asked, "the handshake is over");
            }
        });
        if (!taken) {
            asked.completeExceptionally(new IllegalStateException("the connection has ended"));
        }
        return asked.minimalCompletionStage();
    }

    /** A message has come. */
    void offer(Object message) {
        Object kept = message;
        if (message instanceof ByteBuf buffer) {
            kept = Unpooled.wrappedBuffer(ByteBufUtil.getBytes(buffer)); // on the heap: nobody has to release it
            buffer.release();
        }
        CompletableFuture<Object> first = asking.poll();
        if (first != null) {
            complete(first, kept);
        } else {
            unasked.add(kept);
            link.adjustReading();
        }
    }

    /** Whether the hook, or the end of the handshake, is awaited before more is read. */
    boolean isFull() {
        return unasked.size() >= MAX_UNASKED;
    }

    /** What nobody asked for. */
    List<Object> unasked() {
        List<Object> left = new ArrayList<>(unasked);
        unasked.clear();
        asking.forEach(each -> fail(each, "the handshake is over"));
        asking.clear();
        return left;
    }

    /** The connection has ended. */
    void end(Ending how) {
        asking.forEach(each -> fail(each, how.toString()));
        asking.clear();
    }

    private void complete(CompletableFuture<Object> asked, Object message) {
        link.settings.complete(asked, message, null);
    }

    private void fail(CompletableFuture<?> asked, String why) {
        link.settings.complete(asked, null, new IllegalStateException(why));
    }
}
