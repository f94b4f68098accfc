package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatMachineTest.Machine;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** How often the peer may ping: every 100 ms on average, 20 pings ahead of that are a strike, 3 strikes the end. */
class PeerPingsTest {
    private static final long MS = 1_000_000;
    private static final int PERMITTED = 100;

    private final Machine machine = new Machine(new HeartbeatSettings(
            HeartbeatProtocol.frame(1, 2),
            HeartbeatOptions.builder()
                    .permittedPeerInterval(Duration.ofMillis(PERMITTED))
                    .build(),
            (channel, event) -> {}));
    private long now = new Random(7).nextLong() / 2;

    PeerPingsTest() {
        machine.onCounting(now);
    }

    /** Pings with this gap until the end, at most so many; how many were permitted. */
    private int ping(int most, long gapMillis) {
        for (int count = 1; count <= most; count++) {
            if (machine.onPeerPings(now)) {
                return count;
            }
            now += gapMillis * MS;
        }
        return most + 1;
    }

    @Test
    void pingsAtThePermittedRate_neverEnd() {
        assertThat(ping(100_000, PERMITTED)).isEqualTo(100_001);
    }

    @Test
    void flood_endsWithTheThirdStrike() {
        // 20 are permitted, the next is the first strike, which forgives half of them, and so on
        assertThat(ping(1000, 0)).isEqualTo(21 + 10 + 10);
    }

    @Test
    void twiceThePermittedRate_ends_onlyLater() {
        assertThat(ping(1000, PERMITTED / 2)).isBetween(80, 90);
    }

    @Test
    void burstAfterAQuietMinute_isForgiven_upToWhatWasNotUsed() {
        ping(10, PERMITTED);
        now += 59_000 * MS;
        assertThat(ping(590, 0)).isEqualTo(591);
        assertThat(ping(1000, 0)).isLessThanOrEqualTo(21 + 10 + 10);
    }

    @Test
    void strikes_areForgiven_onceTheAverageIsKeptAgain() {
        assertThat(ping(31, 0)).as("two strikes").isEqualTo(32);
        now += 1051 * MS; // what was ahead has passed
        assertThat(ping(1000, 0)).as("all three anew").isEqualTo(21 + 10 + 10);
    }

    @Test
    void suspectProbes_ofAPeerThatHearsNoAnswer_areForgiven() {
        for (int beat = 0; beat < 1000; beat++) {
            assertThat(ping(3, 10)).isEqualTo(4); // a beat and two more, as soon as this library can send them
            now += 1000 * MS;
        }
    }

    @Test
    void clockThatHasComeAround_chargesNobody() {
        ping(1, 0);
        now += (1L << 31) * MS - 5_000 * MS; // millis in an int have wrapped
        assertThat(ping(20, 0)).isEqualTo(21);
    }
}
