package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.UserTimeoutMachine.Action;
import dev.holdfast.verdict.TcpSnapshot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Thousands of connections by chance against a kernel acted out tick by tick (net/ipv4/tcp_timer.c, 250 Hz): its window
 * probes, its retransmissions, and its memory of the first probe, which a window that opens only a little does not wipe.
 */
class UserTimeoutMachinePropertyTest {
    private static final int RUNS = 1500;
    private static final int JIFFY = 4;
    private static final int RTO = 200;

    /** One connection with much to send, and its guard. Times in milliseconds. */
    private static final class Connection {
        private final Random random;
        final int userTimeout;
        private final UserTimeoutMachine guard;
        private final int tick;
        private int inForce;
        private int now = 1;
        private int sampleAt;
        private boolean closed;
        private boolean vanished;
        private int changeAt;
        // the kernel's
        private int firstProbe;
        private int timerAt;
        private int probes;
        private int backoff;
        private int retransmits;
        private int firstRto;
        private int lastAck;
        private int lastAnswered;
        private boolean lostOne;
        private int limited;
        boolean killed;
        boolean judged;

        Connection(Random random) {
            this.random = random;
            this.userTimeout = 250 + random.nextInt(random.nextBoolean() ? 1000 : 8000);
            this.inForce = userTimeout;
            UserTimeoutSampling sampling = UserTimeoutSampling.of(Duration.ofMillis(userTimeout));
            this.tick = (int) sampling.tick().toMillis();
            this.guard = new UserTimeoutMachine(userTimeout * 1_000_000L, sampling, 120_000_000_000L);
            this.sampleAt = next();
            this.changeAt = 1 + random.nextInt(3000);
        }

        private int next() {
            return now + (int) (guard.nextSampleNanos() / 1_000_000) + random.nextInt(tick + 1);
        }

        boolean ended() {
            return killed || judged;
        }

        void step() {
            now += JIFFY;
            limited += closed ? JIFFY : 0;
            if (!vanished && now >= changeAt) {
                if (closed) {
                    open();
                } else {
                    close();
                }
                changeAt = now + 1 + random.nextInt(random.nextBoolean() ? 600 : 12_000);
            }
            if (!closed && !vanished) {
                lastAck = now;
            } else if (now >= timerAt) {
                timer();
            }
            if (!killed && now >= sampleAt) {
                sample();
            }
        }

        private void close() {
            closed = true;
            lastAck = now;
            probes = 0;
            backoff = 0;
            timerAt = now + RTO;
        }

        private void open() {
            closed = false;
            probes = 0;
            backoff = 0;
            if (random.nextBoolean()) {
                firstProbe = 0; // wide enough for all that waits in one buffer
            }
        }

        void vanish() {
            vanished = true;
            if (!closed) {
                timerAt = now + RTO + random.nextInt(RTO);
            }
        }

        private void timer() {
            if (closed) {
                windowProbe();
            } else {
                retransmission();
            }
        }

        private void windowProbe() {
            if (firstProbe == 0) {
                firstProbe = now;
            } else if (inForce > 0 && now - firstProbe >= inForce) {
                killed = true;
                return;
            }
            probes++;
            backoff = Math.min(15, backoff + 1);
            timerAt = now + clamped(Math.min(RTO << Math.min(10, backoff), 120_000), firstProbe);
            boolean withheld = now - lastAnswered < 500;
            boolean lost = !withheld && !lostOne && random.nextInt(5) == 0;
            if (!vanished && !withheld && !lost) {
                lastAnswered = now;
                lastAck = now;
                probes = 0;
            }
            lostOne = lost;
        }

        private void retransmission() {
            if (retransmits == 0) {
                firstRto = now;
            } else if (inForce > 0 && now - firstRto >= inForce) {
                killed = true;
                return;
            }
            retransmits++;
            timerAt = now + clamped(RTO << Math.min(9, retransmits), firstRto);
        }

        private int clamped(int timer, int since) {
            int length = inForce == 0 ? timer : Math.min(timer, Math.max(2 * JIFFY, inForce - (now - since)));
            return length + 1 + random.nextInt(Math.max(1, length / 8)); // timers come late by a part of their length
        }

        private void sample() {
            ByteBuffer info = ByteBuffer.allocate(280).order(ByteOrder.nativeOrder());
            info.put(0, (byte) 1)
                    .put(2, (byte) retransmits)
                    .put(3, (byte) probes)
                    .put(4, (byte) backoff);
            info.putInt(8, RTO * 1000).putInt(16, 1448).putInt(24, closed ? 0 : 1);
            info.putInt(56, now - lastAck).putInt(144, 5000).putInt(228, closed ? 0 : 64_256);
            info.putLong(176, limited * 1000L);
            Action action = guard.onSample(now * 1_000_000L, TcpSnapshot.of(info, 280));
            switch (action) {
                case NONE -> {}
                case LIFT -> inForce = 0;
                case RESTORE -> inForce = userTimeout;
                case DEAD -> judged = true;
            }
            sampleAt = next();
        }

        /** Two probes unanswered that a peer may answer and the second late, or the user timeout; and the guard's looks. */
        int bound() {
            int looks = 2 * (800 + 2 * tick);
            int retransmitting = 2 * RTO + Math.max(userTimeout, 6 * RTO) * 9 / 8 + JIFFY;
            int interval = Math.min(RTO << Math.min(10, backoff), 120_000);
            int probing = (interval < 500 ? 1 + 2 + 4 : 1 + 2) * interval * 9 / 8 + RTO + looks;
            return closed ? Math.max(userTimeout * 9 / 8 + RTO + looks, probing) : retransmitting;
        }
    }

    private interface Property {
        void check(Connection connection);
    }

    private static void forAll(Property property) {
        long first = new Random().nextLong();
        for (long seed = first; seed < first + RUNS; seed++) {
            try {
                property.check(new Connection(new Random(seed)));
            } catch (AssertionError | RuntimeException failed) {
                throw new AssertionError("with seed " + seed, failed);
            }
        }
    }

    @Test
    void livingPeer_howeverItReads_isEndedByNobody() {
        forAll(connection -> {
            for (int ms = 0; ms < 60_000; ms += JIFFY) {
                connection.step();
                assertThat(connection.killed).as("killed at %s", connection.now).isFalse();
                assertThat(connection.judged).as("judged at %s", connection.now).isFalse();
            }
        });
    }

    @Test
    void peerThatVanishes_whateverItsWindowWas_isFoundWithinTheBound() {
        forAll(connection -> {
            int vanishAt = 1 + connection.random.nextInt(30_000);
            for (int ms = 0; ms < vanishAt; ms += JIFFY) {
                connection.step();
            }
            connection.vanish();
            int bound = connection.bound();
            for (int ms = 0; ms < bound && !connection.ended(); ms += JIFFY) {
                connection.step();
            }
            assertThat(connection.ended())
                    .as(
                            "%s ms after it vanished, closed: %s, user timeout: %s",
                            bound, connection.closed, connection.userTimeout)
                    .isTrue();
        });
    }
}
