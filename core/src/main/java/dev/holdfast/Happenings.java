package dev.holdfast;

import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/** Tells what happens: to the listener, in order, and to the log, one line for each transition. Confined to the event loop. */
final class Happenings {
    /** So many callbacks may wait until no new attempt is made and lesser events are dropped. */
    private static final int FAR_BEHIND = 1024;

    static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final Logger log = LoggerFactory.getLogger(Connection.class);

    /** Of the whole process: one endpoint has many clients. */
    private static final Tally deaths = new Tally(log);

    /** A loop that stalls has many connections. */
    private static final Tally stalls = new Tally(log);

    private final String name;
    private final String endpoint;
    private final Ticker ticker;
    private final long startNanos;
    private final Counting counting;
    private final CallbackQueue callbacks;
    private final ConnectionListener listener;

    /**
     * For one client, or one connection of a server.
     *
     * @param endpoint with whom: deaths of the same endpoint are one line with a count
     */
    Happenings(
            String name,
            String endpoint,
            Ticker ticker,
            long startNanos,
            Counting counting,
            CallbackQueue callbacks,
            ConnectionListener listener) {
        this.name = name;
        this.endpoint = endpoint;
        this.ticker = ticker;
        this.startNanos = startNanos;
        this.counting = counting;
        this.callbacks = callbacks;
        this.listener = listener;
    }

    /** Whether the listener is so far behind that nothing new should be begun. */
    boolean isFarBehind() {
        return callbacks.size() >= FAR_BEHIND;
    }

    ConnectionEvent.Moment moment(long epoch, ConnectionState state) {
        return new ConnectionEvent.Moment(
                name, epoch, Duration.ofNanos(ticker.nanoTime() - startNanos), state, counting.now());
    }

    /** A transition: it is never dropped. */
    void tell(ConnectionEvent event) {
        log(event);
        callbacks.add(Outbound.OVERHEAD, () -> listener.onEvent(event));
    }

    /** An event of less weight, dropped and counted where the listener is far behind. */
    void tellIfRoom(ConnectionEvent event) {
        boolean transition = event instanceof ConnectionEvent.Draining || event instanceof ConnectionEvent.Drained;
        if (transition || !isFarBehind()) {
            tell(event);
        } else {
            counting.eventsDropped.incrementAndGet();
        }
    }

    /** Somebody connected to a server and did not come up: no event, for there was no connection. */
    void logFailedHandshake(long epoch, Ending how) {
        deaths.ended(endpoint, "HANDSHAKE", name + " did not come up, " + how);
        log.atDebug().addKeyValue("epoch", epoch).log("{} did not come up, {}", name, how);
    }

    private void log(ConnectionEvent event) {
        ConnectionEvent.Moment moment = event.moment();
        if (event instanceof ConnectionEvent.Up up) {
            line(log.atInfo(), moment)
                    .log("{} is up: {}", moment.name(), up.connection().remoteAddress());
        } else if (event instanceof ConnectionEvent.Down down) {
            if (down.ending().kind() == Ending.Kind.PEER_DEAD) {
                deaths.ended(
                        endpoint,
                        down.ending().death().map(death -> death.cause().name()).orElse("PEER_DEAD"),
                        down.ending().reason());
            } else {
                line(log.atInfo(), moment).log("{} is down, {}", moment.name(), down.ending());
            }
        } else if (event instanceof ConnectionEvent.Closed closed) {
            line(log.atInfo(), moment).log("{} is closed, {}", moment.name(), closed.ending());
        } else if (event instanceof ConnectionEvent.Draining draining) {
            line(log.atInfo(), moment)
                    .addKeyValue("span", draining.span())
                    .log("{} drains: {}", moment.name(), draining.why());
        } else if (event instanceof ConnectionEvent.LocalStall stall) {
            String loop = Thread.currentThread().getName();
            stalls.ended(loop, "LOCAL_STALL", loop + " did not run for " + stall.length() + ", " + moment.name());
        } else {
            log.atDebug().addKeyValue("event", event).log("{}", moment.name());
        }
    }

    private static LoggingEventBuilder line(LoggingEventBuilder at, ConnectionEvent.Moment moment) {
        return at.addKeyValue("epoch", moment.epoch()).addKeyValue("state", moment.state());
    }
}
