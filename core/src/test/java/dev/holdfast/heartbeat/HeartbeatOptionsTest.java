package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HeartbeatOptionsTest {
    @Test
    void build_nothingSet_hasTheDefaults() {
        HeartbeatOptions options = HeartbeatOptions.builder().build();

        assertThat(options.interval()).isEqualTo(Duration.ofSeconds(15));
        assertThat(options.timeout()).isEqualTo(Duration.ofSeconds(5));
        assertThat(options.attempts()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0.01S", "PT0.011S", "PT2147483.646S", "PT2147483.647S"})
    void durations_inRange_areTaken(Duration value) {
        HeartbeatOptions options =
                HeartbeatOptions.builder().interval(value).timeout(value).build();

        assertThat(options.interval()).isEqualTo(value);
        assertThat(options.timeout()).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0.009S", "PT0S", "PT-1S", "PT2147483.648S", "PT0.0105S", "PT0.010000001S"})
    void durations_outOfRangeOrNotWholeMillis_areRefused(Duration value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HeartbeatOptions.builder().interval(value))
                .withMessageContaining("heartbeat interval: " + value)
                .withMessageContaining("whole milliseconds from PT0.01S to PT596H31M23.647S");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HeartbeatOptions.builder().timeout(value))
                .withMessageContaining("heartbeat timeout: " + value);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 99, 100})
    void attempts_inRange_areTaken(int attempts) {
        assertThat(HeartbeatOptions.builder().attempts(attempts).build().attempts())
                .isEqualTo(attempts);
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 101, Integer.MAX_VALUE})
    void attempts_outOfRange_areRefused(int attempts) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HeartbeatOptions.builder().attempts(attempts))
                .withMessage("heartbeat attempts: " + attempts + " (expected: 1 to 100)");
    }

    @Test
    void durations_null_areRefused() {
        assertThatNullPointerException()
                .isThrownBy(() -> HeartbeatOptions.builder().interval(nothing()));
        assertThatNullPointerException()
                .isThrownBy(() -> HeartbeatOptions.builder().timeout(nothing()));
    }

    /** A tenth of the smaller time, between 1 ms and 100 ms. */
    @ParameterizedTest
    @CsvSource({
        "10, 10, 1",
        "19, 1000, 1",
        "20, 1000, 2",
        "1000, 20, 2",
        "999, 999, 99",
        "1000, 1000, 100",
        "1001, 1010, 100",
        "60000, 60000, 100"
    })
    void tick_followsTheSmallerTime(long interval, long timeout, long tick) {
        HeartbeatOptions options = HeartbeatOptions.builder()
                .interval(Duration.ofMillis(interval))
                .timeout(Duration.ofMillis(timeout))
                .build();

        assertThat(options.tick()).isEqualTo(Duration.ofMillis(tick));
    }

    @Test
    void toBuilder_unchanged_buildsAnEqualValue() {
        HeartbeatOptions options = HeartbeatOptions.builder()
                .interval(Duration.ofSeconds(1))
                .timeout(Duration.ofMillis(300))
                .attempts(3)
                .build();

        assertThat(options.toBuilder().build()).isEqualTo(options).hasSameHashCodeAs(options);
        assertThat(options).hasToString("HeartbeatOptions[interval=PT1S, timeout=PT0.3S, attempts=3]");
    }

    @Test
    void equals_anyPartDiffers_isFalse() {
        HeartbeatOptions options = HeartbeatOptions.builder().build();

        assertThat(options)
                .isNotEqualTo(
                        options.toBuilder().interval(Duration.ofSeconds(16)).build())
                .isNotEqualTo(options.toBuilder().timeout(Duration.ofSeconds(6)).build())
                .isNotEqualTo(options.toBuilder().attempts(3).build())
                .isNotEqualTo("options");
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        return null;
    }

    @Test
    void hello_ofABoundThatItHasNoRoomFor_isRefused() {
        HeartbeatOptions longest = HeartbeatOptions.builder()
                .timeout(Duration.ofMillis(Integer.MAX_VALUE))
                .attempts(2)
                .interval(Duration.ofSeconds(1))
                .build();
        assertThatIllegalArgumentException()
                .isThrownBy(longest::hello)
                .withMessageContaining("attempts: 2 (expected: interval + attempts * timeout of at most 4294967295 ms");
    }
}
