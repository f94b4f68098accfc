package dev.holdfast.examples.lab;

import dev.holdfast.Delivery;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What one end sent, and what became of it by its own account; and what it received. Messages are numbers. */
final class PartitionLedger {
    private final AtomicLong numbers = new AtomicLong();
    private final Map<Long, Delivery> sent = new ConcurrentHashMap<>();
    private final Queue<Long> received = new ConcurrentLinkedQueue<>();

    void send(Function<String, Delivery> by) {
        long number = numbers.incrementAndGet();
        sent.put(number, by.apply(String.valueOf(number)));
    }

    void receive(String message) {
        received.add(Long.parseLong(message));
    }

    /** Whether the fate of everything that was sent is known. */
    boolean isSettled() {
        return sent.values().stream()
                .noneMatch(each -> each.state() == Delivery.State.PENDING || each.state() == Delivery.State.WRITTEN);
    }

    /** A line for each state, and one for what was received. */
    String text() {
        StringBuilder text = new StringBuilder();
        for (Delivery.State state : Delivery.State.values()) {
            text.append(state)
                    .append(sent.entrySet().stream()
                            .filter(each -> each.getValue().state() == state)
                            .map(each -> " " + each.getKey())
                            .collect(Collectors.joining("", "", "\n")));
        }
        return text + "RECEIVED" + received.stream().map(each -> " " + each).collect(Collectors.joining());
    }
}
