package dev.holdfast.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LimitTest {
    @ParameterizedTest(name = "{0} ms, {1} ms of it stalled: {2}")
    @CsvSource({
        "1699, 0, false",
        "1700, 0, true",
        "2500, 0, true",
        "2501, 0, false",
        "2600, 100, true",
        "2601, 100, false",
        "1600, 100, true",
        "1599, 100, false",
    })
    void measured_belowAtAndAbove(long millis, long stalled, boolean holds) {
        Limit limit = new Limit(Moment.WRITE, Duration.ofSeconds(2), Duration.ofMillis(2500), false);

        assertThat(limit.holds(Duration.ofMillis(millis), Duration.ofMillis(stalled)))
                .isEqualTo(holds);
    }
}
