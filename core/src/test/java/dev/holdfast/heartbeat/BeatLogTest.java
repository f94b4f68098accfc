package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.verdict.LastBeat;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The packed log of the last beats. */
class BeatLogTest {
    private static final long MS = 1_000_000;

    @Test
    void pack_isExactWhenSmall_andRoundsDown_byUpToItsLastBit() {
        long seed = new Random().nextLong();
        System.out.println("BeatLogTest seed " + seed);
        Random random = new Random(seed);
        for (int bits : new int[] {10, 12}) {
            int mantissa = bits - 5;
            for (long small = 0; small < 1 << (mantissa + 1); small++) {
                assertThat(BeatLog.unpack(BeatLog.pack(small, bits), bits)).isEqualTo(small);
            }
            for (int i = 0; i < 10_000; i++) {
                long value = random.nextLong() >>> (64 - mantissa - 31 + random.nextInt(30));
                long told = BeatLog.unpack(BeatLog.pack(value, bits), bits);
                assertThat(told).isLessThanOrEqualTo(value);
                assertThat((double) (value - told)).isLessThanOrEqualTo((double) value / (1 << mantissa));
            }
        }
    }

    @Test
    void pack_ofTheLargest_andBeyond_staysTheLargest() {
        long largest = BeatLog.unpack((1 << 10) - 1, 10);
        assertThat(BeatLog.pack(largest, 10)).isEqualTo((1 << 10) - 1);
        assertThat(BeatLog.pack(Long.MAX_VALUE, 10)).isEqualTo((1 << 10) - 1);
    }

    @Test
    void beats_areToldNewestFirst_withDueLatenessAndRoundTrip() {
        int[] log = BeatLog.create(3);
        for (int sequence = 1; sequence <= 5; sequence++) {
            // due every second, 2 ms late each, and 8 ms to the answer but for the last
            BeatLog.onSent(log, sequence, sequence * (1000 * MS) + 2 * MS, 2 * MS, 0);
            if (sequence < 5) {
                BeatLog.onAnswer(log, sequence, 8 * MS);
            }
        }
        List<LastBeat> beats = BeatLog.beats(log, 5, 6000 * MS);
        assertThat(beats).hasSize(3);
        assertThat(beats.get(0).due()).isEqualTo(Duration.ofSeconds(1));
        assertThat(beats.get(0).roundTrip()).isEmpty();
        assertThat(beats.get(1).due()).isBetween(Duration.ofMillis(1980), Duration.ofMillis(2000));
        assertThat(beats.get(2).due()).isBetween(Duration.ofMillis(2970), Duration.ofMillis(3000));
        for (LastBeat beat : beats) {
            assertThat(beat.lateness()).isBetween(Duration.ofNanos(1_930_000), Duration.ofMillis(2));
        }
        assertThat(beats.get(1).roundTrip().orElseThrow()).isBetween(Duration.ofMillis(7), Duration.ofMillis(8));
    }

    @Test
    void fewerBeatsThanRoom_areAllThatAreTold() {
        int[] log = BeatLog.create(16);
        assertThat(BeatLog.beats(log, 0, 0)).isEmpty();
        BeatLog.onSent(log, 1, -5 * MS, 0, 0);
        assertThat(BeatLog.beats(log, 1, 5 * MS))
                .containsExactly(new LastBeat(Duration.ofMillis(10), Duration.ZERO, Optional.empty()));
    }

    @Test
    void answerAtTheEndOfItsRange_isNotTakenForNone() {
        int[] log = BeatLog.create(1);
        BeatLog.onSent(log, 1, 0, 0, 0);
        BeatLog.onAnswer(log, 1, Long.MAX_VALUE);
        assertThat(BeatLog.beats(log, 1, 0).get(0).roundTrip()).isPresent();
    }

    @Test
    void roundTrip_leavesOutOurStalls() {
        int[] log = BeatLog.create(0);
        for (long sent : new long[] {0, -1, 0xFFFF_FFFFL, Long.MAX_VALUE - 3}) {
            BeatLog.onSent(log, 1, sent, 7_000, 5_999_999);
            assertThat(BeatLog.roundTripNanos(log, sent + 60 * MS, 45 * MS)).isEqualTo(20 * MS);
            assertThat(BeatLog.lateNanos(log)).isEqualTo(7_000);
            assertThat(BeatLog.sentNanos(log)).isEqualTo(sent);
        }
    }
}
