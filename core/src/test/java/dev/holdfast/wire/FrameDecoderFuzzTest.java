package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.wire.Receiver.Keeping;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Streams that are nearly right: whatever comes, in whatever pieces, the decoder sees what the specification says, fails
 * only with a {@link ProtocolException}, holds no more than one frame, and leaves nothing behind.
 */
class FrameDecoderFuzzTest {
    /** To try one seed again, or longer: {@code -Dfuzz.seed=... -Dfuzz.inputs=...}. */
    private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime());

    private static final int INPUTS = Integer.getInteger("fuzz.inputs", 200_000);
    private static final int LIMIT = 1024;

    /** The largest frame and the largest read, each as much again for growth by doubling, and a header. */
    private static final long MEMORY_LIMIT = 2 * (LIMIT + 4096) + Frames.HEADER_LENGTH;

    @Test
    void corpus_inAnyPieces_isReadAsSpecified() {
        var random = new Random(SEED);
        for (byte[] seed : seeds()) {
            for (int i = 0; i < 20; i++) {
                check(seed, random);
            }
        }
    }

    @Test
    void mutations_inAnyPieces_areReadAsSpecified() {
        System.out.println("fuzz.seed " + SEED + ", inputs " + INPUTS);
        var random = new Random(SEED);
        var mutations = new Mutations(random, seeds());
        for (int i = 0; i < INPUTS; i++) {
            check(mutations.next(), random);
        }
    }

    private static void check(byte[] stream, Random random) {
        try {
            Keeping keeping = random.nextBoolean() ? Keeping.HOLD : Keeping.RELEASE;
            List<String> seen = read(stream, keeping, random);
            if (!seen.equals(Oracle.read(stream, LIMIT))) {
                assertThat(seen).isEqualTo(Oracle.read(stream, LIMIT));
            }
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(
                    "seed " + SEED + ", stream " + HexFormat.of().formatHex(stream), e);
        }
    }

    private static List<String> read(byte[] stream, Keeping keeping, Random random) {
        try (var receiver = new Receiver(LIMIT, keeping)) {
            int largest = 1 + random.nextInt(1 + random.nextInt(stream.length + 1));
            int offset = 0;
            while (offset < stream.length) {
                int to = Math.min(stream.length, offset + 1 + random.nextInt(largest));
                receiver.read(stream, offset, to);
                offset = to;
                if (keeping == Keeping.RELEASE && receiver.usedMemory() > MEMORY_LIMIT) {
                    throw new AssertionError("memory used: " + receiver.usedMemory());
                }
            }
            return receiver.seen();
        }
    }

    private static List<byte[]> seeds() {
        List<byte[]> seeds = new ArrayList<>();
        Vector.in("corpus").forEach(vector -> seeds.add(vector.bytes("bytes")));
        Vector.in("vectors/streams").forEach(vector -> seeds.add(vector.bytes("bytes")));
        return seeds;
    }
}
