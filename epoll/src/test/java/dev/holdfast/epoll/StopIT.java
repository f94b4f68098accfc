package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.epoll.ClientProcess.Event;
import dev.holdfast.epoll.ClientProcess.Times;
import dev.holdfast.socket.Transport;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Our own process is stopped, for longer than any bound, and continued. One stop hits connections in each of four phases, on
 * each transport, once with a peer that lives and once with one that stops answering during the stop. The peers' gates lead
 * the connections into their phases, and while the process is stopped it is checked that they are there.
 */
class StopIT {
    private static final Duration TIMEOUT = Duration.ofMillis(1500);
    private static final int ATTEMPTS = 2;
    private static final Times PROBED = new Times(Duration.ofMillis(400), TIMEOUT, ATTEMPTS, Duration.ZERO);
    /** A longer interval, for no beat must come due between the quiet moment and the stop. */
    private static final Times QUIET = new Times(Duration.ofMillis(1000), TIMEOUT, ATTEMPTS, Duration.ZERO);
    /** Longer than interval + attempts * timeout of the phases with a probe out. */
    private static final Duration STOP = Duration.ofMillis(3500);
    /** Scheduling of two processes on a busy machine. */
    private static final Duration ROOM = Duration.ofMillis(150);
    /** As ROOM, and a signal, the ticks of a beat and of each probe, and the way of a line through a pipe. */
    private static final Duration LONG_ROOM = Duration.ofMillis(700);

    private static final int BEATS_AFTERWARDS = 4;

    private enum Phase {
        NO_PROBE_OUT,
        PROBE_OUT,
        ANSWER_IN_OUR_BUFFER,
        SECOND_PROBE_OUT;

        Times times() {
            return this == NO_PROBE_OUT ? QUIET : PROBED;
        }
    }

    /** One connection of the stopped process. */
    private record Connection(String transport, Phase phase, boolean peerLives, GatedPeer peer) {
        String name() {
            return (transport + "-" + phase + (peerLives ? "-living" : "-dying"))
                    .toLowerCase(java.util.Locale.ROOT)
                    .replace('_', '-');
        }

        Times times() {
            return phase.times();
        }

        @Override
        public String toString() {
            return name();
        }
    }

    private static final List<Connection> CONNECTIONS = new ArrayList<>();
    private static ClientProcess client;
    private static ChildJvm.Stop stop;

    @BeforeAll
    static void stopAndContinue() throws Exception {
        client = new ClientProcess();
        connectAll();
        for (Connection connection : CONNECTIONS) {
            client.await(connection.name(), "beat", 2);
        }
        leadIntoPhases();
        ChildJvm.Stopped stopped = client.stop();
        checkPhases();
        duringTheStop();
        stop = stopped.lasting(STOP).resume();
        for (Connection connection : in(Phase.PROBE_OUT, Phase.SECOND_PROBE_OUT)) {
            connection.peer().open(); // the dead don't answer
        }
        for (Connection connection : CONNECTIONS) {
            if (connection.peerLives()) {
                connection
                        .peer()
                        .await(
                                connection + " beats",
                                peer -> probesAfterwards(peer) >= BEATS_AFTERWARDS || peer.isClosed());
            } else {
                client.await(connection.name(), "dead", 1);
            }
        }
        client.close(); // what is recorded stays as it is
    }

    private static void connectAll() throws IOException {
        for (Transport transport : Transport.all()) {
            for (Phase phase : Phase.values()) {
                for (boolean lives : new boolean[] {true, false}) {
                    Connection connection = new Connection(transport.name(), phase, lives, new GatedPeer());
                    CONNECTIONS.add(connection);
                    client.connect(connection.name(), transport.name(), connection.peer(), connection.times());
                }
            }
        }
    }

    private static List<Connection> in(Phase... phases) {
        return CONNECTIONS.stream()
                .filter(connection -> List.of(phases).contains(connection.phase()))
                .toList();
    }

    /** The second probes first; while they are out there is a timeout to bring the others to their places. */
    private static void leadIntoPhases() throws Exception {
        List<Connection> second = in(Phase.SECOND_PROBE_OUT);
        List<Connection> first = in(Phase.PROBE_OUT, Phase.ANSWER_IN_OUR_BUFFER);
        second.forEach(connection -> connection.peer().shut());
        second.get(0).peer().await("a second probe", peer -> peer.unanswered() == 2);
        first.forEach(connection -> connection.peer().shut());
        for (Connection connection : second) {
            connection.peer().await(connection + " has a second probe", peer -> peer.unanswered() == 2);
        }
        for (Connection connection : first) {
            connection.peer().await(connection + " has a probe", peer -> peer.unanswered() == 1);
        }
        // Any byte is life, and puts the next beat off by an interval: nothing is outstanding.
        for (Connection connection : in(Phase.NO_PROBE_OUT)) {
            connection.peer().sendData();
        }
        for (Connection connection : in(Phase.NO_PROBE_OUT)) {
            client.await(connection.name(), "data", 1);
        }
    }

    private static void checkPhases() {
        for (Connection connection : CONNECTIONS) {
            int expected = switch (connection.phase()) {
                case NO_PROBE_OUT -> 0;
                case PROBE_OUT, ANSWER_IN_OUR_BUFFER -> 1;
                case SECOND_PROBE_OUT -> 2;
            };
            assertThat(connection.peer().unanswered())
                    .as("probes out on %s", connection)
                    .isEqualTo(expected);
        }
    }

    private static void duringTheStop() throws IOException {
        for (Connection connection : in(Phase.ANSWER_IN_OUR_BUFFER)) {
            connection.peer().open();
        }
        for (Connection connection : CONNECTIONS) {
            if (!connection.peerLives()) {
                connection.peer().die();
            }
        }
    }

    private static long probesAfterwards(GatedPeer peer) {
        return peer.probes().stream()
                .filter(probe -> probe - stop.resumed() > 0)
                .count();
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
    }

    static Stream<Connection> all() {
        return CONNECTIONS.stream();
    }

    static Stream<Connection> living() {
        return CONNECTIONS.stream().filter(Connection::peerLives);
    }

    static Stream<Connection> dying() {
        return CONNECTIONS.stream().filter(connection -> !connection.peerLives());
    }

    @Test
    void stoppedProcess_complainsOfNothing() {
        assertThat(CONNECTIONS).hasSize(Transport.all().size() * Phase.values().length * 2);
        assertThat(client.complaints()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("all")
    void ownStop_isToldOnce_withItsLength(Connection connection) {
        // The timer last came before the stop and next after it; what is told is all that lies between, less one tick.
        Duration atLeast = stop.atLeast().minus(connection.times().tick());
        List<Duration> told = client.events(connection.name(), "local-stall").stream()
                .map(event -> event.duration(0))
                .filter(length -> length.compareTo(atLeast) >= 0)
                .toList();
        assertThat(told).hasSize(1);
        assertThat(told.get(0)).isLessThan(stop.atMost().plus(ROOM));
    }

    @ParameterizedTest
    @MethodSource("living")
    void livingPeer_isNotDeclaredDead(Connection connection) {
        int suspicions = connection.phase() == Phase.SECOND_PROBE_OUT ? 1 : 0;
        assertThat(client.events(connection.name(), "dead")).isEmpty();
        assertThat(client.events(connection.name(), "suspect")).hasSize(suspicions);
        assertThat(client.events(connection.name(), "alive")).hasSize(suspicions);
        assertThat(connection.peer().unanswered()).isZero();
        assertThat(connection.peer().answers()).hasSizeGreaterThan(BEATS_AFTERWARDS);
    }

    /** At most one beat leaves late at once; then there is one at each point of the grid. */
    @ParameterizedTest
    @MethodSource("living")
    void livingPeer_getsOneBeatAnInterval_afterTheStop(Connection connection) {
        Duration interval = connection.times().interval();
        Duration late = connection.times().tick().plus(ROOM).plus(otherStalls(connection));
        List<Long> beats = connection.peer().probes().stream()
                .filter(probe -> probe - stop.resumed() > 0)
                .limit(BEATS_AFTERWARDS)
                .toList();
        assertThat(beats).hasSize(BEATS_AFTERWARDS);
        assertThat(Duration.ofNanos(beats.get(0) - stop.continued())).isLessThan(interval.plus(late));
        assertThat(Duration.ofNanos(beats.get(1) - beats.get(0))).isLessThan(interval.plus(late));
        for (int i = 2; i < beats.size(); i++) {
            assertThat(Duration.ofNanos(beats.get(i) - beats.get(i - 1)))
                    .isBetween(interval.minus(late), interval.plus(late));
        }
    }

    @ParameterizedTest
    @MethodSource("dying")
    void peerThatDiesDuringTheStop_isFoundWithinTheBoundPlusTheStop_andNamed(Connection connection) {
        List<Event> deaths = client.events(connection.name(), "dead");
        String cause = connection.transport().equals("epoll") ? "PEER_HUNG" : "HEARTBEAT_TIMEOUT";
        assertThat(deaths).extracting(Event::kind).containsExactly("dead-" + cause);
        List<Long> answers = connection.peer().answers();
        Duration bound = connection.times().bound().plus(stop.atMost()).plus(otherStalls(connection));
        Duration sinceAnswer = Duration.ofNanos(deaths.get(0).nanos() - answers.get(answers.size() - 1));
        assertThat(sinceAnswer).isLessThan(bound.plus(LONG_ROOM));
        assertThat(deaths.get(0).duration(0)).isLessThan(bound.plus(LONG_ROOM));
        assertThat(sinceAnswer).isGreaterThanOrEqualTo(leastSilence(connection));
    }

    /** What was told besides the stop: a busy machine stalls us, too, and no bound holds without that. */
    private static Duration otherStalls(Connection connection) {
        List<Duration> told = client.events(connection.name(), "local-stall").stream()
                .map(event -> event.duration(0))
                .sorted()
                .toList();
        return told.stream().limit(told.size() - 1).reduce(Duration.ZERO, Duration::plus);
    }

    /** The unanswered probes had all their time while we ran: none of it is the stop's, less the tick it is told without. */
    private static Duration leastSilence(Connection connection) {
        Duration probed = TIMEOUT.multipliedBy(ATTEMPTS);
        return switch (connection.phase()) {
            case ANSWER_IN_OUR_BUFFER -> probed;
            case NO_PROBE_OUT, PROBE_OUT, SECOND_PROBE_OUT ->
                probed.plus(stop.atLeast()).minus(connection.times().tick());
        };
    }
}
