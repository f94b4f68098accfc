package dev.holdfast;

import dev.holdfast.wire.Drain;
import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One client of a server. Confined to its event loop but for what is said to be otherwise. */
final class ServerPeer implements LinkOwner {
    private final ServerLife server;
    private final Happenings happenings;
    private final Outbound outbound;
    private final WritabilityNews writability;

    final Link link;

    private boolean up;
    private boolean moveAsked;
    private @Nullable Drain early;

    ServerPeer(ServerLife server, EventLoop loop, InetSocketAddress remote, long number) {
        this.server = server;
        PeerSettings settings = server.settings;
        CallbackQueue callbacks =
                new CallbackQueue(settings.executor, settings.inboundLimit, this::onInbound, this::onInbound);
        this.happenings = new Happenings(
                ClientLife.address(remote),
                remote.getHostString(),
                loop.ticker(),
                server.startNanos(),
                server.counting,
                callbacks,
                settings.onEvent);
        this.outbound = new Outbound(settings.outboundLimit, server.counting, settings.executor, this::onWritability);
        this.writability = new WritabilityNews(outbound, happenings, loop);
        this.link = settings.newLink(this, number, outbound, callbacks);
    }

    private void onInbound() {
        link.execute(link::adjustReading);
    }

    private void onWritability() {
        link.execute(() -> writability.look(up ? link : null));
    }

    /** Asks it to move away, or drains it from here where the protocol has no word for it; gives up a handshake. From any thread. */
    void askToMove(Duration left) {
        link.execute(() -> {
            if (!up) {
                link.abandon(Ending.of(Ending.Kind.CLOSED, "the server drains"));
            } else if (!link.askToMove(left)) {
                drain(left, "the server drains");
            }
        });
    }

    /** Drains it, whatever it has been asked. From any thread. */
    void end(Duration span, String why) {
        link.execute(() -> {
            if (up) {
                drain(span, why);
            } else {
                link.abandon(Ending.of(Ending.Kind.CLOSED, why));
            }
        });
    }

    private void drain(Duration span, String why) {
        link.drain(span.toNanos(), Ending.of(Ending.Kind.CLOSED, why), why);
    }

    @Override
    public void onConnected(Link connected) {}

    @Override
    public void onUp(Link shaken) {
        up = true;
        server.onUp();
        happenings.tell(new ConnectionEvent.Up(moment(shaken), shaken.connection, shaken.connection.options()));
        Drain asked = early;
        if (asked != null) {
            onDrainAsked(shaken, asked);
        }
    }

    @Override
    public void onEvent(ConnectionEvent event) {
        happenings.tellIfRoom(event);
    }

    @Override
    public ConnectionEvent.Moment moment(Link of) {
        return happenings.moment(of.epoch, of.state());
    }

    @Override
    public void onDrainAsked(Link asked, Drain drain) {
        if (!up) {
            early = drain; // told behind Up
            return;
        }
        if (moveAsked) {
            return; // a peer that repeats itself is not to fill our log
        }
        moveAsked = true;
        happenings.tell(new ConnectionEvent.Draining(
                moment(asked), asked.connection, "the peer asks for it: DRAIN " + drain.reason(), drain.span()));
    }

    @Override
    public void onDrainWanted(Link wanted, Duration span) {
        drain(span, "drained");
    }

    @Override
    public void onPeerEnds(Link ending) {}

    @Override
    public boolean isBehindProxy() {
        return false;
    }

    @Override
    public Counting counting() {
        return server.counting;
    }

    @Override
    public boolean isFinal(HandshakeRefusedException refused) {
        return false; // it is the client's to decide whether it tries again
    }

    @Override
    public void onGone(Link gone, Outcome outcome, boolean wasUp) {
        Ending how = outcome.ending();
        up = false; // what is settled from now on is no news of a connection that is gone
        if (wasUp) {
            server.counting.downs.incrementAndGet();
            if (how.kind() == Ending.Kind.PEER_DEAD) {
                server.counting.deaths.incrementAndGet();
            }
            happenings.tell(new ConnectionEvent.Down(moment(gone), gone.connection, how));
        } else {
            happenings.logFailedHandshake(gone.epoch, how);
        }
    }

    @Override
    public void onRemoved(Link removed) {
        server.onGone(this);
        removed.callbacks.add(0, server::onTold, server::onTold);
    }
}
