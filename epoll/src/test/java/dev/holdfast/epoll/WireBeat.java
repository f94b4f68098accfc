package dev.holdfast.epoll;

import dev.holdfast.epoll.ClientProcess.Event;
import java.util.ArrayList;
import java.util.List;

/**
 * An answered beat, as the peer saw it on the wire and as its sender told of it.
 *
 * @param sequence its number, from 1
 * @param arrivalNanos when the peer had read it, on the peer's clock
 * @param latenessNanos how late it was made, as told
 * @param roundTripNanos from then to the answer, as told
 * @param stallNanos the stalls told between the answer before and this one
 * @param stalled its round trip says little: a stall was told, without which it is counted, or a suspicion, after which an
 *     answer may belong to an older probe
 */
record WireBeat(
        long sequence, long arrivalNanos, long latenessNanos, long roundTripNanos, long stallNanos, boolean stalled) {
    /** The answered beats of a connection, from what was told and when the probes came. */
    static List<WireBeat> of(List<Event> events, List<Long> probes) {
        List<WireBeat> beats = new ArrayList<>();
        long stall = 0;
        int doubtful = 0;
        for (Event event : events) {
            if (event.kind().equals("local-stall")) {
                stall += event.numbers().get(0);
            } else if (event.kind().equals("suspect") || event.kind().equals("alive")) {
                doubtful = 2;
            } else if (event.kind().equals("beat")) {
                long sequence = event.numbers().get(0);
                long arrival = probes.get((int) sequence - 1);
                beats.add(new WireBeat(
                        sequence,
                        arrival,
                        event.numbers().get(1),
                        event.numbers().get(2),
                        stall,
                        stall > 0 || doubtful > 0));
                stall = 0;
                doubtful--;
            }
        }
        return beats;
    }

    /** No beat arrives before it is made: it was due by this time. */
    long dueAtLatest() {
        return arrivalNanos - latenessNanos;
    }

    /** No answer is read before its probe has arrived: unless we stalled, it was due no earlier. */
    long dueAtEarliest() {
        return stalled ? Long.MIN_VALUE : dueAtLatest() - roundTripNanos;
    }
}
