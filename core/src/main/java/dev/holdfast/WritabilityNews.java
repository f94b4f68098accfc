package dev.holdfast;

import io.netty.channel.EventLoop;
import org.jspecify.annotations.Nullable;

/**
 * Tells whether there is room for more, when that has changed since it was told last. A listener that is far behind is told when it
 * has come nearer, and only the last state then. Confined to the event loop.
 */
final class WritabilityNews {
    private final Outbound outbound;
    private final Happenings happenings;
    private final EventLoop loop;
    private boolean told = true;
    private final LoopTimer again = new LoopTimer();

    WritabilityNews(Outbound outbound, Happenings happenings, EventLoop loop) {
        this.outbound = outbound;
        this.happenings = happenings;
        this.loop = loop;
    }

    /** @param up the connection that is up; null where there is none, and what has changed is told when there is one again */
    void look(@Nullable Link up) {
        boolean writable = outbound.isWritable();
        if (up == null || writable == told) {
            return;
        }
        if (!happenings.isFarBehind()) {
            told = writable;
            happenings.tell(new ConnectionEvent.Writability(up.owner.moment(up), up.connection, writable));
        } else if (!again.isRunning()) {
            again.schedule(
                    loop, Happenings.LOOK_AGAIN_NANOS, () -> look(up.state() == ConnectionState.CLOSED ? null : up));
        }
    }
}
