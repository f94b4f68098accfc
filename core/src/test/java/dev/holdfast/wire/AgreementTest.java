package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AgreementTest {
    @ParameterizedTest
    @CsvSource({"1,1,1,1,1", "1,3,1,2,2", "1,3,2,5,3", "1,2,2,3,2", "4,9,5,6,6", "255,255,1,255,255"})
    void version_rangesOverlap_isTheHighestOfBoth(
            int lowest, int highest, int theirLowest, int theirHighest, int agreed) {
        Hello ours = Hello.builder().versions(lowest, highest).build();
        Hello theirs = Hello.builder().versions(theirLowest, theirHighest).build();

        assertThat(Agreement.between(ours, theirs).version()).isEqualTo(agreed);
        assertThat(Agreement.between(theirs, ours).version()).isEqualTo(agreed);
    }

    @Test
    void version_rangesApart_isRefusedOnBothSides() {
        Hello old = Hello.builder().versions(1, 2).build();
        Hello young = Hello.builder().versions(3, 5).build();

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> Agreement.between(old, young))
                .withMessage("protocol versions: 3 to 5 of the peer (expected: one of ours, 1 to 2)")
                .satisfies(error -> assertThat(error.reason()).isEqualTo(CloseReason.VERSION));
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> Agreement.between(young, old))
                .withMessage("protocol versions: 1 to 2 of the peer (expected: one of ours, 3 to 5)");
    }

    @Test
    void capabilities_ofBoth_count() {
        Hello ours = Hello.builder().capabilities(0x8000_0000_0000_0006L).build();
        Hello theirs = Hello.builder().capabilities(0xC000_0000_0000_0003L).build();

        assertThat(Agreement.between(ours, theirs).capabilities()).isEqualTo(0x8000_0000_0000_0002L);
    }

    @ParameterizedTest
    @CsvSource({"1,1,true", "1,0,false", "0,1,false", "2,2,false", "3,5,true", "-1,1,true", "-1,-2,false"})
    void confirms_whatBothAnnounced(long ours, long theirs, boolean confirms) {
        Hello one = Hello.builder().capabilities(ours).build();
        Hello other = Hello.builder().capabilities(theirs).build();

        assertThat(Agreement.between(one, other).confirms()).isEqualTo(confirms);
    }

    @ParameterizedTest
    @CsvSource({
        // sender's minimum, receiver's wish, interval, longer than wished
        "1000, 5000, 5000, false",
        "5000, 5000, 5000, false",
        "5001, 5000, 5001, true",
        "10000, 5000, 10000, true",
        "0, 5000, 0, true",
        "5000, 0, 0, false",
        "0, 0, 0, false",
        "1, 4294967295, 4294967295, false"
    })
    void interval_oneDirection_isTheLargerOne(long minimum, long wish, long interval, boolean longer) {
        Hello sender =
                Hello.builder().minimumSendInterval(Duration.ofMillis(minimum)).build();
        Hello receiver =
                Hello.builder().wishedReceiveInterval(Duration.ofMillis(wish)).build();

        BeatInterval sending = Agreement.between(sender, receiver).sending();
        BeatInterval receiving = Agreement.between(receiver, sender).receiving();

        assertThat(sending).isEqualTo(receiving);
        assertThat(sending.interval()).isEqualTo(Duration.ofMillis(interval));
        assertThat(sending.wished()).isEqualTo(Duration.ofMillis(wish));
        assertThat(sending.isOff()).isEqualTo(interval == 0);
        assertThat(sending.isLongerThanWished()).isEqualTo(longer);
    }

    @Test
    void agreement_seenFromBothSides_isTheSame() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            Hello ours = randomHello(random);
            Hello theirs = randomHello(random);

            Agreement here = Agreement.between(ours, theirs);
            Agreement there = Agreement.between(theirs, ours);

            assertThat(here.version()).as("seed %d", seed).isEqualTo(there.version());
            assertThat(here.capabilities()).as("seed %d", seed).isEqualTo(there.capabilities());
            assertThat(here.sending()).as("seed %d", seed).isEqualTo(there.receiving());
            assertThat(here.receiving()).as("seed %d", seed).isEqualTo(there.sending());
        }
    }

    private static Hello randomHello(Random random) {
        return Hello.builder()
                .versions(1 + random.nextInt(10), 10 + random.nextInt(10))
                .capabilities(random.nextLong())
                .minimumSendInterval(Duration.ofMillis(random.nextInt(4) * 1000L))
                .wishedReceiveInterval(Duration.ofMillis(random.nextInt(4) * 1000L))
                .build();
    }
}
