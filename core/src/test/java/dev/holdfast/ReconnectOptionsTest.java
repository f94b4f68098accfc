package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReconnectOptionsTest {
    private static final Duration DAY = Duration.ofDays(1);

    private interface Setter extends BiFunction<ReconnectOptions.Builder, Duration, ReconnectOptions.Builder> {}

    private interface Getter extends Function<ReconnectOptions, Duration> {}

    static Stream<Arguments> durations() {
        return Stream.of(
                duration("stableAfter", ReconnectOptions.Builder::stableAfter, ReconnectOptions::stableAfter),
                duration("resolveLimit", ReconnectOptions.Builder::resolveLimit, ReconnectOptions::resolveLimit),
                duration("roundLimit", ReconnectOptions.Builder::roundLimit, ReconnectOptions::roundLimit),
                duration("handshakeLimit", ReconnectOptions.Builder::handshakeLimit, ReconnectOptions::handshakeLimit),
                duration("bufferAge", ReconnectOptions.Builder::bufferAge, ReconnectOptions::bufferAge));
    }

    private static Arguments duration(String name, Setter setter, Getter getter) {
        return Arguments.of(name, setter, getter);
    }

    @Test
    void build_nothingSet_hasTheDefaults() {
        ReconnectOptions options = ReconnectOptions.builder().build();

        assertThat(options).isEqualTo(ReconnectOptions.defaults());
        assertThat(options.reconnects()).isTrue();
        assertThat(options.backoff()).isEqualTo(Backoff.exponential(Duration.ofMillis(100), Duration.ofSeconds(30)));
        assertThat(options.stableAfter()).isEqualTo(Duration.ofSeconds(30));
        assertThat(options.budget()).isSameAs(AttemptBudget.shared());
        assertThat(options.resolveLimit()).isEqualTo(Duration.ofSeconds(5));
        assertThat(options.roundLimit()).isEqualTo(Duration.ofMinutes(1));
        assertThat(options.handshakeLimit()).isEqualTo(Duration.ofSeconds(10));
        assertThat(options.maxAge()).isEmpty();
        assertThat(options.maxAgeJitter()).isEqualTo(0.2);
        assertThat(options.bufferBytes()).isZero();
        assertThat(options.bufferAge()).isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void never_differsInNothingElse() {
        assertThat(ReconnectOptions.never().reconnects()).isFalse();
        assertThat(ReconnectOptions.never().toBuilder().reconnect(true).build()).isEqualTo(ReconnectOptions.defaults());
    }

    @ParameterizedTest
    @MethodSource("durations")
    void durations_inRange_areTaken(String name, Setter setter, Getter getter) {
        for (Duration value : List.of(Duration.ofMillis(1), Duration.ofMillis(2), DAY.minusMillis(1), DAY)) {
            ReconnectOptions.Builder builder = ReconnectOptions.builder()
                    .roundLimit(DAY)
                    .resolveLimit(Duration.ofMillis(1))
                    .handshakeLimit(Duration.ofMillis(1));
            assertThat(getter.apply(setter.apply(builder, value).build())).isEqualTo(value);
        }
    }

    @ParameterizedTest
    @MethodSource("durations")
    void durations_outOfRange_areRefused(String name, Setter setter, Getter getter) {
        List<Duration> values = List.of(
                Duration.ZERO, Duration.ofMillis(-1), Duration.ofNanos(1_500_000), DAY.plusMillis(1), DAY.plusNanos(1));
        for (Duration value : values) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> setter.apply(ReconnectOptions.builder(), value))
                    .withMessage(name + ": " + value + " (expected: whole milliseconds from PT0.001S to PT24H)");
        }
        assertThatNullPointerException().isThrownBy(() -> setter.apply(ReconnectOptions.builder(), nothing()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT1S", "PT1.001S", "PT2147483.646S", "PT2147483.647S"})
    void maxAge_inRange_isTaken(Duration age) {
        assertThat(ReconnectOptions.builder().maxAge(age).build().maxAge()).contains(age);
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0.999S", "PT0S", "PT-1S", "PT1.0005S", "PT2147483.648S"})
    void maxAge_outOfRange_isRefused(Duration age) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReconnectOptions.builder().maxAge(age))
                .withMessage("maxAge: " + age + " (expected: whole milliseconds from PT1S to PT596H31M23.647S)");
    }

    @Test
    void noMaxAge_afterMaxAge_takesItBack() {
        assertThat(ReconnectOptions.builder().maxAge(DAY).noMaxAge().build().maxAge())
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.0, -0.0, Double.MIN_VALUE, 0.5, 0.9999999})
    void maxAgeJitter_inRange_isTaken(double part) {
        assertThat(ReconnectOptions.builder().maxAgeJitter(part).build().maxAgeJitter())
                .isEqualTo(part);
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.0001, 1.0, 1.5, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void maxAgeJitter_outOfRange_isRefused(double part) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReconnectOptions.builder().maxAgeJitter(part))
                .withMessage("maxAgeJitter: " + part + " (expected: 0.0 to less than 1.0)");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE})
    void bufferBytes_negative_isRefused(long bytes) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReconnectOptions.builder().bufferBytes(bytes))
                .withMessage("bufferBytes: " + bytes + " (expected: 0 or more)");
    }

    @Test
    void build_partLongerThanTheRound_isRefusedNamingBoth() {
        Duration round = Duration.ofSeconds(3);
        Duration longer = Duration.ofMillis(3001);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReconnectOptions.builder()
                        .roundLimit(round)
                        .handshakeLimit(round)
                        .resolveLimit(longer)
                        .build())
                .withMessage("resolveLimit: PT3.001S, roundLimit: PT3S"
                        + " (expected: resolveLimit of at most roundLimit, which it is part of)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReconnectOptions.builder()
                        .roundLimit(round)
                        .resolveLimit(round)
                        .handshakeLimit(longer)
                        .build())
                .withMessageContaining("handshakeLimit: PT3.001S, roundLimit: PT3S");
    }

    @Test
    void nullValues_areRefused() {
        ReconnectOptions.Builder builder = ReconnectOptions.builder();
        assertThatNullPointerException().isThrownBy(() -> builder.backoff(nothing()));
        assertThatNullPointerException().isThrownBy(() -> builder.budget(nothing()));
        assertThatNullPointerException().isThrownBy(() -> builder.maxAge(nothing()));
    }

    @Test
    void toBuilder_unchanged_buildsAnEqualValue() {
        ReconnectOptions options = ReconnectOptions.builder()
                .reconnect(false)
                .backoff(Backoff.fixed(Duration.ofSeconds(1)))
                .stableAfter(Duration.ofSeconds(2))
                .budget(AttemptBudget.unlimited())
                .resolveLimit(Duration.ofSeconds(3))
                .roundLimit(Duration.ofSeconds(9))
                .handshakeLimit(Duration.ofSeconds(4))
                .maxAge(Duration.ofSeconds(60))
                .maxAgeJitter(0.25)
                .bufferBytes(1024)
                .bufferAge(Duration.ofSeconds(5))
                .build();

        assertThat(options.toBuilder().build()).isEqualTo(options).hasSameHashCodeAs(options);
        assertThat(options)
                .hasToString("ReconnectOptions[reconnect=false, backoff=fixed(PT1S), stableAfter=PT2S,"
                        + " budget=AttemptBudget[unlimited], resolveLimit=PT3S, roundLimit=PT9S, handshakeLimit=PT4S,"
                        + " maxAge=PT1M, maxAgeJitter=0.25, bufferBytes=1024, bufferAge=PT5S]");
        assertThat(ReconnectOptions.defaults().toString()).contains("maxAge=none");
    }

    @Test
    void equals_anyPartDiffers_isFalse() {
        Duration second = Duration.ofSeconds(1);
        List<Function<ReconnectOptions.Builder, ReconnectOptions.Builder>> changes = List.of(
                builder -> builder.reconnect(false),
                builder -> builder.backoff(Backoff.fixed(second)),
                builder -> builder.stableAfter(second),
                builder -> builder.budget(AttemptBudget.unlimited()),
                builder -> builder.resolveLimit(second),
                builder -> builder.roundLimit(DAY),
                builder -> builder.handshakeLimit(second),
                builder -> builder.maxAge(second),
                builder -> builder.maxAgeJitter(0),
                builder -> builder.bufferBytes(1),
                builder -> builder.bufferAge(second));
        for (var change : changes) {
            ReconnectOptions changed = change.apply(ReconnectOptions.builder()).build();
            assertThat(changed).isNotEqualTo(ReconnectOptions.defaults()).isNotEqualTo("options");
            assertThat(changed.hashCode())
                    .isNotEqualTo(ReconnectOptions.defaults().hashCode());
        }
    }

    @Test
    void ageNanos_noMaxAge_isEmpty() {
        assertThat(ReconnectOptions.defaults().ageNanos(new SplittableRandom(1)))
                .isEmpty();
    }

    @Test
    void ageNanos_noJitter_isTheAge() {
        ReconnectOptions options = ReconnectOptions.builder()
                .maxAge(Duration.ofSeconds(100))
                .maxAgeJitter(0)
                .build();
        assertThat(options.ageNanos(new SplittableRandom(1))).hasValue(100_000_000_000L);
    }

    @Test
    void ageNanos_jitter_fillsTheWholeSpan() {
        long seed = new SplittableRandom().nextLong();
        var random = new SplittableRandom(seed);
        ReconnectOptions options =
                ReconnectOptions.builder().maxAge(Duration.ofSeconds(100)).build();

        long smallest = Long.MAX_VALUE;
        long largest = 0;
        for (int i = 0; i < 10_000; i++) {
            long age = options.ageNanos(random).orElseThrow();
            smallest = Math.min(smallest, age);
            largest = Math.max(largest, age);
        }
        // 20 s wide; that none of 10,000 falls into one of its ends of 0.1 s has a chance of e^-50
        assertThat(smallest).as("seed %d", seed).isBetween(80_000_000_000L, 80_100_000_000L);
        assertThat(largest).as("seed %d", seed).isBetween(99_900_000_000L, 100_000_000_000L);
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        return null;
    }
}
