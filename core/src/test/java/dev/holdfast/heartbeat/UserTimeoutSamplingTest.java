package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UserTimeoutSamplingTest {
    @ParameterizedTest
    @CsvSource({
        "PT4S,     PT1.333333333S, PT0.1S,         PT2.566666667S",
        "PT3S,     PT1S,           PT0.1S,         PT1.9S",
        "PT1.5S,   PT0.5S,         PT0.05S,        PT0.95S",
        "PT0.03S,  PT0.01S,        PT0.001S,       PT0.019S",
        "PT0.001S, PT0.000333333S, PT0.001S,       PT0S",
    })
    void of_userTimeout_isAThird_andWhatIsLeft(
            Duration userTimeout, Duration interval, Duration tick, Duration toleratedStall) {
        assertThat(UserTimeoutSampling.of(userTimeout))
                .isEqualTo(new UserTimeoutSampling(interval, tick, toleratedStall));
    }

    @Test
    void of_lessThanTheKernelCanCount_isRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> UserTimeoutSampling.of(Duration.ofNanos(999_999)))
                .withMessage("userTimeout: PT0.000999999S (expected: 1 ms or more)");
    }
}
