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
        // each counts seven eighths; beyond 20 whole ones is the first strike, which forgives half of them, and so on
        assertThat(ping(1000, 0)).isEqualTo(23 + 12 + 12);
    }

    @Test
    void twiceThePermittedRate_ends_onlyLater() {
        assertThat(ping(1000, PERMITTED / 2)).isBetween(100, 115);
    }

    @Test
    void burstAfterAQuietMinute_isForgiven_upToWhatWasNotUsed() {
        ping(10, PERMITTED);
        now += 60_000 * MS;
        int credit = 600 * 100 / 87; // a minute at the permitted rate, each ping counting 87 ms of its 100
        assertThat(ping(credit, 0)).isEqualTo(credit + 1);
        assertThat(ping(1000, 0)).isLessThanOrEqualTo(23 + 12 + 12 + 1);
    }

    @Test
    void strikes_areForgiven_onceTheAverageIsKeptAgain() {
        assertThat(ping(35, 0)).as("two strikes").isEqualTo(36);
        now += 1022 * MS; // what was ahead has passed
        assertThat(ping(1000, 0)).as("all three anew").isEqualTo(23 + 12 + 12);
    }

    @Test
    void suspectProbes_ofAPeerThatHearsNoAnswer_areForgiven() {
        for (int beat = 0; beat < 1000; beat++) {
            assertThat(ping(3, 10)).isEqualTo(4); // a beat and two more, as soon as this library can send them
            now += 1000 * MS;
        }
    }

    @Test
    void pingsAtExactlyThePermittedRate_withASuspicionNowAndThen_areForgiven() {
        for (int beat = 1; beat < 10_000; beat++) {
            boolean suspects = beat % 10 == 0;
            assertThat(ping(suspects ? 2 : 1, PERMITTED / 2)).isEqualTo(suspects ? 3 : 2);
            now += (suspects ? 0 : PERMITTED / 2) * MS;
        }
    }

    @Test
    void clockThatHasComeAround_chargesNobody() {
        ping(1, 0);
        now += (1L << 31) * MS + 5_000 * MS; // millis in an int have wrapped
        assertThat(ping(20, 0)).isEqualTo(21);
    }
}
