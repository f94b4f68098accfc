package dev.holdfast;

import java.util.concurrent.atomic.AtomicLong;

/** The counters while they count. Written by event loops and by who sends, read by anybody. */
final class Counting {
    final AtomicLong attempts = new AtomicLong();
    final AtomicLong ups = new AtomicLong();
    final AtomicLong deaths = new AtomicLong();
    final AtomicLong downs = new AtomicLong();
    final AtomicLong refused = new AtomicLong();
    final AtomicLong sent = new AtomicLong();
    final AtomicLong written = new AtomicLong();
    final AtomicLong confirmed = new AtomicLong();
    final AtomicLong notSent = new AtomicLong();
    final AtomicLong unknown = new AtomicLong();
    final AtomicLong received = new AtomicLong();
    final AtomicLong eventsDropped = new AtomicLong();

    Counters now() {
        return new Counters(
                attempts.get(),
                ups.get(),
                deaths.get(),
                downs.get(),
                refused.get(),
                sent.get(),
                written.get(),
                confirmed.get(),
                notSent.get(),
                unknown.get(),
                received.get(),
                eventsDropped.get());
    }
}
