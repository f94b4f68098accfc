package dev.holdfast.policy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a real kernel did, against what the bounds say. Measured on Linux 6.18 at 250 Hz, between network namespaces whose
 * router drops, resets or passes; each row the shortest and the longest of several runs, in seconds, from the moment from
 * which the bound counts. No row is to be changed to please a formula.
 */
class MeasuredBoundsTest {
    private static final double EARLY = 0.3;
    private static final double PADDING_FACTOR = 1.3;
    private static final double PADDING = 1.6;

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "IDLE_PEER_VANISHED, keepalive=1/1/1, 2.029, 2.055",
        "IDLE_PEER_VANISHED, keepalive=1/1/3, 4.090, 4.105",
        "IDLE_PEER_VANISHED, keepalive=2/1/3, 5.086, 5.098",
        "IDLE_PEER_VANISHED, keepalive=3/2/2, 7.101, 7.277",
        "IDLE_PEER_VANISHED, keepalive=5/1/1, 6.135, 6.225",
        "IDLE_PEER_VANISHED, keepalive=2/3/4, 14.230, 14.456",
        "IDLE_PEER_VANISHED, keepalive=2/1/3 user=4000, 4.046, 4.083",
        "IDLE_PEER_VANISHED, keepalive=2/1/3 user=1000, 3.051, 3.088",
        "IDLE_PEER_VANISHED, keepalive=2/1/3 user=4500, 5.088, 5.103",
        "IDLE_PEER_VANISHED, keepalive=1/1/1 user=6500, 7.157, 7.179",
        "IDLE_PEER_VANISHED, keepalive=3/2/2 user=5000, 5.091, 5.149",
        "IDLE_PEER_VANISHED, keepalive=1/3/9 user=2000, 4.039, 4.263",
        // sometimes the first probe, late by 50 ms, meets the user timeout; sometimes the second
        "IDLE_PEER_VANISHED, keepalive=2/1/3 user=3050, 3.058, 4.066",
        "IDLE_PEER_VANISHED, keepalive=10/5/3 user=22500, 25.506, 25.602",
        "IDLE_PEER_VANISHED, heartbeat=1000/60000/2 user=3000, 4.419, 4.430",
        "IDLE_PEER_VANISHED, heartbeat=1000/60000/2 user=3000 keepalive=3/1/3, 4.421, 4.438",
        "IDLE_PEER_VANISHED, heartbeat=1000/60000/2 retries2=3, 7.685, 7.868",
        "PEER_REBOOTED, keepalive=2/1/3, 2.015, 2.084",
        "MIDDLEBOX_FORGOT_WITH_RESET, keepalive=4/1/3, 4.015, 4.099",
        "MIDDLEBOX_FORGOT_SILENTLY, keepalive=2/1/3, 5.086, 5.098",
    })
    void idle(FailureMode mode, String scenario, double shortest, double longest) {
        check(mode, scenario, shortest, longest);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "UNACKED_PEER_VANISHED, user=1, 0.423, 0.430",
        "UNACKED_PEER_VANISHED, user=50, 0.472, 0.497",
        "UNACKED_PEER_VANISHED, user=200, 0.617, 0.651",
        "UNACKED_PEER_VANISHED, user=1000, 1.424, 1.459",
        "UNACKED_PEER_VANISHED, user=2000, 2.427, 2.472",
        "UNACKED_PEER_VANISHED, user=4000, 4.436, 4.460",
        "UNACKED_PEER_VANISHED, user=5000, 5.470, 5.470",
        "UNACKED_PEER_VANISHED, user=5000 keepalive=1/1/1, 5.457, 5.532",
        "UNACKED_PEER_VANISHED, user=8000, 8.431, 8.448",
        "UNACKED_PEER_VANISHED, user=16000, 16.568, 16.626",
        "UNACKED_PEER_VANISHED, user=30000, 30.533, 30.667",
        // one segment in flight, and many
        "UNACKED_PEER_VANISHED, retries2=2, 3.339, 3.373",
        "UNACKED_PEER_VANISHED, retries2=2, 3.129, 3.150",
        "UNACKED_PEER_VANISHED, retries2=3, 6.628, 6.832",
        "UNACKED_PEER_VANISHED, retries2=3, 6.509, 6.628",
        "UNACKED_PEER_VANISHED, retries2=5, 13.309, 13.516",
        "UNACKED_PEER_VANISHED, retries2=5, 13.196, 13.322",
        "UNACKED_PEER_VANISHED, retries2=6, 26.632, 26.701",
        "UNACKED_PEER_VANISHED, -, 939, 939",
        "UNACKED_PEER_VANISHED, retries2=8 rtoMax=1000, 8.827, 8.838",
        "UNACKED_PEER_VANISHED, retries2=3 rtoMax=1000, 3.727, 3.759",
        "UNACKED_PEER_VANISHED, retries2=5 rtoMax=1500, 7.696, 7.765",
        "CLOSED_PEER_VANISHED, -, 104, 107.916",
        "CLOSED_PEER_VANISHED, orphan=3, 6.652, 6.872",
        "CLOSED_PEER_VANISHED, orphan=5, 13.362, 13.449",
        "CLOSED_PEER_VANISHED, rtoMax=1000, 2.697, 2.726",
        "CLOSED_PEER_VANISHED, rtoMax=2000, 5.348, 5.397",
        "CLOSED_PEER_VANISHED, user=3000, 3.435, 3.463",
    })
    void inFlight(FailureMode mode, String scenario, double shortest, double longest) {
        check(mode, scenario, shortest, longest);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "ZERO_WINDOW_PEER_ALIVE, user=500, 0.717, 0.731",
        "ZERO_WINDOW_PEER_ALIVE, user=1000, 1.226, 1.248",
        "ZERO_WINDOW_PEER_ALIVE, user=4000, 4.234, 4.264",
        "ZERO_WINDOW_PEER_ALIVE, user=10000, 10.224, 10.420",
        "ZERO_WINDOW_PEER_VANISHED, user=1000, 1.231, 1.243",
        "ZERO_WINDOW_PEER_VANISHED, user=3000, 3.227, 3.250",
        // the window closed for long before the peer vanished
        "ZERO_WINDOW_PEER_VANISHED, retries2=2, 2.587, 2.594",
        "ZERO_WINDOW_PEER_VANISHED, retries2=3, 6.902, 6.920",
        "ZERO_WINDOW_PEER_VANISHED, retries2=8 rtoMax=1000, 9.209, 9.219",
        "LOCAL_FILTER_DROP, user=1, 0.217, 0.220",
        "LOCAL_FILTER_DROP, user=1000, 1.217, 1.269",
        "LOCAL_FILTER_DROP, user=5000, 5.250, 5.441",
        "LOCAL_FILTER_DROP, retries2=2, 1.469, 1.475",
        "LOCAL_FILTER_DROP, retries2=3, 3.118, 3.145",
        "LOCAL_FILTER_DROP, retries2=5, 13.193, 13.311",
        "LOCAL_FILTER_DROP, retries2=8 rtoMax=1000, 7.599, 7.610",
        "LOCAL_QUEUE_DROP, -, 7.900, 7.914",
        "LOCAL_QUEUE_DROP, user=100, 0.308, 0.325",
        "LOCAL_QUEUE_DROP, user=2000, 2.211, 2.244",
        "LOCAL_QUEUE_DROP, user=20000, 7.888, 7.908",
        "LOCAL_QUEUE_DROP, retries2=5, 2.768, 2.796",
    })
    void unsent(FailureMode mode, String scenario, double shortest, double longest) {
        check(mode, scenario, shortest, longest);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "syn=1, 3.054, 3.078",
        "syn=2, 7.117, 7.122",
        "syn=3, 19, 19.503",
        "syn=4, 35, 35",
        "syn=5, 67, 67",
        "syn=6, 131, 131",
        "synRetries=2, 7.117, 7.122",
        "user=1, 1.008, 1.016",
        "user=500, 1.009, 1.022",
        "user=1000, 1.010, 1.026",
        "user=2500, 2.509, 2.562",
        "user=6000, 6.024, 6.043",
        "syn=2 user=5000, 5.005, 5.041",
        // the user timeout lengthens a short count
        "syn=1 user=10000, 7.113, 7.119",
        "syn=2 user=30000, 11.190, 11.306",
        "syn=1 rtoMax=1000, 2.031, 2.033",
        "syn=2 rtoMax=1000, 3.051, 3.067",
        "syn=3 rtoMax=1000, 4.076, 4.259",
        "syn=3 rtoMax=3000, 10.165, 10.283",
        "linear=0 syn=1, 3.023, 3.030",
        "linear=0 syn=2, 7.095, 7.213",
        "linear=0 syn=3, 15.289, 15.402",
        "linear=0 syn=2 user=4000, 4.014, 4.030",
        "linear=0 syn=1 user=8000, 3.023, 3.035",
    })
    void connect(String scenario, double shortest, double longest) {
        check(FailureMode.CONNECT_BLACKHOLED, scenario, shortest, longest);
    }

    /**
     * Nothing may be later than the worst case, nothing earlier than nominal; but these two depend on what no bound can
     * know, so their worst case is far from the shorter outcome: how late the timers are (4 retries: 6.12 s is just short
     * of the model of 6.2 s), and how long the window had been closed.
     */
    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "UNACKED_PEER_VANISHED, retries2=4, 6.538, 6.704",
        "ZERO_WINDOW_PEER_VANISHED, retries2=2, 1.511, 1.520",
        "ZERO_WINDOW_PEER_VANISHED, retries2=3, 3.251, 3.266",
        "ZERO_WINDOW_PEER_VANISHED, retries2=4, 6.687, 6.907",
        "ZERO_WINDOW_PEER_VANISHED, retries2=5, 13.700, 13.801",
    })
    void twoOutcomes(FailureMode mode, String scenario, double shortest, double longest) {
        DetectionBounds.Bound bound = Scenario.of(scenario).bounds().bound(mode);

        assertThat(shortest).isGreaterThanOrEqualTo(seconds(bound.nominal().orElseThrow()) - EARLY);
        assertThat(longest).isLessThanOrEqualTo(seconds(bound.worstCase().orElseThrow()));
    }

    /** Idle with a queue of our own that drops everything: alive after 20 s with keepalive 1 s/1 s/2, with and without U. */
    @ParameterizedTest
    @CsvSource({"keepalive=1/1/2", "keepalive=1/1/2 user=2000"})
    void never(String scenario) {
        assertThat(Scenario.of(scenario).bounds().worstCase(FailureMode.IDLE_LOCAL_QUEUE_DROP))
                .isEmpty();
    }

    private static void check(FailureMode mode, String scenario, double shortest, double longest) {
        DetectionBounds.Bound bound = Scenario.of(scenario).bounds().bound(mode);
        double nominal = seconds(bound.nominal().orElseThrow());
        double worst = seconds(bound.worstCase().orElseThrow());

        assertThat(shortest).as("not before nominal %s", nominal).isGreaterThanOrEqualTo(nominal - EARLY);
        assertThat(longest).as("not after worst %s", worst).isLessThanOrEqualTo(worst);
        assertThat(worst).as("not padded").isLessThanOrEqualTo(PADDING_FACTOR * shortest + PADDING);
    }

    private static double seconds(java.time.Duration duration) {
        return duration.toMillis() / 1000.0;
    }
}
