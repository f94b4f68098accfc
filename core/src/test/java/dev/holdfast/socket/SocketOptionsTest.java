package dev.holdfast.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Duration;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SocketOptionsTest {
    private static SocketOptions.Builder idle(SocketOptions.Builder builder, Duration value) {
        return builder.keepAlive(value, Duration.ofSeconds(1), 1);
    }

    private static SocketOptions.Builder interval(SocketOptions.Builder builder, Duration value) {
        return builder.keepAlive(Duration.ofSeconds(1), value, 1);
    }

    static Stream<Arguments> durationsInRange() {
        return Stream.of(
                duration(SocketOptionsTest::idle, "PT1S", "PT32767S", "PT0.999999999S", "PT32768S"),
                duration(SocketOptionsTest::idle, "PT1S", "PT2S", "PT1.5S", "PT0S"),
                duration(SocketOptionsTest::interval, "PT1S", "PT32767S", "PT0.5S", "PT32768S"),
                duration(SocketOptions.Builder::userTimeout, "PT0.001S", "PT2147483.647S", "PT0S", "PT2147483.648S"),
                duration(SocketOptions.Builder::userTimeout, "PT1S", "PT2S", "PT1.0005S", "PT-1S"),
                duration(SocketOptions.Builder::connectTimeout, "PT0.001S", "PT2147483.647S", "PT0S", "PT2147483.648S"),
                duration(SocketOptions.Builder::connectTimeout, "PT1S", "PT2S", "PT0.0000001S", "PT-0.001S"),
                duration(SocketOptions.Builder::deferAccept, "PT1S", "PT29887S", "PT0S", "PT29888S"),
                duration(SocketOptions.Builder::rtoMax, "PT1S", "PT120S", "PT0.999S", "PT120.001S"));
    }

    private static Arguments duration(
            BiFunction<SocketOptions.Builder, Duration, SocketOptions.Builder> setter,
            String low,
            String high,
            String below,
            String above) {
        return Arguments.of(setter, low, high, below, above);
    }

    @ParameterizedTest
    @MethodSource("durationsInRange")
    void duration_atItsLimits_isTaken_beyondThem_isRefused(
            BiFunction<SocketOptions.Builder, Duration, SocketOptions.Builder> setter,
            Duration low,
            Duration high,
            Duration below,
            Duration above) {
        assertThat(setter.apply(SocketOptions.builder(), low).build().asked()).isNotEmpty();
        assertThat(setter.apply(SocketOptions.builder(), high).build().asked()).isNotEmpty();
        for (Duration bad : List.of(below, above)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> setter.apply(SocketOptions.builder(), bad))
                    .withMessageContaining(bad + " (expected: whole ");
        }
    }

    static Stream<Arguments> numbersInRange() {
        return Stream.of(
                number((builder, n) -> builder.keepAlive(Duration.ofSeconds(1), Duration.ofSeconds(1), n), 1, 127),
                number(SocketOptions.Builder::synCount, 1, 127),
                number(SocketOptions.Builder::notSentLowWater, 1, Integer.MAX_VALUE),
                number(SocketOptions.Builder::sendBuffer, 1, 1073741823),
                number(SocketOptions.Builder::receiveBuffer, 1, 1073741823));
    }

    private static Arguments number(
            BiFunction<SocketOptions.Builder, Integer, SocketOptions.Builder> setter, int low, int high) {
        return Arguments.of(setter, low, high);
    }

    @ParameterizedTest
    @MethodSource("numbersInRange")
    void number_atItsLimits_isTaken_beyondThem_isRefused(
            BiFunction<SocketOptions.Builder, Integer, SocketOptions.Builder> setter, int low, int high) {
        assertThat(setter.apply(SocketOptions.builder(), low).build().asked()).containsValue(low);
        assertThat(setter.apply(SocketOptions.builder(), high).build().asked()).containsValue(high);
        for (int bad : new int[] {low - 1, high + 1, Integer.MIN_VALUE}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> setter.apply(SocketOptions.builder(), bad))
                    .withMessageContaining(": " + bad)
                    .withMessageContaining("(expected: " + low + " to " + high);
        }
    }

    @Test
    void keepAliveIdle_ofHalfASecond_saysThatTheKernelCountsSeconds() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SocketOptions.builder().keepAlive(Duration.ofMillis(500), Duration.ofSeconds(1), 3))
                .withMessage("keepAlive idle: PT0.5S (expected: whole seconds from PT1S to PT32767S,"
                        + " the kernel counts in seconds)");
    }

    @Test
    void keepAlive_withOneBadNumber_setsNoneOfThem() {
        SocketOptions.Builder builder = SocketOptions.builder();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.keepAlive(Duration.ofSeconds(1), Duration.ofSeconds(1), 128));
        assertThat(builder.build().asked()).isEmpty();
    }

    @Test
    void setters_withNull_throwNullPointerException() {
        assertThatNullPointerException()
                .isThrownBy(() -> SocketOptions.builder().userTimeout(nullDuration()));
        assertThatNullPointerException()
                .isThrownBy(() -> SocketOptions.builder().deferAccept(nullDuration()));
    }

    @SuppressWarnings("NullAway") // what a caller without null checks may pass
    private static Duration nullDuration() {
        return null;
    }

    private static SocketOptions.Builder everything() {
        return SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(60), Duration.ofSeconds(10), 3)
                .userTimeout(Duration.ofSeconds(85))
                .connectTimeout(Duration.ofSeconds(3))
                .synCount(2)
                .deferAccept(Duration.ofSeconds(7))
                .notSentLowWater(65536)
                .rtoMax(Duration.ofSeconds(10))
                .noDelay(true)
                .sendBuffer(100_000)
                .receiveBuffer(200_000)
                .policy(OptionPolicy.FAIL);
    }

    @Test
    void getters_giveWhatWasSet() {
        SocketOptions options = everything().build();
        assertThat(options.keepAlive()).contains(true);
        assertThat(options.keepAliveIdle()).contains(Duration.ofSeconds(60));
        assertThat(options.keepAliveInterval()).contains(Duration.ofSeconds(10));
        assertThat(options.keepAliveCount()).hasValue(3);
        assertThat(options.userTimeout()).contains(Duration.ofSeconds(85));
        assertThat(options.connectTimeout()).contains(Duration.ofSeconds(3));
        assertThat(options.synCount()).hasValue(2);
        assertThat(options.deferAccept()).contains(Duration.ofSeconds(7));
        assertThat(options.notSentLowWater()).hasValue(65536);
        assertThat(options.rtoMax()).contains(Duration.ofSeconds(10));
        assertThat(options.noDelay()).contains(true);
        assertThat(options.sendBuffer()).hasValue(100_000);
        assertThat(options.receiveBuffer()).hasValue(200_000);
        assertThat(options.policy()).isEqualTo(OptionPolicy.FAIL);
        assertThat(options.asked()).hasSize(TcpOption.values().length);
    }

    @Test
    void nothingAsked_everyGetterIsEmpty() {
        SocketOptions options = SocketOptions.builder().build();
        assertThat(options.asked()).isEmpty();
        assertThat(options.keepAlive()).isEmpty();
        assertThat(options.keepAliveIdle()).isEmpty();
        assertThat(options.userTimeout()).isEmpty();
        assertThat(options.synCount()).isEmpty();
        assertThat(options.policy()).isEqualTo(OptionPolicy.WARN);
        assertThat(options).hasToString("SocketOptions[policy=WARN]");
    }

    @Test
    void toBuilder_keepsEveryOption() {
        SocketOptions options = everything().build();
        assertThat(options.toBuilder().build()).isEqualTo(options).hasSameHashCodeAs(options);
    }

    static Stream<Function<SocketOptions.Builder, SocketOptions.Builder>> changes() {
        return Stream.of(
                b -> b.keepAlive(Duration.ofSeconds(61), Duration.ofSeconds(10), 3),
                b -> b.keepAlive(Duration.ofSeconds(60), Duration.ofSeconds(11), 3),
                b -> b.keepAlive(Duration.ofSeconds(60), Duration.ofSeconds(10), 4),
                b -> b.keepAlive(true),
                b -> b.keepAlive(false),
                b -> b.userTimeout(Duration.ofSeconds(84)),
                b -> b.connectTimeout(Duration.ofSeconds(4)),
                b -> b.synCount(3),
                b -> b.deferAccept(Duration.ofSeconds(8)),
                b -> b.notSentLowWater(65537),
                b -> b.rtoMax(Duration.ofSeconds(11)),
                b -> b.noDelay(false),
                b -> b.sendBuffer(100_001),
                b -> b.receiveBuffer(200_001),
                b -> b.policy(OptionPolicy.IGNORE));
    }

    @ParameterizedTest
    @MethodSource("changes")
    void equality_seesEveryOption_andTheBuilderLeavesTheOriginalAlone(
            Function<SocketOptions.Builder, SocketOptions.Builder> change) {
        SocketOptions options = everything().build();
        assertThat(change.apply(options.toBuilder()).build()).isNotEqualTo(options);
        assertThat(options).isEqualTo(everything().build());
    }

    @Test
    void keepAliveSwitch_afterTimes_forgetsThem() {
        SocketOptions off = everything().keepAlive(false).build();
        assertThat(off.keepAlive()).contains(false);
        assertThat(off.keepAliveIdle()).isEmpty();
        assertThat(off.keepAliveInterval()).isEmpty();
        assertThat(off.keepAliveCount()).isEmpty();
    }

    @Test
    void asked_isInTheOrderInWhichItIsSet_keepAliveTimesBeforeTheSwitch() {
        assertThat(everything().build().asked().keySet())
                .containsSequence(
                        TcpOption.TCP_KEEPIDLE, TcpOption.TCP_KEEPINTVL, TcpOption.TCP_KEEPCNT, TcpOption.SO_KEEPALIVE);
    }

    private static List<String> warnings(int idle, int interval, int count, long userTimeoutMillis) {
        return SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(idle), Duration.ofSeconds(interval), count)
                .userTimeout(Duration.ofMillis(userTimeoutMillis))
                .build()
                .warnings();
    }

    @Test
    void userTimeout_thatLosesProbes_isAWarning() {
        assertThat(warnings(2, 1, 3, 4000))
                .singleElement()
                .asString()
                .contains(
                        "userTimeout PT4S with keepAlive 2 s/1 s/3",
                        "after 2 unanswered probes instead of 3",
                        "PT4.5S");
        assertThat(warnings(2, 1, 3, 1)).singleElement().asString().contains("after 1 unanswered probe instead of 3");
        assertThat(warnings(2, 1, 3, 4001)).isEmpty();
        assertThat(warnings(2, 1, 3, 4500)).isEmpty();
    }

    @Test
    void userTimeout_thatDelaysTheIdleVerdict_isAWarning() {
        assertThat(warnings(2, 1, 3, 5000)).isEmpty();
        assertThat(warnings(2, 1, 3, 5001)).singleElement().asString().contains("PT6S", "instead of PT5S");
    }

    @Test
    void keepAlive_withoutUserTimeout_warnsThatItIsSuspended() {
        assertThat(SocketOptions.builder().keepAlive(true).build().warnings())
                .singleElement()
                .asString()
                .contains("suspended while data is in flight");
        assertThat(SocketOptions.builder().keepAlive(false).build().warnings()).isEmpty();
    }

    @Test
    void connectTimeout_beyondTheUserTimeout_isAWarning() {
        SocketOptions.Builder builder = SocketOptions.builder().userTimeout(Duration.ofMillis(200));
        assertThat(builder.connectTimeout(Duration.ofSeconds(1)).build().warnings())
                .isEmpty();
        assertThat(builder.connectTimeout(Duration.ofMillis(1001)).build().warnings())
                .singleElement()
                .asString()
                .contains("connectTimeout PT1.001S", "userTimeout PT0.2S", "after PT1S");
    }
}
