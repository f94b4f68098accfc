package dev.holdfast.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What tcpdump prints, and what is made of it. */
class PacketsTest {
    private static final int PORT = 7001;
    private static final String OURS =
            "10.77.1.2.40000 > 10.77.100.2.7001: Flags [.], seq %d, ack 1, win 63, length %d";
    private static final String THEIRS =
            "10.77.100.2.7001 > 10.77.1.2.40000: Flags [.], seq %d, ack 1, win 64, length 0";

    private static List<Packets.Packet> packets(String... texts) {
        return java.util.Arrays.stream(texts)
                .map(text -> new Packets.Packet(0, text, Packets.Fate.PASSED))
                .toList();
    }

    @Test
    void parse_inAndOut_isOnePacket() {
        String printed = """
                1763734000.000001 to-plain In  IP (tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto TCP (6), length 40)
                    10.77.1.2.40000 > 10.77.100.2.7001: Flags [R], cksum 0x1234 (correct), seq 5, win 0, length 0
                1763734000.000002 to-server Out IP (tos 0x0, ttl 63, id 7, offset 0, flags [DF], proto TCP (6), length 40)
                    10.77.1.2.40000 > 10.77.100.2.7001: Flags [R], cksum 0x1234 (correct), seq 5, win 0, length 0
                1763734000.500000 to-plain Out IP (tos 0x0, ttl 64, id 0, offset 0, flags [DF], proto TCP (6), length 40)
                    10.77.100.2.7001 > 10.77.1.2.40000: Flags [R.], cksum 0x99 (incorrect -> 0x88), seq 0, ack 6, length 0
                """;

        List<Packets.Packet> packets = Packets.parse(printed, 0);

        assertThat(packets)
                .extracting(Packets.Packet::text)
                .containsExactly(
                        "10.77.1.2.40000 > 10.77.100.2.7001: Flags [R], seq 5, win 0, length 0",
                        "10.77.100.2.7001 > 10.77.1.2.40000: Flags [R.], seq 0, ack 6, length 0");
        assertThat(packets).extracting(Packets.Packet::fate).containsExactly(Packets.Fate.PASSED, Packets.Fate.MADE);
        assertThat(packets.get(1).nanos() - packets.get(0).nanos()).isEqualTo(499_999_000);
    }

    @Test
    void parse_inOnly_isDropped_andItsRepetitionOnItsOwnPasses() {
        String printed = """
                1763734000.000001 to-plain In  IP (tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto TCP (6), length 41)
                    10.77.1.2.40000 > 10.77.100.2.7001: Flags [P.], seq 1:2, ack 1, win 63, length 1
                1763734000.200001 to-plain In  IP (tos 0x0, ttl 64, id 8, offset 0, flags [DF], proto TCP (6), length 41)
                    10.77.1.2.40000 > 10.77.100.2.7001: Flags [P.], seq 1:2, ack 1, win 63, length 1
                1763734000.200002 to-server Out IP (tos 0x0, ttl 63, id 8, offset 0, flags [DF], proto TCP (6), length 41)
                    10.77.1.2.40000 > 10.77.100.2.7001: Flags [P.], seq 1:2, ack 1, win 63, length 1
                """;

        assertThat(Packets.parse(printed, 0))
                .extracting(Packets.Packet::fate)
                .containsExactly(Packets.Fate.DROPPED, Packets.Fate.PASSED);
    }

    @Test
    void parse_withOtherAddresses_isTheSameTranslated() {
        String printed = """
                1763734000.000001 to-nat In  IP (tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto TCP (6), length 40)
                    10.77.4.2.40000 > 10.77.101.2.7001: Flags [S], seq 5, win 0, length 0
                1763734000.000002 to-server Out IP (tos 0x0, ttl 63, id 7, offset 0, flags [DF], proto TCP (6), length 40)
                    10.77.101.1.57011 > 10.77.101.2.7001: Flags [S], seq 5, win 0, length 0
                """;

        assertThat(Packets.parse(printed, 0))
                .extracting(Packets.Packet::fate)
                .containsExactly(Packets.Fate.PASSED, Packets.Fate.TRANSLATED);
    }

    @Test
    void probes_ofTheRightForm_areWell() {
        String probe = OURS.formatted(0, 0);
        String answer = THEIRS.formatted(1);

        assertThat(KeepAliveProbes.areWellFormed(packets(probe, answer, probe, answer, probe, answer), PORT))
                .isEmpty();
        assertThat(KeepAliveProbes.areWellFormed(packets(probe, answer, probe, answer), PORT))
                .isEqualTo("2 probes, 2 answers, 0 with payload");
        assertThat(KeepAliveProbes.areWellFormed(
                        packets(probe, answer, probe, answer, OURS.formatted(0, 1), answer), PORT))
                .isEqualTo("3 probes, 3 answers, 1 with payload");
    }

    @Test
    void probes_ofOneSideOnly_areNotOfBoth() {
        String theirs = THEIRS.formatted(0);

        assertThat(KeepAliveProbes.comeFromBoth(packets(theirs, theirs, theirs, theirs, theirs, theirs), PORT))
                .isEqualTo("6 probes of theirs, 0 of ours");
    }
}
