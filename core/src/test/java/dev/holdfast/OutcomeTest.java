package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.verdict.Backlog;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.Evidence;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.ProtocolException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OutcomeTest {
    private static final Ending MOVED = Ending.of(Ending.Kind.MOVED, "maximum age");

    private final Outcome outcome = new Outcome();

    @Test
    void endWith_twice_keepsTheFirst() {
        assertThat(outcome.isKnown()).isFalse();
        outcome.peerClosed(true);
        outcome.endWith(MOVED);
        assertThat(outcome.ending().kind()).isEqualTo(Ending.Kind.PEER_CLOSED);
    }

    @ParameterizedTest
    @CsvSource({"true, PEER_CLOSED", "false, HANDSHAKE_FAILED"})
    void peerClosed_beforeOrAfterItWasUp_isNamedSo(boolean wasUp, Ending.Kind kind) {
        outcome.peerClosed(wasUp);
        assertThat(outcome.ending().kind()).isEqualTo(kind);
        assertThat(outcome.isForGood()).isFalse();
    }

    @Test
    void died_whileAnEndWasOnlyPlanned_isTheEnd() {
        outcome.endWith(MOVED);
        outcome.died(death(null), true, true);
        assertThat(outcome.ending().kind()).isEqualTo(Ending.Kind.PEER_DEAD);
    }

    @Test
    void died_afterTheLastWord_changesNothing() {
        outcome.endWith(MOVED);
        outcome.died(death(null), true, false);
        assertThat(outcome.ending()).isEqualTo(MOVED);
    }

    @ParameterizedTest
    @CsvSource({
        "VERSION, false, true, REFUSED",
        "VERSION, true, false, PEER_DEAD",
        "PROTOCOL_ERROR, false, false, HANDSHAKE_FAILED"
    })
    void died_ofABrokenProtocol_isForGoodWhereNoVersionIsCommon(
            CloseReason reason, boolean wasUp, boolean forGood, Ending.Kind kind) {
        outcome.died(death(new ProtocolException(reason, "no")), wasUp, false);
        assertThat(outcome.isForGood()).isEqualTo(forGood);
        assertThat(outcome.ending().kind()).isEqualTo(kind);
    }

    @Test
    void peerSaid_comeBackLater_isKept() {
        outcome.peerSaid(Close.of(CloseReason.OVERLOADED, Duration.ofSeconds(7)), true, true, false);
        assertThat(outcome.noEarlier()).isEqualTo(Duration.ofSeconds(7));
        assertThat(outcome.isForGood()).isFalse();
        assertThat(outcome.ending().kind()).isEqualTo(Ending.Kind.PEER_CLOSED);
        assertThat(outcome.ending().close()).isPresent();
    }

    @ParameterizedTest
    @CsvSource({"true, true, REFUSED", "false, false, PEER_CLOSED"})
    void peerSaid_doNotComeBack_isForGoodOnAClientOnly(boolean client, boolean forGood, Ending.Kind kind) {
        outcome.peerSaid(Close.forGood(CloseReason.NORMAL), client, true, false);
        assertThat(outcome.isForGood()).isEqualTo(forGood);
        assertThat(outcome.ending().kind()).isEqualTo(kind);
    }

    @Test
    void peerSaid_refusedInVain_isForGood() {
        outcome.peerSaid(Close.of(CloseReason.REFUSED, Duration.ZERO), true, false, true);
        assertThat(outcome.isForGood()).isTrue();
        assertThat(outcome.ending().kind()).isEqualTo(Ending.Kind.REFUSED);
    }

    @Test
    void peerSaid_doNotComeBackDuringAMove_isTheEnd() {
        outcome.endWith(MOVED);
        outcome.peerSaid(Close.forGood(CloseReason.GOING_AWAY), true, true, false);
        assertThat(outcome.ending().kind()).isEqualTo(Ending.Kind.REFUSED);
    }

    @Test
    void endMoveWith_somebodyEndsTheClient_isNoMoveAnyMore() {
        Ending closed = Ending.of(Ending.Kind.CLOSED, "closed");
        outcome.endWith(MOVED);
        outcome.endMoveWith(closed);
        assertThat(outcome.ending()).isEqualTo(closed);
    }

    @Test
    void handshakeFailed_ofOneAttempt_isNotForGood() {
        outcome.handshakeFailed(new IllegalStateException("busy"), false);
        assertThat(outcome.isForGood()).isFalse();
        assertThat(outcome.ending().reason()).contains("busy");
    }

    private static PeerDeath death(@Nullable Throwable error) {
        return new PeerDeath(
                "peer:1",
                DeathCause.PROTOCOL_ERROR,
                Duration.ZERO,
                "a rule",
                Evidence.of(Optional.empty(), false, Backlog.NONE),
                Optional.ofNullable(error));
    }
}
