package dev.holdfast.verdict;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.socket.ChannelOutputShutdownException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PostMortemTest {
    private final IOException timedOut = new IOException("Connection timed out");

    private static TcpSnapshot evidence(int retransmits, int probes, int notSent, int window, int lastAckMillis) {
        ByteBuffer info = TcpSnapshotTest.info();
        info.put(2, (byte) retransmits).put(3, (byte) probes);
        info.putInt(144, notSent).putInt(228, window).putInt(56, lastAckMillis);
        return TcpSnapshot.of(info, 248);
    }

    // what survives the kernel's own verdict, measured for each fault on Linux 6.18
    @ParameterizedTest
    @CsvSource({
        "data black-holed,            6, 0,       0, 64256,  5500, PATH_DEAD",
        "data black-holed with more,  6, 0, 2500000, 64256,  5500, PATH_DEAD",
        "black hole behind a window,  6, 0,       0,     0,  5500, PATH_DEAD",
        "keepalive unanswered,        0, 3,       0, 64256,  5000, PATH_DEAD",
        "zero window and peer alive,  0, 0, 2500000,     0,  1600, PEER_NOT_READING",
        "the newest probe is on its way, 0, 1, 2500000,  0,  1600, PEER_NOT_READING",
        "zero window and peer gone,   0, 5, 2500000,     0,  3200, PATH_DEAD",
        "our netfilter drops,         0, 5,    1000, 64256,  5200, LOCAL_DROP",
        "our qdisc drops,             0, 15,   1000, 64256,  7900, LOCAL_DROP"
    })
    void timeout_isNamedByWhatSurvives(
            String fault, int retransmits, int probes, int notSent, int window, int lastAck, DeathCause cause) {
        TcpSnapshot evidence = evidence(retransmits, probes, notSent, window, lastAck);
        assertThat(PostMortem.established(timedOut, Optional.of(evidence)))
                .as(fault)
                .isEqualTo(cause);
    }

    @Test
    void timeout_withoutEvidence_isPathDead() {
        assertThat(PostMortem.established(timedOut, Optional.empty())).isEqualTo(DeathCause.PATH_DEAD);
    }

    @ParameterizedTest
    @CsvSource({
        "Connection reset by peer, RESET",
        "Connection reset, RESET",
        "Broken pipe, RESET",
        "No route to host, UNREACHABLE",
        "Host is unreachable, UNREACHABLE",
        "Network is unreachable, UNREACHABLE",
        "Software caused connection abort, LOCALLY_ABORTED",
        "Connection timed out, PATH_DEAD",
        "my broker said: Connection timed out for topic, OTHER",
        "Connection timed out: /192.0.2.1:80, PATH_DEAD",
        "Something new, OTHER"
    })
    void error_isNamedByItsText_alsoInsideNettysWrapping(String message, DeathCause cause) {
        IOException error = new SocketException(message);
        assertThat(PostMortem.established(error, Optional.empty())).isEqualTo(cause);
        assertThat(PostMortem.established(
                        new ChannelOutputShutdownException("Channel output shutdown", error), Optional.empty()))
                .isEqualTo(cause);
    }

    // a failed write does not always tell its error; the socket's state does
    @ParameterizedTest
    @CsvSource({
        "7, 6, 0, 0,       64256, PATH_DEAD",
        "7, 0, 3, 0,       64256, PATH_DEAD",
        "7, 0, 1, 2500000,     0, PEER_NOT_READING",
        "7, 0, 0, 100,     64256, RESET",
        "7, 0, 0, 0,       64256, RESET",
        "1, 6, 0, 0,       64256, OTHER"
    })
    void failedWrite_withoutAnError_isNamedByTheSocketsState(
            int state, int retransmits, int probes, int notSent, int window, DeathCause cause) {
        ByteBuffer info = TcpSnapshotTest.info();
        info.put(0, (byte) state).put(2, (byte) retransmits).put(3, (byte) probes);
        info.putInt(144, notSent).putInt(228, window);
        assertThat(PostMortem.established(new IOException("a write failed"), Optional.of(TcpSnapshot.of(info, 248))))
                .isEqualTo(cause);
    }

    @Test
    void connect_thatTimedOut_isConnectTimeout_whoeverSaysSo() {
        assertThat(PostMortem.connecting(new ConnectTimeoutException("connection timed out after 1000 ms")))
                .isEqualTo(DeathCause.CONNECT_TIMEOUT);
        assertThat(PostMortem.connecting(new SocketTimeoutException("Connect timed out")))
                .isEqualTo(DeathCause.CONNECT_TIMEOUT);
        assertThat(PostMortem.connecting(new ConnectException("Connection timed out")))
                .isEqualTo(DeathCause.CONNECT_TIMEOUT);
    }

    @Test
    void connect_withNoRoute_isUnreachable() {
        assertThat(PostMortem.connecting(new NoRouteToHostException("in whichever language")))
                .isEqualTo(DeathCause.UNREACHABLE);
    }

    @Test
    void connect_thatWasRefused_isNoDeathOfThese() {
        assertThat(PostMortem.connecting(new ConnectException("Connection refused")))
                .isEqualTo(DeathCause.OTHER);
    }

    @Test
    void explain_namesPeerCauseAndTime() {
        PeerDeath death = new PeerDeath(
                "hsm.internal:7000",
                DeathCause.PATH_DEAD,
                Duration.ofMillis(5470),
                "a rule",
                Evidence.of(Optional.of(evidence(6, 0, 0, 64256, 5470)), false, Backlog.NONE),
                Optional.of(timedOut));
        assertThat(death.explain())
                .isEqualTo(
                        "hsm.internal:7000 is dead: what we sent was not acknowledged in 6"
                                + " retransmissions: its host or the path to it is gone. Noticed 5.5 s after its last byte, or the connect.");
    }

    @Test
    void explain_hasASentenceForEveryCause_withAndWithoutEvidence() {
        for (DeathCause cause : DeathCause.values()) {
            for (Optional<TcpSnapshot> evidence :
                    java.util.List.of(Optional.<TcpSnapshot>empty(), Optional.of(evidence(0, 3, 10, 0, 4000)))) {
                assertThat(new PeerDeath(
                                        "db:5432",
                                        cause,
                                        Duration.ofSeconds(1),
                                        "a rule",
                                        Evidence.of(evidence, false, new Backlog(7, Duration.ofSeconds(30))),
                                        Optional.of(timedOut))
                                .explain())
                        .startsWith("db:5432 is ")
                        .doesNotContain("null");
            }
        }
    }
}
