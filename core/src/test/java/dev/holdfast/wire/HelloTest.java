package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HelloTest {
    private static final Hello EVERYTHING = Hello.builder()
            .versions(1, 3)
            .capabilities(0x8000_0000_0000_0001L)
            .minimumSendInterval(Duration.ofMillis(1))
            .wishedReceiveInterval(Duration.ofMillis(4_294_967_295L))
            .detectionTime(Duration.ofMillis(0x1234_5678))
            .maxPayload(1 << 30)
            .build();

    @Test
    void write_everyField_standsInItsPlace() {
        assertThat(Bytes.hexOf(EVERYTHING.write(Bytes.HEAP)))
                .isEqualTo(("00000028 01 00 0000 484f4c44 01 03 0000 8000000000000001"
                                + "00000001 ffffffff 12345678 40000000 0000000000000000")
                        .replace(" ", ""));
    }

    @Test
    void read_written_isEqual() {
        ByteBuf frame = EVERYTHING.write(Bytes.HEAP);

        assertThat(Hello.read(frame)).isEqualTo(EVERYTHING).hasSameHashCodeAs(EVERYTHING);
        assertThat(frame.readerIndex()).isZero();
        frame.release();
    }

    @Test
    void read_reservedBytes_areIgnored() {
        ByteBuf frame = EVERYTHING.write(Bytes.HEAP);
        frame.setShort(14, 0xFFFF).setLong(40, -1);

        assertThat(Hello.read(frame)).isEqualTo(EVERYTHING);
        frame.release();
    }

    @Test
    void defaults_areAsDocumented() {
        Hello hello = Hello.builder().build();

        assertThat(hello)
                .hasToString("Hello[versions=1 to 1, capabilities=0x0, minimumSendInterval=PT0S,"
                        + " wishedReceiveInterval=PT0S, detectionTime=PT0S, maxPayload=1048576]");
    }

    @Test
    void toBuilder_unchanged_isEqual() {
        assertThat(EVERYTHING.toBuilder().build()).isEqualTo(EVERYTHING);
    }

    @Test
    void equals_eachField_counts() {
        List<UnaryOperator<Hello.Builder>> changes = List.of(
                builder -> builder.versions(2, 3),
                builder -> builder.versions(1, 2),
                builder -> builder.capabilities(0),
                builder -> builder.minimumSendInterval(Duration.ZERO),
                builder -> builder.wishedReceiveInterval(Duration.ZERO),
                builder -> builder.detectionTime(Duration.ZERO),
                builder -> builder.maxPayload(1024));

        assertThat(changes)
                .allSatisfy(change ->
                        assertThat(change.apply(EVERYTHING.toBuilder()).build()).isNotEqualTo(EVERYTHING));
        assertThat(EVERYTHING).isNotEqualTo("EVERYTHING");
    }

    @ParameterizedTest
    @CsvSource({"1,1", "1,255", "255,255"})
    void versions_inRange_areKept(int lowest, int highest) {
        Hello hello = Hello.builder().versions(lowest, highest).build();

        assertThat(hello.lowestVersion()).isEqualTo(lowest);
        assertThat(hello.highestVersion()).isEqualTo(highest);
    }

    @ParameterizedTest
    @CsvSource({"0,1", "-1,1", "2,1", "1,256"})
    void versions_outOfRange_areRefused(int lowest, int highest) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Hello.builder().versions(lowest, highest))
                .withMessage("versions: " + lowest + " to " + highest + " (expected: from 1 to 255, the lowest first)");
    }

    @ParameterizedTest
    @ValueSource(ints = {1024, 1025, 1 << 30})
    void maxPayload_inRange_isKept(int bytes) {
        assertThat(Hello.builder().maxPayload(bytes).build().maxPayload()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 1023, (1 << 30) + 1})
    void maxPayload_outOfRange_isRefused(int bytes) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Hello.builder().maxPayload(bytes))
                .withMessage("maximum payload: " + bytes + " bytes (expected: 1024 to 1073741824)");
    }

    @Test
    void times_outOfRange_areRefused() {
        refusesTimes("minimum send interval", Hello.Builder::minimumSendInterval);
        refusesTimes("wished receive interval", Hello.Builder::wishedReceiveInterval);
        refusesTimes("detection time", Hello.Builder::detectionTime);
    }

    @Test
    void read_wrongMagic_isAnError() {
        refused(8, 0x484F_4C45L << 32, "magic of HELLO: 484f4c45");
    }

    @ParameterizedTest
    @CsvSource({"0,0", "0,1", "2,1", "255,254"})
    void read_wrongVersions_isAnError(int lowest, int highest) {
        refused(
                12,
                (long) lowest << 56 | (long) highest << 48,
                "versions of HELLO: " + lowest + " to " + highest + " (expected: from 1 to 255, the lowest first)");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1023, (1 << 30) + 1, 0x7FFF_FFFFL, 0x8000_0000L, 0xFFFF_FFFFL})
    void read_wrongMaxPayload_isAnError(long bytes) {
        refused(36, bytes << 32, "maximum payload of HELLO: " + bytes + " bytes (expected: 1024 to 1073741824)");
    }

    @ParameterizedTest
    @ValueSource(longs = {1024, 1 << 30})
    void read_maxPayloadAtTheEnds_isFine(long bytes) {
        ByteBuf frame = Unpooled.copiedBuffer(Bytes.HELLO).setInt(36, (int) bytes);

        assertThat(Hello.read(frame).maxPayload()).isEqualTo(bytes);
    }

    private static void refused(int offset, long value, String message) {
        ByteBuf frame = Unpooled.copiedBuffer(Bytes.HELLO).setLong(offset, value);

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> Hello.read(frame))
                .withMessageStartingWith(message)
                .satisfies(error -> assertThat(error.reason()).isEqualTo(CloseReason.PROTOCOL_ERROR));
    }

    private static void refusesTimes(String name, BiFunction<Hello.Builder, Duration, Hello.Builder> setter) {
        for (Duration time : List.of(
                Duration.ofMillis(-1),
                Duration.ofMillis(4_294_967_296L),
                Duration.ofNanos(999_999),
                Duration.ofDays(50))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> setter.apply(Hello.builder(), time))
                    .withMessage(name + ": " + time + " (expected: whole milliseconds from 0 to 4294967295)");
        }
    }
}
