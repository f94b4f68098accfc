package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.epoll.ClientProcess.Event;
import dev.holdfast.epoll.ClientProcess.Times;
import dev.holdfast.socket.Transport;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A story that happened, a hundred times faster. A client sent one byte, 01, every 45 s; the server answered with one byte,
 * 41, and was declared dead when no answer had come 46 s after the previous probe. One day a probe left 13 s late, the server
 * answered it in 0.37 ms, and the client reset a healthy connection.
 *
 * <p>Here the client's process is stopped for 130 ms, 1 s and 10 s, each time across a grid point and with no probe out.
 * After every answer its event loop works for a while, as the old client did, whose beats therefore drifted.
 */
class SeedIT {
    private static final Times TIMES =
            new Times(Duration.ofMillis(450), Duration.ofMillis(460), 2, Duration.ofMillis(20));
    /** The first beats wait for their code to be loaded, between being made and leaving; they are left out. */
    private static final int WARM_UP = 2;

    private static final int BEATS = 10;
    private static final int BEATS_AFTER_A_STOP = 3;
    /** As late as the story's probe. */
    private static final Duration SHORT = Duration.ofMillis(130);

    private static final List<Duration> LONG = List.of(Duration.ofSeconds(1), Duration.ofSeconds(10));
    private static final int TRIES = 20;
    /** Scheduling of two processes on a busy machine. */
    private static final Duration ROOM = Duration.ofMillis(100);

    private static final List<Connection> CONNECTIONS = new ArrayList<>();
    private static final List<ChildJvm.Stop> STOPS = new ArrayList<>();
    private static final List<LateBeat> LATE = new ArrayList<>();
    private static ClientProcess client;

    private record Connection(String transport, GatedPeer peer) {
        List<WireBeat> beats() {
            return WireBeat.of(client.events(transport), peer.probes()).stream()
                    .filter(beat -> beat.sequence() > WARM_UP)
                    .toList();
        }

        BeatGrid grid() {
            return BeatGrid.of(beats(), TIMES.interval().toNanos());
        }

        WireBeat beat(long sequence) {
            return beats().stream()
                    .filter(beat -> beat.sequence() == sequence)
                    .findAny()
                    .orElseThrow();
        }

        /** Every probe that the peer has received is answered, and the answer was read. */
        boolean isQuiet() {
            List<WireBeat> beats = beats();
            return beats.get(beats.size() - 1).sequence() == peer.probes().size();
        }

        @Override
        public String toString() {
            return transport;
        }
    }

    /** A beat that was due while the process was stopped. */
    private record LateBeat(Connection connection, Duration length, ChildJvm.Stop stop, long sequence) {
        WireBeat beat() {
            return connection.beat(sequence);
        }

        /** The grid point it was due at. */
        long gridPoint() {
            return connection.grid().indexAfter(connection.beat(sequence - 1).arrivalNanos());
        }

        @Override
        public String toString() {
            return connection + ", stopped for " + length;
        }
    }

    @BeforeAll
    static void tellTheStory() throws Exception {
        client = new ClientProcess();
        for (Transport transport : Transport.all()) {
            Connection connection = new Connection(transport.name(), new GatedPeer());
            CONNECTIONS.add(connection);
            client.connect(connection.transport(), connection.transport(), connection.peer(), TIMES);
        }
        awaitBeats(WARM_UP + BEATS);
        for (Connection connection : CONNECTIONS) {
            stopAcrossTheGrid(List.of(connection), SHORT);
        }
        for (Duration length : LONG) {
            stopAcrossTheGrid(CONNECTIONS, length);
        }
        client.close(); // what is recorded stays as it is
    }

    private static void awaitBeats(int more) throws InterruptedException {
        for (Connection connection : CONNECTIONS) {
            int beats = client.events(connection.transport(), "beat").size();
            client.await(connection.transport(), "beat", beats + more);
        }
    }

    /**
     * Stops the process shortly before a grid point of the first of some connections, so that a beat of each comes due while
     * it is stopped. If the stop came too late, or while a probe was out, which is another story (StopIT), it is done again.
     */
    private static void stopAcrossTheGrid(List<Connection> wanted, Duration length) throws Exception {
        for (int i = 0; i < TRIES; i++) {
            BeatGrid grid = wanted.get(0).grid();
            long point = grid.earliest(grid.indexAfter(System.nanoTime() + SHORT.toNanos()));
            parkUntil(point - SHORT.toNanos() / 2);
            ChildJvm.Stopped stopped = client.stop();
            List<Connection> quiet = wanted.stream().filter(Connection::isQuiet).toList();
            ChildJvm.Stop stop = stopped.lasting(length).resume();
            STOPS.add(stop);
            List<LateBeat> late = new ArrayList<>();
            for (Connection connection : quiet) {
                addIfLate(late, connection, length, stop);
            }
            awaitBeats(BEATS_AFTER_A_STOP);
            if (late.size() == wanted.size()) {
                LATE.addAll(late);
                return;
            }
        }
        throw new AssertionError("no grid point was hit in " + TRIES + " stops of " + length);
    }

    private static void parkUntil(long nanos) {
        for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static void addIfLate(List<LateBeat> late, Connection connection, Duration length, ChildJvm.Stop stop) {
        List<WireBeat> before = connection.beats().stream()
                .filter(beat -> beat.arrivalNanos() - stop.stopped() < 0)
                .toList();
        BeatGrid grid = BeatGrid.of(before, TIMES.interval().toNanos());
        WireBeat last = before.get(before.size() - 1);
        long next = grid.indexAfter(last.arrivalNanos());
        if (grid.earliest(next) - stop.stopped() > 0 && grid.latest(next) - stop.resumed() < 0) {
            late.add(new LateBeat(connection, length, stop, last.sequence() + 1));
        }
    }

    @AfterAll
    static void close() throws IOException {
        if (client != null) {
            client.close();
        }
        for (Connection connection : CONNECTIONS) {
            connection.peer().close();
        }
        CONNECTIONS.clear();
        STOPS.clear();
        LATE.clear();
    }

    static Stream<Connection> connections() {
        return CONNECTIONS.stream();
    }

    static Stream<LateBeat> lateBeats() {
        return LATE.stream();
    }

    @Test
    void story_isTold_onEachTransport() {
        assertThat(LATE).hasSize(Transport.all().size() * (1 + LONG.size()));
        assertThat(client.complaints()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("connections")
    void nobody_isDeclaredDead(Connection connection) {
        assertThat(client.events(connection.transport(), "dead")).isEmpty();
        assertThat(connection.peer().unanswered()).isZero();
        assertThat(connection.peer().answers()).hasSizeGreaterThan(BEATS + 3 * BEATS_AFTER_A_STOP);
    }

    /** (a) The work after each answer moves no beat: n beats at n successive grid points, none early, none late by more than a tick. */
    @ParameterizedTest
    @MethodSource("connections")
    void beats_dontDrift_thoughTheLoopWorksAfterEach(Connection connection) {
        List<WireBeat> beats = connection.beats().subList(0, BEATS);
        BeatGrid grid = BeatGrid.of(beats, TIMES.interval().toNanos());
        assertThat(grid.isKept()).as("%s of %s", grid, beats).isTrue();
        for (int i = 0; i < BEATS; i++) {
            assertThat(beats.get(i).sequence()).isEqualTo(WARM_UP + i + 1);
            assertThat(grid.index(beats.get(i)) - grid.index(beats.get(0))).isEqualTo(i);
            assertOnTime(grid, beats.get(i));
        }
    }

    private static void assertOnTime(BeatGrid grid, WireBeat beat) {
        assertThat(beat.latenessNanos()).isNotNegative();
        assertThat(Duration.ofNanos(beat.arrivalNanos() - grid.earliest(grid.index(beat))))
                .as("lateness of %s", beat)
                .isBetween(Duration.ZERO, TIMES.tick().plus(ROOM).plusNanos(beat.stallNanos()));
    }

    /** (b) The beat leaves late, its answer counts, and the stall is named. */
    @ParameterizedTest
    @MethodSource("lateBeats")
    void beatDueDuringAStop_leavesLate_andItsAnswerCounts(LateBeat late) {
        WireBeat beat = late.beat();
        ChildJvm.Stop stop = late.stop();
        assertThat(beat.arrivalNanos()).isGreaterThan(stop.resumed());
        long due = late.connection().grid().latest(late.gridPoint());
        assertThat(Duration.ofNanos(beat.latenessNanos()))
                .isBetween(
                        Duration.ofNanos(stop.resumed() - due),
                        Duration.ofNanos(stop.continued() - due)
                                .plus(TIMES.tick())
                                .plus(ROOM));
        long answered = late.connection().peer().answers().get((int) late.sequence() - 1);
        assertThat(Duration.ofNanos(answered - beat.arrivalNanos())).isLessThan(TIMES.timeout());
    }

    @ParameterizedTest
    @MethodSource("lateBeats")
    void stop_isToldOnce_withItsLength(LateBeat late) {
        // The timer last came before the stop and next after it; what is told is all that lies between, less one tick.
        Duration atLeast = late.stop().atLeast().minus(TIMES.tick());
        Duration atMost = late.stop().atMost().plus(ROOM);
        assertThat(toldBefore(late))
                .filteredOn(length -> length.compareTo(atLeast) >= 0)
                .hasSize(1)
                .allSatisfy(length -> assertThat(length).isLessThan(atMost));
    }

    /** The stalls told between the answer before a beat and its own. */
    private static List<Duration> toldBefore(LateBeat late) {
        List<Duration> stalls = new ArrayList<>();
        for (Event event : client.events(late.connection().transport())) {
            boolean beat = event.kind().equals("beat");
            if (beat && event.numbers().get(0) == late.sequence()) {
                return stalls;
            }
            if (beat) {
                stalls.clear();
            } else if (event.kind().equals("local-stall")) {
                stalls.add(event.duration(0));
            }
        }
        throw new AssertionError("the beat was not answered: " + late);
    }

    /** (c) One beat for all that were missed, then one at each grid point, the grid being that of before. */
    @ParameterizedTest
    @MethodSource("lateBeats")
    void grid_isKept_afterAStop(LateBeat late) {
        List<WireBeat> beats = late.connection().beats();
        BeatGrid grid = late.connection().grid();
        assertThat(grid.isKept()).as("%s of %s", grid, beats).isTrue();
        assertThat(grid.index(late.beat())).isEqualTo(late.gridPoint());
        WireBeat next = late.connection().beat(late.sequence() + 1);
        // A grid point is left out if it comes between the late beat and its answer, the length of a round trip.
        assertThat(grid.index(next))
                .isBetween(
                        grid.indexAfter(late.beat().arrivalNanos() - late.beat().roundTripNanos()),
                        grid.indexAfter(late.beat().arrivalNanos() + late.beat().roundTripNanos()));
        for (int i = 0; i < BEATS_AFTER_A_STOP - 1; i++) {
            WireBeat beat = late.connection().beat(next.sequence() + i);
            assertThat(grid.index(beat) - grid.index(next))
                    .as("grid point of %s", beat)
                    .isEqualTo(i);
            assertOnTime(grid, beat);
        }
    }
}
