package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The vectors with which other implementations are tested hold for this one. */
class ProtocolVectorsTest {
    static List<Vector> streams() {
        return Vector.in("vectors/streams");
    }

    static List<Vector> agreements() {
        return Vector.in("vectors/agreements");
    }

    @ParameterizedTest
    @MethodSource("streams")
    void stream_readAtOnce_meansWhatIsExpected(Vector vector) {
        try (var receiver = receiver(vector)) {
            assertThat(receiver.read(vector.bytes("bytes")).seen()).isEqualTo(vector.all("expect"));
        }
    }

    @ParameterizedTest
    @MethodSource("streams")
    void stream_readByteByByte_meansTheSame(Vector vector) {
        try (var receiver = receiver(vector)) {
            assertThat(receiver.readByteByByte(vector.bytes("bytes")).seen()).isEqualTo(vector.all("expect"));
        }
    }

    @ParameterizedTest
    @MethodSource("streams")
    void stream_readInTwoPieces_meansTheSameAtEveryOffset(Vector vector) {
        byte[] bytes = vector.bytes("bytes");
        for (int offset = 1; offset < bytes.length; offset++) {
            try (var receiver = receiver(vector)) {
                receiver.read(bytes, 0, offset).read(bytes, offset, bytes.length);
                assertThat(receiver.seen()).as("cut at %d", offset).isEqualTo(vector.all("expect"));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("streams")
    void stream_writtenAgain_isTheSame(Vector vector) {
        List<String> expected = vector.all("expect");
        boolean wrong = expected.stream().anyMatch(line -> line.startsWith("error") || line.equals("incomplete"));
        if (wrong || vector.all("canonical").contains("no")) {
            return;
        }
        byte[] bytes = vector.bytes("bytes");
        ByteBuf written = Unpooled.buffer();
        int offset = 0;
        while (offset < bytes.length) {
            ByteBuf frame = Unpooled.wrappedBuffer(bytes, offset, bytes.length - offset);
            ByteBuf copy = rewrite(frame.readSlice(Frames.HEADER_LENGTH + frame.getInt(0)));
            offset += copy.readableBytes();
            written.writeBytes(copy);
            copy.release();
        }
        assertThat(Bytes.hexOf(written)).isEqualTo(Bytes.hexOf(Unpooled.wrappedBuffer(bytes)));
    }

    @ParameterizedTest
    @MethodSource("agreements")
    void agreement_ofTwoHellos_isAsExpected(Vector vector) {
        Hello ours = Hello.read(Unpooled.wrappedBuffer(vector.bytes("ours")));
        Hello theirs = Hello.read(Unpooled.wrappedBuffer(vector.bytes("theirs")));

        assertThat(agreed(ours, theirs)).isEqualTo(vector.one("agreed"));
    }

    @Test
    void vectors_coverEveryReasonAndType() {
        List<String> all = new ArrayList<>();
        streams().forEach(vector -> all.addAll(vector.all("expect")));
        for (String begin : List.of(
                "HELLO", "PING", "PONG", "DATA", "DRAIN", "CLOSE", "error PROTOCOL_ERROR", "error FRAME_TOO_LARGE")) {
            assertThat(all).anyMatch(line -> line.startsWith(begin));
        }
        assertThat(streams()).hasSizeGreaterThan(60);
        assertThat(agreements()).hasSizeGreaterThan(10);
    }

    @Test
    void specification_session_isTheVectors() throws IOException {
        String specification = Files.readString(Path.of("../docs/protocol.md"));
        for (Vector vector : streams()) {
            if (vector.name().startsWith("session-")) {
                assertThat(specification).contains(vector.all("bytes"));
            }
        }
    }

    private static Receiver receiver(Vector vector) {
        return new Receiver(Integer.parseInt(vector.one("max-payload")));
    }

    private static ByteBuf rewrite(ByteBuf frame) {
        return switch (Frames.type(frame)) {
            case HELLO -> Hello.read(frame).write(Bytes.HEAP);
            case PING -> Frames.ping(Bytes.HEAP, Frames.sequence(frame), Frames.timeToLiveMillis(frame));
            case PONG -> Frames.pong(Bytes.HEAP, Frames.sequence(frame));
            case DATA -> Frames.data(Bytes.HEAP, Frames.payload(frame.retain()));
            case DRAIN -> Drain.read(frame).write(Bytes.HEAP);
            case CLOSE -> Close.read(frame).write(Bytes.HEAP);
        };
    }

    private static String agreed(Hello ours, Hello theirs) {
        try {
            Agreement agreement = Agreement.between(ours, theirs);
            return "version=%d capabilities=0x%x sending=%s receiving=%s"
                    .formatted(
                            agreement.version(),
                            agreement.capabilities(),
                            text(agreement.sending()),
                            text(agreement.receiving()));
        } catch (ProtocolException refused) {
            return FrameText.of(refused);
        }
    }

    private static String text(BeatInterval beats) {
        Duration interval = beats.interval();
        return (beats.isOff() ? "off" : String.valueOf(interval.toMillis()))
                + (beats.isLongerThanWished() ? " longer" : "");
    }
}
