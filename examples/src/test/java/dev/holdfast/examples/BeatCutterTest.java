package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BeatCutterTest {
    private static EmbeddedChannel channel(String ping, String pong) {
        return new EmbeddedChannel(
                new BeatCutter(HexFormat.of().parseHex(ping), HexFormat.of().parseHex(pong)));
    }

    private static void write(EmbeddedChannel channel, String hex) {
        channel.writeInbound(Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex)));
    }

    private static List<String> read(EmbeddedChannel channel) {
        List<String> frames = new ArrayList<>();
        for (ByteBuf frame = channel.readInbound(); frame != null; frame = channel.readInbound()) {
            frames.add(ByteBufUtil.hexDump(frame));
            frame.release();
        }
        return frames;
    }

    @ParameterizedTest
    @CsvSource({
        "01, 41, 01, 01",
        "01, 41, 616263, 616263",
        "01, 41, 61014162, 61 01 41 62",
        "01, 41, 4141, 41 41",
        "0102, 41, 01010241, 01 0102 41",
        "0102, 02, 010202, 0102 02",
        "010103, 41, 01010103, 01 010103",
        "0a05, 41, 610a62, 610a62"
    })
    void cutter_framesBeatsWhereverTheyStand(String ping, String pong, String stream, String frames) {
        EmbeddedChannel channel = channel(ping, pong);
        write(channel, stream);
        assertThat(read(channel)).containsExactly(frames.split(" "));
        assertThat(channel.finish()).isFalse();
    }

    @Test
    void beatInPieces_isOneFrame() {
        EmbeddedChannel channel = channel("010203", "41");
        write(channel, "6101");
        assertThat(read(channel)).containsExactly("61");
        write(channel, "02");
        write(channel, "0362");
        assertThat(read(channel)).containsExactly("010203", "62");
        assertThat(channel.finish()).isFalse();
    }

    @Test
    void beginningThatIsNone_passesWithTheBytesThatShowIt() {
        EmbeddedChannel channel = channel("010203", "41");
        write(channel, "0102");
        assertThat(read(channel)).isEmpty();
        write(channel, "0102");
        assertThat(read(channel)).containsExactly("0102");
        write(channel, "04");
        assertThat(read(channel)).containsExactly("010204");
        assertThat(channel.finish()).isFalse();
    }

    @Test
    void beginningAfterWhichNothingComes_passesAfterTheHold_notBefore() {
        EmbeddedChannel channel = channel("0a05", "41");
        channel.freezeTime();
        write(channel, "610a");
        assertThat(read(channel)).containsExactly("61");
        channel.advanceTimeBy(BeatCutter.HOLD_MILLIS - 1, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(read(channel)).isEmpty();
        channel.advanceTimeBy(1, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(read(channel)).containsExactly("0a");
        write(channel, "0541");
        assertThat(read(channel)).containsExactly("05", "41");
        assertThat(channel.finish()).isFalse();
    }

    @Test
    void beginningAtTheEnd_isNotLost() {
        EmbeddedChannel channel = channel("0102", "41");
        write(channel, "01");
        assertThat(channel.finish()).isTrue();
        assertThat(read(channel)).containsExactly("01");
    }

    @Test
    void randomSplits_changeNothing() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int run = 0; run < 500; run++) {
            byte[] stream = new byte[40];
            for (int i = 0; i < stream.length; i++) {
                stream[i] = (byte) (1 + random.nextInt(3));
            }
            EmbeddedChannel whole = channel("010203", "0202");
            whole.writeInbound(Unpooled.wrappedBuffer(stream));
            whole.finish();
            EmbeddedChannel split = channel("010203", "0202");
            for (int at = 0; at < stream.length; ) {
                int length = Math.min(1 + random.nextInt(5), stream.length - at);
                split.writeInbound(Unpooled.copiedBuffer(stream, at, length));
                at += length;
            }
            split.finish();
            List<String> expected = read(whole);
            List<String> found = read(split);
            assertThat(beats(found)).as("seed " + seed + ", run " + run).isEqualTo(beats(expected));
            assertThat(String.join("", found))
                    .as("seed " + seed)
                    .isEqualTo(HexFormat.of().formatHex(stream));
        }
    }

    private static String beats(List<String> frames) {
        return frames.stream()
                .filter(frame -> frame.equals("010203") || frame.equals("0202"))
                .collect(Collectors.joining(" "));
    }
}
