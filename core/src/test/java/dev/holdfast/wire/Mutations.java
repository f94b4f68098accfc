package dev.holdfast.wire;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Makes streams that are nearly right out of streams that are right, or of others. */
final class Mutations {
    private static final int MAX_LENGTH = 4096;
    private static final long[] LENGTHS = {
        0, 1, 7, 8, 9, 11, 12, 13, 39, 40, 41, 56, 57, 1023, 1024, 1025, 0x7FFF_FFFFL, 0x8000_0000L, 0xFFFF_FFFFL
    };
    private static final int[] BYTES = {0, 1, 2, 0x7F, 0x80, 0xFF};

    private final Random random;
    private final List<byte[]> seeds;

    Mutations(Random random, List<byte[]> seeds) {
        this.random = random;
        this.seeds = seeds;
    }

    /** The next stream: one in eight has a damaged HELLO, the others get past it. */
    byte[] next() {
        byte[] stream = random.nextInt(4) == 0 ? randomStream() : any();
        int kept = random.nextInt(8) == 0 ? 0 : Math.min(stream.length, Bytes.HELLO.length);
        for (int i = random.nextInt(4); i > 0; i--) {
            byte[] tail = mutate(Arrays.copyOfRange(stream, kept, stream.length));
            stream = Bytes.concat(Arrays.copyOf(stream, kept), tail);
        }
        return stream.length > MAX_LENGTH ? Arrays.copyOf(stream, MAX_LENGTH) : stream;
    }

    private byte[] any() {
        return seeds.get(random.nextInt(seeds.size()));
    }

    /** A HELLO and headers that are right more often than not, with payloads of noise. */
    private byte[] randomStream() {
        var stream = new ByteArrayOutputStream();
        stream.writeBytes(Bytes.HELLO);
        for (int i = random.nextInt(12); i >= 0; i--) {
            int type = random.nextInt(10);
            boolean known = type >= 1 && type <= 6;
            int length = type == 4 || !known ? random.nextInt(80) : type == 2 ? 12 : 8;
            stream.writeBytes(Bytes.header(length, type, known ? 0 : 1));
            stream.writeBytes(noise(length));
        }
        return stream.toByteArray();
    }

    private byte[] mutate(byte[] bytes) {
        if (bytes.length == 0) {
            return noise(random.nextInt(20));
        }
        int at = random.nextInt(bytes.length);
        int to = Math.min(bytes.length, at + 1 + random.nextInt(40));
        byte[] head = Arrays.copyOf(bytes, at);
        return switch (random.nextInt(8)) {
            case 0 -> set(bytes, at, bytes[at] ^ 1 << random.nextInt(8));
            case 1 -> set(bytes, at, BYTES[random.nextInt(BYTES.length)]);
            case 2 -> Bytes.concat(head, noise(1 + random.nextInt(20)), tail(bytes, at));
            case 3 -> Bytes.concat(head, tail(bytes, to));
            case 4 -> Bytes.concat(Arrays.copyOf(bytes, to), tail(bytes, at));
            case 5 -> head;
            case 6 -> Bytes.concat(head, tail(any(), 0));
            default -> Bytes.concat(head, length(), tail(bytes, Math.min(bytes.length, at + 4)));
        };
    }

    private byte[] length() {
        return ByteBuffer.allocate(4)
                .putInt((int) LENGTHS[random.nextInt(LENGTHS.length)])
                .array();
    }

    private byte[] noise(int length) {
        byte[] noise = new byte[length];
        random.nextBytes(noise);
        return noise;
    }

    private static byte[] set(byte[] bytes, int at, int value) {
        byte[] copy = bytes.clone();
        copy[at] = (byte) value;
        return copy;
    }

    private static byte[] tail(byte[] bytes, int from) {
        return Arrays.copyOfRange(bytes, from, bytes.length);
    }
}
