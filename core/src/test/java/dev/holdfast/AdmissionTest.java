package dev.holdfast;

import static dev.holdfast.Admission.Ruling.ADMIT;
import static dev.holdfast.Admission.Ruling.DROP;
import static dev.holdfast.Admission.Ruling.TURN_AWAY;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

class AdmissionTest {
    private static InetAddress v4(int last) {
        return address(new byte[] {10, 0, (byte) (last >> 8), (byte) last});
    }

    private static InetAddress v6(int network, int host) {
        byte[] bytes = new byte[16];
        bytes[0] = 0x20;
        bytes[1] = 0x01;
        bytes[7] = (byte) network;
        bytes[8] = (byte) host;
        bytes[15] = (byte) host;
        return address(bytes);
    }

    private static InetAddress address(byte[] bytes) {
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException length) {
            throw new AssertionError(length);
        }
    }

    @Test
    void connections_areAdmittedUpToTheLimit_theNextIsTurnedAway() {
        Admission admission = new Admission(2, 10, 10);
        assertThat(admission.onAccepted(v4(1))).isEqualTo(ADMIT);
        assertThat(admission.onAccepted(v4(2))).isEqualTo(ADMIT);
        assertThat(admission.onAccepted(v4(3))).isEqualTo(TURN_AWAY);
        assertThat(admission.connections()).isEqualTo(2);
        admission.onGone(v4(3), TURN_AWAY, false);
        assertThat(admission.connections()).isEqualTo(2);
        admission.onGone(v4(1), ADMIT, false);
        assertThat(admission.onAccepted(v4(3))).isEqualTo(ADMIT);
    }

    @Test
    void connectionsOfOneAddress_areAdmittedUpToTheLimit() {
        Admission admission = new Admission(10, 2, 10);
        assertThat(admission.onAccepted(v4(1))).isEqualTo(ADMIT);
        assertThat(admission.onAccepted(v4(1))).isEqualTo(ADMIT);
        assertThat(admission.onAccepted(v4(1))).isEqualTo(TURN_AWAY);
        assertThat(admission.onAccepted(v4(2))).isEqualTo(ADMIT);
        admission.onGone(v4(1), ADMIT, false);
        assertThat(admission.onAccepted(v4(1))).isEqualTo(ADMIT);
        assertThat(admission.onAccepted(v4(1))).isEqualTo(TURN_AWAY);
    }

    @Test
    void networkOfIpv6_countsAsOneAddress_andTheNextDoesNot() {
        Admission admission = new Admission(10, 2, 10);
        assertThat(admission.onAccepted(v6(1, 1))).isEqualTo(ADMIT);
        assertThat(admission.onAccepted(v6(1, 2))).isEqualTo(ADMIT);
        assertThat(admission.onAccepted(v6(1, 3))).isEqualTo(TURN_AWAY);
        assertThat(admission.onAccepted(v6(2, 1))).isEqualTo(ADMIT);
        assertThat(admission.addresses()).isEqualTo(2);
        admission.onGone(v6(1, 2), ADMIT, false);
        assertThat(admission.onAccepted(v6(1, 4))).isEqualTo(ADMIT);
    }

    @Test
    void handshakes_areLimited_andWhatIsTurnedAwayIsOneToo() {
        Admission admission = new Admission(2, 10, 3);
        assertThat(admission.onAccepted(v4(1))).isEqualTo(ADMIT);
        assertThat(admission.onAccepted(v4(2))).isEqualTo(ADMIT);
        assertThat(admission.onAccepted(v4(3))).isEqualTo(TURN_AWAY);
        assertThat(admission.handshakes()).isEqualTo(3);
        assertThat(admission.onAccepted(v4(4))).isEqualTo(DROP);
        assertThat(admission.handshakes()).isEqualTo(3); // what is dropped is not told gone
        admission.onUp();
        assertThat(admission.handshakes()).isEqualTo(2);
        assertThat(admission.onAccepted(v4(4))).isEqualTo(TURN_AWAY);
        admission.onGone(v4(1), ADMIT, true);
        assertThat(admission.handshakes()).isEqualTo(3);
        assertThat(admission.connections()).isEqualTo(1);
        admission.onGone(v4(2), ADMIT, false);
        admission.onGone(v4(3), TURN_AWAY, false);
        assertThat(admission.handshakes()).isEqualTo(1);
    }

    @Test
    void whatIsTurnedAway_leavesNoAddressBehind() {
        Admission admission = new Admission(1, 1, 100_000);
        admission.onAccepted(v4(0));
        for (int i = 1; i < 10_000; i++) {
            assertThat(admission.onAccepted(v4(i))).isEqualTo(TURN_AWAY);
        }
        assertThat(admission.addresses()).isEqualTo(1);
    }

    private record Visitor(InetAddress from, Admission.Ruling ruling, boolean up) {}

    @Test
    void anyOrderOfComingAndGoing_limitsHold_andNothingIsLeft() {
        long seed = ThreadLocalRandom.current().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 2000; i++) {
            Admission admission = new Admission(6, 3, 4);
            Deque<Visitor> inside = new ArrayDeque<>();
            for (int step = 0; step < 60; step++) {
                InetAddress from = random.nextBoolean() ? v4(random.nextInt(3)) : v6(random.nextInt(3), step);
                if (random.nextInt(3) > 0) {
                    Admission.Ruling ruling = admission.onAccepted(from);
                    if (ruling != DROP) {
                        inside.add(new Visitor(from, ruling, false));
                    }
                } else if (!inside.isEmpty()) {
                    Visitor one = inside.remove();
                    if (!one.up && one.ruling == ADMIT && random.nextBoolean()) {
                        admission.onUp();
                        inside.add(new Visitor(one.from, ADMIT, true));
                    } else {
                        admission.onGone(one.from, one.ruling, one.up);
                    }
                }
                assertThat(admission.connections())
                        .as("seed %s", seed)
                        .isBetween(0, 6)
                        .isEqualTo((int) inside.stream()
                                .filter(one -> one.ruling == ADMIT)
                                .count());
                assertThat(admission.handshakes())
                        .as("seed %s", seed)
                        .isBetween(0, 4)
                        .isEqualTo((int) inside.stream().filter(one -> !one.up).count());
                assertThat(admission.addresses()).as("seed %s", seed).isLessThanOrEqualTo(admission.connections());
            }
            inside.forEach(one -> admission.onGone(one.from, one.ruling, one.up));
            assertThat(admission.connections() + admission.handshakes() + admission.addresses())
                    .as("seed %s", seed)
                    .isZero();
        }
    }
}
