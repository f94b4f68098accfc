package dev.holdfast.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.policy.KernelFormulas.Span;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Literal values of the formulas; what they are worth on a real kernel is in {@link MeasuredBoundsTest}. */
class KernelFormulasTest {
    private final KernelFormulas formulas = new KernelFormulas(250, 200_000, 120_000);

    @ParameterizedTest
    @CsvSource({
        "0, 200, 120000, 200",
        "1, 200, 120000, 600",
        "2, 200, 120000, 1400",
        "3, 200, 120000, 3000",
        "5, 200, 120000, 12600",
        "8, 200, 120000, 102200",
        "9, 200, 120000, 204600",
        "10, 200, 120000, 324600",
        "15, 200, 120000, 924600",
        "255, 200, 120000, 29724600",
        "2, 200, 1000, 1400",
        "3, 200, 1000, 2400",
        "8, 200, 1000, 7400",
        "5, 200, 1500, 5900",
        "1, 1000, 120000, 3000",
        "6, 1000, 120000, 127000",
        "7, 1000, 120000, 247000",
        "3, 1000, 1000, 4000",
        "3, 1000, 3000, 9000",
    })
    void model_doublesAndThenGrowsByTheMaximum(int retries, long base, long max, long expected) {
        assertThat(KernelFormulas.model(retries, base, max)).isEqualTo(expected);
    }

    /** At 250 Hz a level of the timer wheel ends at 63, 504, 4032, 32256 ticks of 4 ms. */
    @ParameterizedTest
    @CsvSource({
        "0, 4",
        "1, 8",
        "32, 36",
        "40, 45",
        "248, 279",
        "252, 284",
        "1000, 1125",
        "2000, 2250",
        "2012, 2264",
        "2013, 2272",
        "7200000, 8100000",
        "130000, 146384",
    })
    void late_isAnEighthOrOneStepOfTheWheel(long millis, long expected) {
        assertThat(formulas.late(millis)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"100, 10", "250, 4", "300, 4", "1000, 1"})
    void late_shortestTimer_isOneTick(int hertz, long tick) {
        assertThat(new KernelFormulas(hertz, 200_000, 120_000).late(0)).isEqualTo(tick);
    }

    /** The first retransmission timeout: the minimum in whole ticks and one more for the round trip. */
    @ParameterizedTest
    @CsvSource({
        "100, 200000, 120000, 200, 474",
        "250, 200000, 120000, 200, 460",
        "300, 200000, 120000, 200, 466",
        "1000, 200000, 120000, 200, 454",
        "250, 5000, 120000, 5, 24",
        "250, 3000000, 1000, 1000, 2250",
    })
    void firstRto_countsOnceToTwice(int hertz, long rtoMin, long rtoMax, long nominal, long worst) {
        assertThat(new KernelFormulas(hertz, rtoMin, rtoMax).firstRto()).isEqualTo(new Span(nominal, worst));
    }

    @ParameterizedTest
    @CsvSource({
        // without a user timeout: idle + count * interval
        "2000, 1000, 3, 0, 5000, 5625",
        "2000, 1000, 1, 0, 3000, 3375",
        "2000, 1000, 0, 0, 2000, 2250",
        "7200000, 75000, 9, 0, 7875000, 8859375",
        // with one the count is ignored; always at least one probe
        "2000, 1000, 3, 1, 3000, 3375",
        "2000, 1000, 3, 1000, 3000, 3375",
        "2000, 1000, 3, 2999, 3000, 3375",
        "2000, 1000, 3, 3000, 3000, 3375",
        "2000, 1000, 3, 4000, 4000, 4500",
        "2000, 1000, 3, 4500, 5000, 5625",
        "2000, 1000, 9, 5000, 5000, 5625",
        // a probe that is late by the wheel's step meets a user timeout just above its time
        "2000, 1000, 3, 3001, 3001, 4500",
        "2000, 1000, 3, 3050, 3050, 4500",
        "2000, 1000, 3, 3064, 3064, 4500",
        "2000, 1000, 3, 3065, 4000, 4500",
        "1000, 1000, 1, 6500, 7000, 7875",
    })
    void keepAlive_endsAtTheLastProbeTime(long idle, long interval, long count, long user, long nominal, long worst) {
        assertThat(formulas.keepAlive(idle, interval, count, user)).isEqualTo(new Span(nominal, worst));
    }

    /** SYN repetitions on Linux 6.5 and later, 4 of them 1 s apart, and before. */
    @ParameterizedTest
    @CsvSource({
        "1, 4, 0, 3000",
        "2, 4, 0, 7000",
        "3, 4, 0, 19000",
        "4, 4, 0, 35000",
        "5, 4, 0, 67000",
        "6, 4, 0, 131000",
        "7, 4, 0, 251000",
        "1, 0, 0, 3000",
        "2, 0, 0, 7000",
        "3, 0, 0, 15000",
        "4, 0, 0, 31000",
        "5, 0, 0, 63000",
        "6, 0, 0, 127000",
        "7, 0, 0, 247000",
        // a user timeout: not before 1 s
        "6, 4, 1, 1000",
        "6, 4, 999, 1000",
        "6, 4, 1000, 1000",
        "6, 4, 1001, 1001",
        "6, 4, 6000, 6000",
        "6, 0, 6000, 6000",
        "2, 4, 5000, 5000",
        // the repetitions run out first, and the model does not apply: later than without a user timeout
        "1, 4, 10000, 7000",
        "2, 4, 30000, 11000",
        "1, 0, 8000, 3000",
    })
    void connect_endsAtATimeout(int retries, int linear, long user, long nominal) {
        Span span = formulas.connect(retries, linear, user);

        assertThat(span.nominal()).isEqualTo(nominal);
        // each timer is late by an eighth, but no less than a tick of 4 ms, and its length is in whole ticks
        assertThat(span.worst()).isBetween(nominal + nominal / 8, nominal + nominal / 8 + 8);
    }

    @Test
    void retransmissions_default_isTheModelAndAtMostOneMoreTick() {
        Span span = formulas.retransmissions(15);

        assertThat(span.nominal()).isEqualTo(200 + 924_600);
        // 408 + 816 + ... + 104448 + 6 * 120000 is the first tick past the model, each an eighth late
        assertThat(span.worst()).isBetween(460 + 928_488 * 9L / 8, 460 + 928_488 * 9L / 8 + 20);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 408", // 0.2 s
        "1, 1224", // 0.6 s
        "2, 2856", // 1.4 s: 1.224 s is before it
        "3, 6120",
        "4, 12648", // 6.2 s: 6.12 s is before it, if no timer is late
        "5, 12648", // 12.6 s
        "6, 25704"
    })
    void retransmissions_fewRetries_endAtTheFirstTickPastTheModel(int retries, long tick) {
        long model = KernelFormulas.model(retries, 200, 120_000);
        Span span = formulas.retransmissions(retries);

        assertThat(span.nominal()).isEqualTo(200 + model);
        assertThat(span.worst()).isGreaterThanOrEqualTo(408 + tick).isLessThanOrEqualTo(460 + tick * 9 / 8 + 10);
    }

    @Test
    void orphan_zero_standsForEight() {
        assertThat(formulas.orphan(0)).isEqualTo(formulas.orphan(8)).isEqualTo(formulas.retransmissions(8));
        assertThat(formulas.orphan(3)).isEqualTo(formulas.retransmissions(3));
    }

    /** 0.408 + 0.816 + 1 s: the timeout is at its maximum, and there are no retries for such an orphan. */
    @Test
    void orphan_zeroAndSmallMaximum_endsWhereTheTimeoutReachesIt() {
        Span span = new KernelFormulas(250, 200_000, 1000).orphan(0);

        assertThat(span.nominal()).isEqualTo(200 + 408 + 816 + 1000);
        assertThat(span.worst()).isEqualTo(460 + 459 + 918 + 1125);
    }

    @Test
    void windowProbes_default_from925SecondsTo16TimesTheMaximum() {
        assertThat(formulas.windowProbes(15)).isEqualTo(new Span(924_600, 16 * 135_000));
        assertThat(formulas.freshWindowProbes(15).nominal()).isEqualTo(924_600);
        assertThat(formulas.freshWindowProbes(15).worst()).isBetween(1_040_000L, 1_045_000L);
    }

    @ParameterizedTest
    @CsvSource({"0, 200", "1, 600", "2, 1400", "3, 3000", "5, 12600", "9, 204600", "10, 324600"})
    void freshWindowProbes_doubleFromTheBase(int retries, long nominal) {
        assertThat(formulas.freshWindowProbes(retries).nominal()).isEqualTo(nominal);
    }

    /** The backoff stops growing at tcp_retries2, not only at the maximum (tcp_send_probe0()). */
    @Test
    void windowProbes_fewRetries_backoffEndsThere() {
        assertThat(formulas.windowProbes(3)).isEqualTo(new Span(3000, 4 * formulas.late(8 * 204)));
    }

    @ParameterizedTest
    @CsvSource({"15, 0, 7700", "5, 0, 2700", "0, 0, 200", "15, 2000, 2200", "15, 20000, 7700", "15, 7500, 7700"})
    void localRetries_everyHalfSecond(int retries, long user, long nominal) {
        Span span = formulas.localRetries(retries, user);

        assertThat(span.nominal()).isEqualTo(nominal);
        assertThat(span.worst()).isBetween(nominal * 9 / 8, nominal * 9 / 8 + 40);
    }

    @Test
    void unacknowledged_userTimeout_countsFromTheFirstTimeout() {
        assertThat(formulas.unacknowledged(5000)).isEqualTo(new Span(5200, 460 + 5625 + 4));
        assertThat(formulas.probesUnder(5000)).isEqualTo(new Span(5200, 230 + 5625 + 4));
    }
}
