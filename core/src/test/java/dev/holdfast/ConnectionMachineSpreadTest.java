package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients that lost their server at the same instant come back spread evenly over the range of the delay. The seeds are fixed, so
 * the outcome is, too; of all seeds one in a hundred would give a p below 0.01.
 */
class ConnectionMachineSpreadTest {
    private static final long MS = 1_000_000;
    private static final int CLIENTS = 5000;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 9, 10, 40})
    void delays_ofManyClientsAfterTheSameDeath_areSpreadEvenly(int failures) {
        double limit = Math.min(30_000 * MS, (100 * MS) << Math.min(failures - 1, 20));
        double[] parts = new double[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            parts[i] = delayAfter(failures, i) / limit;
        }
        assertThat(pOfEvenSpread(parts)).as("Kolmogorov-Smirnov, p").isGreaterThan(0.01);
    }

    private static long delayAfter(int failures, long seed) {
        ReconnectOptions options = ReconnectOptions.builder()
                .backoff(Backoff.exponential(Duration.ofMillis(100), Duration.ofSeconds(30)))
                .build();
        ConnectionMachine machine = new ConnectionMachine(options, new SplittableRandom(seed));
        machine.onStart();
        for (int i = 0; i < failures; i++) {
            machine.onWaited();
            machine.onRoundFailed(machine.round(), true);
        }
        return machine.delayNanos();
    }

    @Test
    void evenSpread_ofSamplesThatAreNot_isRefused() {
        double[] parts = new SplittableRandom(1).doubles(CLIENTS).toArray();
        assertThat(pOfEvenSpread(parts.clone())).as("even").isGreaterThan(0.01);
        assertThat(pOfEvenSpread(
                        Arrays.stream(parts).map(part -> 0.05 + 0.95 * part).toArray()))
                .as("no delay below 5 % of the limit")
                .isLessThan(0.001);
        assertThat(pOfEvenSpread(Arrays.stream(parts).map(part -> part * part).toArray()))
                .as("short delays preferred")
                .isLessThan(0.001);
    }

    /** By Kolmogorov and Smirnov: the probability that even samples from 0 to 1 lie as far from the diagonal, or farther. */
    private static double pOfEvenSpread(double[] samples) {
        Arrays.sort(samples);
        double farthest = 0;
        for (int i = 0; i < samples.length; i++) {
            double above = (i + 1.0) / samples.length - samples[i];
            double below = samples[i] - (double) i / samples.length;
            farthest = Math.max(farthest, Math.max(above, below));
        }
        double lambda = farthest * (Math.sqrt(samples.length) + 0.12 + 0.11 / Math.sqrt(samples.length));
        double p = 0;
        for (int k = 1; k <= 100; k++) {
            p += (k % 2 == 1 ? 2 : -2) * Math.exp(-2.0 * k * k * lambda * lambda);
        }
        return Math.min(1, p);
    }
}
