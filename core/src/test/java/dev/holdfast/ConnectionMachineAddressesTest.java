package dev.holdfast;

import static dev.holdfast.ConnectionMachineTest.A;
import static dev.holdfast.ConnectionMachineTest.B;
import static dev.holdfast.ConnectionMachineTest.STABLE;
import static dev.holdfast.ConnectionMachineTest.failingRound;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.ConnectionMachine.Action;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** In which order the addresses of a round are tried. */
class ConnectionMachineAddressesTest {
    private static final InetSocketAddress C = InetSocketAddress.createUnresolved("c", 7000);

    private final ConnectionMachine machine = ConnectionMachineTest.machine(true);

    @Test
    void addresses_firstRound_areTriedAsGiven() {
        machine.onStart();
        assertThat(failingRound(machine, C, A, B)).containsExactly(C, A, B);
    }

    @Test
    void addresses_nextRound_beginsBehindTheOneThatFailedLast() {
        machine.onStart();
        failingRound(machine, A, B, C);
        assertThat(failingRound(machine, C, A, B)).containsExactly(A, B, C);
        assertThat(failingRound(machine, A, C, B)).containsExactly(B, A, C);
        assertThat(failingRound(machine, A, B, C)).containsExactly(A, B, C);
        assertThat(failingRound(machine, A, B)).containsExactly(A, B);
        assertThat(failingRound(machine, B)).containsExactly(B);
        assertThat(failingRound(machine, A)).containsExactly(A);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void addresses_roundFailedDuringAnAttempt_thatOneGoesLast(boolean connected) {
        ConnectionMachineTest.reach(connected ? ConnectionState.HANDSHAKING : ConnectionState.CONNECTING, machine);
        machine.onRoundFailed(1, true);
        assertThat(failingRound(machine, A, B, C)).containsExactly(B, C, A);
    }

    @Test
    void addresses_roundFailedDuringResolution_keepTheOrder() {
        ConnectionMachineTest.reach(ConnectionState.CONNECTING, machine);
        machine.onRoundFailed(1, true);
        machine.onWaited();
        assertThat(machine.onRoundFailed(2, true)).isEqualTo(Action.WAIT);
        assertThat(machine.failures()).isEqualTo(2);
        assertThat(failingRound(machine, A, B, C)).containsExactly(B, C, A);
    }

    @ParameterizedTest
    @EnumSource(names = {"UP", "DRAINING"})
    void addresses_deathOfAConnection_thatOneGoesLast(ConnectionState state) {
        ConnectionMachineTest.reach(state, machine);
        machine.onEnded(1, STABLE, false, 0);
        assertThat(failingRound(machine, A, B, C)).containsExactly(B, C, A);
    }

    @Test
    void addresses_deathOfAnother_onlyTheLatestGoesLast() {
        ConnectionMachineTest.reach(ConnectionState.CONNECTING, machine);
        machine.onEnded(1, 0, false, 0); // A
        machine.onConnected(2);
        machine.onHandshaken(2, 0);
        assertThat(machine.address()).isEqualTo(B);
        machine.onEnded(2, STABLE, false, 0);
        assertThat(failingRound(machine, A, B, C)).containsExactly(C, A, B);
    }

    @Test
    void addresses_roundsCutShortAtTheFirst_areAllTriedNevertheless() {
        Set<InetSocketAddress> tried = new LinkedHashSet<>();
        machine.onStart();
        for (int i = 1; i <= 3; i++) {
            machine.onWaited();
            machine.onResolved(i, List.of(A, B, C));
            tried.add(machine.address());
            machine.onRoundFailed(i, true);
        }
        assertThat(tried).containsExactly(A, B, C);
    }

    @Test
    void addresses_namedTwice_areTriedOnce() {
        machine.onStart();
        assertThat(failingRound(machine, A, B, A, B, A)).containsExactly(A, B);
        assertThat(failingRound(machine, B, A, B, A)).containsExactly(A, B);
    }

    @Test
    void addresses_none_isAFailedRound() {
        ConnectionMachineTest.reach(ConnectionState.RESOLVING, machine);
        assertThat(machine.onResolved(1, List.of())).isEqualTo(Action.WAIT);
        assertThat(machine.failures()).isEqualTo(1);
        assertThat(machine.epoch()).isZero();
    }

    @Test
    void addresses_listChangedAfterwards_areThoseOfTheCall() {
        ConnectionMachineTest.reach(ConnectionState.RESOLVING, machine);
        List<InetSocketAddress> found = new ArrayList<>(List.of(A, B));
        machine.onResolved(1, found);
        found.set(1, C);
        assertThat(machine.onEnded(1, 0, false, 0)).isEqualTo(Action.CONNECT);
        assertThat(machine.address()).isEqualTo(B);
        assertThat(machine.onEnded(2, 0, false, 0)).isEqualTo(Action.WAIT);
    }

    @Test
    void onRoundFailed_whileTheNextAddressWaitsForItsSlot_beginsWithIt() {
        machine.onStart();
        machine.onWaited();
        machine.onResolved(1, List.of(A, B));
        machine.onEnded(1, 0, false, 0); // A failed, B is to be tried
        machine.onRoundFailed(1, false);
        machine.onWaited();
        machine.onResolved(2, List.of(A, B));
        assertThat(machine.address()).isEqualTo(B);
    }
}
