package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.holdfast.wire.FrameRules.Action;
import dev.holdfast.wire.FrameRules.State;
import org.assertj.core.api.ThrowableAssertAlternative;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FrameRulesTest {
    private static final int LIMIT = 2000;

    @Test
    void first_hello_opens() {
        var rules = new FrameRules(LIMIT);

        assertThat(rules.onHeader(header(40, 1, 0, 0))).isEqualTo(Action.DELIVER);
        assertThat(rules.state()).isEqualTo(State.OPEN);
    }

    @ParameterizedTest
    @CsvSource({"39,1,0,0", "41,1,0,0", "40,1,1,0", "40,1,2,0", "40,1,0,1", "12,2,0,0", "0,4,0,0", "8,6,0,0", "8,7,1,0"
    })
    void first_anythingElse_isAnError(long length, int type, int flags, int reserved) {
        var rules = new FrameRules(LIMIT);

        refused(rules, header(length, type, flags, reserved), CloseReason.PROTOCOL_ERROR)
                .withMessageStartingWith("first frame: ")
                .withMessageEndingWith("(expected: HELLO, 0000002801000000)");
        assertThat(rules.state()).isEqualTo(State.AWAITING_HELLO);
    }

    @Test
    void first_text_isShownEscaped() {
        refused(new FrameRules(LIMIT), 0x4720_7E7F_1F22_5C80L, CloseReason.PROTOCOL_ERROR)
                .withMessage("first frame: 47207e7f1f225c80 \"G ~.....\" (expected: HELLO, 0000002801000000)");
    }

    @ParameterizedTest
    @CsvSource({"2,12", "3,8", "5,8", "6,8"})
    void control_fixedSize_isDelivered(int type, long length) {
        assertThat(open().onHeader(header(length, type, 0, 0))).isEqualTo(Action.DELIVER);
        FrameType known = FrameType.find(type);
        for (long wrong : new long[] {0, length - 1, length + 1, 0x8000_0000L, 0xFFFF_FFFFL}) {
            refused(open(), header(wrong, type, 0, 0), CloseReason.PROTOCOL_ERROR)
                    .withMessage("length of " + known + ": " + wrong + " bytes (expected: " + length
                            + ", its size is fixed)");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, LIMIT - 1, LIMIT})
    void data_upToTheLimit_isDelivered(long length) {
        assertThat(open().onHeader(header(length, 4, 0, 0))).isEqualTo(Action.DELIVER);
    }

    @ParameterizedTest
    @ValueSource(longs = {LIMIT + 1, 0x7FFF_FFFFL, 0x8000_0000L, 0xFFFF_FFFFL})
    void data_aboveTheLimit_isTooLarge(long length) {
        refused(open(), header(length, 4, 0, 0), CloseReason.FRAME_TOO_LARGE)
                .withMessage("length of DATA: " + length
                        + " bytes (expected: at most 2000, the maximum payload of our HELLO)");
    }

    @Test
    void limitPayload_holdsUntilItIsLiftedAgain() {
        FrameRules rules = open();
        rules.limitPayload(1024);
        assertThat(rules.onHeader(header(1024, 4, 0, 0))).isEqualTo(Action.DELIVER);
        assertThat(rules.onHeader(header(1024, 99, 1, 0))).isEqualTo(Action.SKIP);
        refused(rules, header(1025, 4, 0, 0), CloseReason.FRAME_TOO_LARGE)
                .withMessage("length of DATA: 1025 bytes (expected: at most 1024, the limit for the time being)");
        refused(rules, header(1025, 99, 1, 0), CloseReason.FRAME_TOO_LARGE);

        rules.limitPayload(LIMIT);
        assertThat(rules.onHeader(header(LIMIT, 4, 0, 0))).isEqualTo(Action.DELIVER);
        refused(rules, header(LIMIT + 1, 4, 0, 0), CloseReason.FRAME_TOO_LARGE)
                .withMessageEndingWith("at most 2000, the maximum payload of our HELLO)");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 1023, LIMIT + 1, Integer.MAX_VALUE})
    void limitPayload_outOfRange_isRefused(int bytes) {
        FrameRules rules = open();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rules.limitPayload(bytes))
                .withMessage("payload limit: " + bytes
                        + " bytes (expected: 1024 to 2000, the maximum payload of our HELLO)");
        assertThat(rules.onHeader(header(LIMIT, 4, 0, 0))).isEqualTo(Action.DELIVER);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 7, 8, 127, 128, 255})
    void unknown_optional_isSkippedUpToTheLimit(int type) {
        assertThat(open().onHeader(header(0, type, 1, 0))).isEqualTo(Action.SKIP);
        assertThat(open().onHeader(header(LIMIT, type, 1, 0))).isEqualTo(Action.SKIP);
        refused(open(), header(LIMIT + 1, type, 1, 0), CloseReason.FRAME_TOO_LARGE)
                .withMessageStartingWith("length of an unknown frame: 2001 bytes");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 7, 8, 127, 128, 255})
    void unknown_mandatory_isAnError(int type) {
        refused(open(), header(8, type, 0, 0), CloseReason.PROTOCOL_ERROR)
                .withMessageStartingWith("frame type: " + type + ", not optional, in ");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    void known_flaggedOptional_isAnError(int type) {
        FrameType known = FrameType.find(type);
        refused(open(), header(8, type, 1, 0), CloseReason.PROTOCOL_ERROR)
                .withMessageStartingWith("flag OPTIONAL on " + known + ": ");
    }

    @ParameterizedTest
    @CsvSource({"2,0", "4,0", "8,0", "16,0", "32,0", "64,0", "128,0", "3,0", "0,1", "0,256", "0,32768"})
    void reserved_set_isAnErrorOnEveryFrame(int flags, int reserved) {
        for (int type : new int[] {2, 4, 77}) {
            refused(open(), header(12, type, flags, reserved), CloseReason.PROTOCOL_ERROR)
                    .withMessageStartingWith("reserved bits of the header: ");
        }
    }

    @Test
    void second_hello_isAnError() {
        refused(open(), header(40, 1, 0, 0), CloseReason.PROTOCOL_ERROR)
                .withMessage("second HELLO (expected: one, as the first frame)");
    }

    @Test
    void close_ends() {
        FrameRules rules = open();
        assertThat(rules.isOver()).isFalse();

        assertThat(rules.onHeader(header(8, 6, 0, 0))).isEqualTo(Action.DELIVER);
        assertThat(rules.state()).isEqualTo(State.CLOSED);
        assertThat(rules.isOver()).isTrue();
    }

    @Test
    void close_refused_doesNotEnd() {
        FrameRules rules = open();

        refused(rules, header(9, 6, 0, 0), CloseReason.PROTOCOL_ERROR);
        assertThat(rules.state()).isEqualTo(State.OPEN);
    }

    @ParameterizedTest
    @EnumSource(names = {"CLOSED", "FAILED"})
    void header_afterTheEnd_isTheCallersError(State state) {
        FrameRules rules = open();
        if (state == State.CLOSED) {
            rules.onHeader(header(8, 6, 0, 0));
        } else {
            rules.onFailure();
        }

        assertThat(rules.state()).isEqualTo(state);
        assertThat(rules.isOver()).isTrue();
        assertThatIllegalStateException()
                .isThrownBy(() -> rules.onHeader(header(0, 4, 0, 0)))
                .withMessage("a header in state " + state);
    }

    private static FrameRules open() {
        var rules = new FrameRules(LIMIT);
        rules.onHeader(header(40, 1, 0, 0));
        return rules;
    }

    private static ThrowableAssertAlternative<ProtocolException> refused(
            FrameRules rules, long header, CloseReason reason) {
        return assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> rules.onHeader(header))
                .satisfies(error -> assertThat(error.reason()).isEqualTo(reason));
    }

    private static long header(long length, int type, int flags, int reserved) {
        return length << 32 | (long) type << 24 | (long) flags << 16 | reserved;
    }
}
