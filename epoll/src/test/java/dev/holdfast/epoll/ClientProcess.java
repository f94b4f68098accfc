package dev.holdfast.epoll;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** A {@link ClientProgram} in a process of its own, and the events it told. */
final class ClientProcess implements AutoCloseable {
    private final ChildJvm jvm;

    /** What the client told, when we had read it, and its numbers. */
    record Event(long nanos, String connection, String kind, List<Long> numbers) {
        static Event of(ChildJvm.Line line) {
            String[] words = line.text().split(" ", -1);
            List<Long> numbers =
                    Arrays.stream(words).skip(2).map(Long::parseLong).toList();
            return new Event(line.nanos(), words[0], words[1], numbers);
        }

        Duration duration(int number) {
            return Duration.ofNanos(numbers.get(number));
        }
    }

    /** The times of a connection's heartbeat, and how long the event loop works after each answer. */
    record Times(Duration interval, Duration timeout, int attempts, Duration work) {
        Duration bound() {
            return interval.plus(timeout.multipliedBy(attempts));
        }

        Duration tick() {
            return dev.holdfast.heartbeat.HeartbeatOptions.builder()
                    .interval(interval)
                    .timeout(timeout)
                    .build()
                    .tick();
        }
    }

    ClientProcess() throws IOException, InterruptedException {
        jvm = new ChildJvm(ClientProgram.class);
        try {
            jvm.await("the client is ready", lines -> !lines.isEmpty());
        } catch (InterruptedException | RuntimeException | Error failed) {
            jvm.close();
            throw failed;
        }
    }

    void connect(String name, String transport, GatedPeer peer, Times times) {
        jvm.tell(String.join(
                " ",
                name,
                transport,
                Integer.toString(peer.port()),
                Long.toString(times.interval().toMillis()),
                Long.toString(times.timeout().toMillis()),
                Integer.toString(times.attempts()),
                Long.toString(times.work().toMillis())));
    }

    ChildJvm.Stopped stop() throws IOException, InterruptedException {
        return jvm.stop();
    }

    /** The events of a connection, in their order. */
    List<Event> events(String name) {
        return events(jvm.lines(), name);
    }

    private static List<Event> events(List<ChildJvm.Line> lines, String name) {
        return lines.stream()
                .filter(line -> line.text().startsWith(name + " "))
                .map(Event::of)
                .toList();
    }

    /** The events of one kind, of which a death's begins with "dead-". */
    List<Event> events(String name, String kind) {
        return events(name).stream()
                .filter(event -> event.kind().startsWith(kind))
                .toList();
    }

    /** Waits until a connection has told of so many events of a kind. */
    void await(String name, String kind, int count) throws InterruptedException {
        jvm.await(
                name + ": " + count + " times " + kind,
                lines -> events(lines, name).stream()
                                .filter(event -> event.kind().startsWith(kind))
                                .count()
                        >= count);
    }

    /** What the process printed beyond its events: nothing, unless a buffer leaked or something failed. */
    List<String> complaints() {
        return jvm.lines().stream()
                .skip(1)
                .map(ChildJvm.Line::text)
                .filter(text -> !text.matches("[a-z0-9-]+ [a-z]+[A-Z_a-z-]*( -?[0-9]+)*"))
                .toList();
    }

    @Override
    public void close() {
        jvm.close();
    }
}
