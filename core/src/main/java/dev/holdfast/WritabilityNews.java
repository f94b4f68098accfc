package dev.holdfast;

import io.netty.channel.EventLoop;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells whether there is room for more, when that has changed since it was told last. A listener that is far behind is told when it
 * has come nearer, and only the last state then. Confined to the event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // it looks again, whatever happens
final class WritabilityNews {
    private final Outbound outbound;
    private final Happenings happenings;
    private final EventLoop loop;
    private boolean told = true;
    private boolean looksAgain;

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
        } else if (!looksAgain) {
            looksAgain = true;
            loop.schedule(
                    () -> {
                        looksAgain = false;
                        look(up.state() == ConnectionState.CLOSED ? null : up);
                    },
                    Happenings.LOOK_AGAIN_MILLIS,
                    TimeUnit.MILLISECONDS);
        }
    }
}
