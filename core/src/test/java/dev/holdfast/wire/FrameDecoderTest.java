package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FrameDecoderTest {

    private static final byte[] EVERYTHING = Bytes.concat(
            Bytes.HELLO,
            Bytes.PING,
            Bytes.LONG_DATA,
            Bytes.OPTIONAL,
            Bytes.PONG,
            Bytes.EMPTY_DATA,
            Bytes.EMPTY_OPTIONAL,
            Bytes.SHORT_DATA,
            Bytes.DRAIN,
            Bytes.CLOSE);
    private static final List<String> EVERYTHING_SEEN = List.of(
            "HELLO versions=1-1 capabilities=0x0 send=1000 receive=5000 detection=15000 max-payload=65536",
            "PING 7 ttl=20000",
            "DATA " + "78".repeat(200),
            "PONG 7",
            "DATA",
            "DATA 616263",
            "DRAIN code=1 span=30000",
            "CLOSE code=1 reconnect=never");

    @ParameterizedTest
    @EnumSource
    void read_everythingAtOnce_isCut(Receiver.Keeping keeping) {
        try (var receiver = new Receiver(Receiver.LIMIT, keeping)) {
            assertThat(receiver.read(EVERYTHING).seen()).isEqualTo(EVERYTHING_SEEN);
        }
    }

    @ParameterizedTest
    @EnumSource
    void read_byteByByte_isCut(Receiver.Keeping keeping) {
        try (var receiver = new Receiver(Receiver.LIMIT, keeping)) {
            assertThat(receiver.readByteByByte(EVERYTHING).seen()).isEqualTo(EVERYTHING_SEEN);
        }
    }

    @ParameterizedTest
    @EnumSource
    void read_twoPieces_isCutAtEveryOffset(Receiver.Keeping keeping) {
        for (int offset = 0; offset <= EVERYTHING.length; offset++) {
            try (var receiver = new Receiver(Receiver.LIMIT, keeping)) {
                receiver.read(EVERYTHING, 0, offset).read(EVERYTHING, offset, EVERYTHING.length);
                assertThat(receiver.seen()).as("cut at %d", offset).isEqualTo(EVERYTHING_SEEN);
            }
        }
    }

    @Test
    void read_frameAlone_isTheBufferItself() {
        try (var receiver = Receiver.opened()) {
            var frames = new ArrayList<ByteBuf>();
            receiver.addBehind(collector(frames));
            ByteBuf in = Unpooled.copiedBuffer(Bytes.PING);

            receiver.channel().pipeline().fireChannelRead(in);

            assertThat(frames).singleElement().isSameAs(in);
            assertThat(in.refCnt()).isEqualTo(1);
            in.release();
        }
    }

    @Test
    void read_framesTogether_shareOrCopyBySize() {
        try (var receiver = Receiver.opened()) {
            var frames = new ArrayList<ByteBuf>();
            receiver.addBehind(collector(frames));
            ByteBuf in = Unpooled.copiedBuffer(Bytes.data(56), Bytes.data(57), Bytes.PING);

            receiver.channel().pipeline().fireChannelRead(in);

            assertThat(frames).hasSize(3);
            assertThat(frames.get(2)).isSameAs(in);
            in.setZero(0, in.capacity());
            assertThat(frames.get(0).getByte(8)).as("64 bytes, copied").isEqualTo((byte) 'x');
            assertThat(frames.get(1).getByte(8)).as("65 bytes, shared").isZero();
            frames.forEach(ByteBuf::release);
            assertThat(in.refCnt()).isZero();
        }
    }

    @Test
    void read_emptyBuffer_changesNothing() {
        try (var receiver = new Receiver(Receiver.LIMIT)) {
            receiver.read(new byte[0]);
            assertThat(receiver.seen()).isEmpty();
            assertThat(receiver.usedMemory()).isZero();
        }
    }

    @Test
    void read_otherMessage_isPassedOn() {
        try (var receiver = new Receiver(Receiver.LIMIT)) {
            receiver.channel().pipeline().remove(receiver.channel().pipeline().last());
            assertThat(receiver.channel().writeInbound("other")).isTrue();
            assertThat(receiver.channel().<Object>readInbound()).isEqualTo("other");
        }
    }

    @Test
    void data_atTheLimit_isDelivered_above_isRefusedFromTheHeader() {
        try (var receiver = Receiver.opened()) {
            receiver.read(Bytes.data(Receiver.LIMIT));
            assertThat(receiver.seen()).hasSize(2).last().isEqualTo("DATA " + "78".repeat(Receiver.LIMIT));

            receiver.read(Bytes.header(Receiver.LIMIT + 1, 4, 0));
            assertThat(receiver.error().reason()).isEqualTo(CloseReason.FRAME_TOO_LARGE);
            assertThat(receiver.usedMemory()).isZero();
        }
    }

    @Test
    void limitPayload_countsFromTheNextHeader_alsoOfTheSameRead() {
        try (var receiver = new Receiver(4096).read(Bytes.HELLO)) {
            receiver.addBehind(new ChannelInboundHandlerAdapter() {
                @Override
                public void channelRead(ChannelHandlerContext context, Object message) {
                    receiver.decoder().limitPayload(2048);
                    context.fireChannelRead(message);
                }
            });
            receiver.read(Bytes.concat(Bytes.data(4096), Bytes.data(2048), Bytes.header(2049, 4, 0)));
            assertThat(receiver.seen()).hasSize(4);
            assertThat(receiver.error().reason()).isEqualTo(CloseReason.FRAME_TOO_LARGE);
            assertThat(receiver.usedMemory()).isZero();
        }
    }

    @Test
    void limitPayload_leavesAFrameAlone_whoseHeaderWasLookedAt() {
        try (var receiver = new Receiver(4096)) {
            byte[] data = Bytes.data(4096);
            receiver.read(Bytes.HELLO).read(data, 0, 100);
            receiver.decoder().limitPayload(1024);
            receiver.read(data, 100, data.length).read(Bytes.PONG);
            assertThat(receiver.seen()).hasSize(3).last().isEqualTo("PONG 7");
            receiver.decoder().limitPayload(4096);
            assertThat(receiver.read(data).seen()).hasSize(4);
        }
    }

    @Test
    void data_announced_takesNoMemoryBeforeItComes() {
        try (var receiver = new Receiver(Hello.MAX_PAYLOAD)) {
            receiver.read(Bytes.HELLO).read(Bytes.header(Hello.MAX_PAYLOAD, 4, 0));
            assertThat(receiver.usedMemory()).isEqualTo(8);

            receiver.read(new byte[100]);
            assertThat(receiver.usedMemory()).isLessThan(300);
        }
    }

    @Test
    void optional_largest_takesNoMemory() {
        try (var receiver = new Receiver(Hello.MAX_PAYLOAD)) {
            receiver.read(Bytes.HELLO).read(Bytes.header(1 << 20, 99, 1));
            byte[] piece = new byte[1 << 10];
            for (int i = 0; i < 1 << 10; i++) {
                assertThat(receiver.usedMemory()).isZero();
                assertThat(receiver.decoder().isInsideFrame()).isTrue();
                receiver.read(piece);
            }
            assertThat(receiver.decoder().isInsideFrame()).isFalse();
            assertThat(receiver.read(Bytes.PONG).seen()).last().isEqualTo("PONG 7");
        }
    }

    @Test
    void optional_endingInsideARead_isSkippedExactly() {
        try (var receiver = Receiver.opened()) {
            receiver.read(Bytes.OPTIONAL, 0, 100)
                    .read(Bytes.OPTIONAL, 100, 200)
                    .read(Bytes.concat(
                            Arrays.copyOfRange(Bytes.OPTIONAL, 200, 308), Bytes.PONG, Bytes.OPTIONAL, Bytes.PING));
            assertThat(receiver.seen()).hasSize(3).endsWith("PONG 7", "PING 7 ttl=20000");
        }
    }

    @Test
    void hello_badPayload_isAnErrorAndNotPassedOn() {
        byte[] hello = Bytes.HELLO.clone();
        hello[8] = 0;
        try (var receiver = new Receiver(Receiver.LIMIT)) {
            assertThat(receiver.read(hello).seen()).containsExactly("error PROTOCOL_ERROR");
        }
    }

    @Test
    void error_then_nothingIsReadAnyMore() {
        try (var receiver = Receiver.opened()) {
            receiver.read(Bytes.concat(Bytes.PONG, Bytes.header(8, 77, 0), Bytes.PONG))
                    .read(Bytes.PONG)
                    .read(Bytes.HELLO);
            assertThat(receiver.seen()).hasSize(3).endsWith("PONG 7", "error PROTOCOL_ERROR");
            assertThat(receiver.usedMemory()).isZero();
            assertThat(receiver.decoder().isInsideFrame()).isFalse();
        }
    }

    @Test
    void close_then_nothingIsReadAnyMore() {
        try (var receiver = Receiver.opened()) {
            receiver.read(Bytes.concat(Bytes.CLOSE, Bytes.PONG, Bytes.header(-1L >>> 32, 4, 0)))
                    .read(Bytes.PONG);
            assertThat(receiver.seen()).hasSize(2).endsWith("CLOSE code=1 reconnect=never");
            assertThat(receiver.usedMemory()).isZero();
        }
    }

    @Test
    void insideFrame_isTrueBetweenItsFirstAndLastByte() {
        try (var receiver = Receiver.opened()) {
            for (int i = 0; i < Bytes.PING.length; i++) {
                assertThat(receiver.decoder().isInsideFrame()).isEqualTo(i > 0);
                receiver.read(Bytes.PING, i, i + 1);
            }
            assertThat(receiver.decoder().isInsideFrame()).isFalse();
        }
    }

    @Test
    void receivedBytes_always_countsAll() {
        try (var receiver = Receiver.opened()) {
            assertThat(receiver.decoder().receivedBytes()).isEqualTo(48);
            receiver.read(Bytes.PING, 0, 1).read(new byte[0]);
            assertThat(receiver.decoder().receivedBytes()).isEqualTo(49);
            receiver.read(Bytes.PING, 1, 20).read(Bytes.CLOSE).read(Bytes.CLOSE);
            assertThat(receiver.decoder().receivedBytes()).isEqualTo(48 + 20 + 16 + 16);
        }
    }

    @Test
    void read_neverAlignedWithFrames_memoryStaysBounded() {
        try (var receiver = Receiver.opened()) {
            byte[] shifted = Bytes.concat(
                    Arrays.copyOfRange(Bytes.LONG_DATA, 100, 208),
                    Bytes.LONG_DATA,
                    Arrays.copyOf(Bytes.LONG_DATA, 100));
            receiver.read(Bytes.LONG_DATA, 0, 100);
            for (int i = 0; i < 1000; i++) {
                receiver.read(shifted);
                assertThat(receiver.usedMemory()).isLessThanOrEqualTo(1024);
            }
            assertThat(receiver.seen()).hasSize(1 + 2000 + 1);
        }
    }

    @Test
    void read_readOnlyBuffers_areJoined() {
        try (var receiver = Receiver.opened()) {
            for (byte[] part : List.of(
                    Bytes.concat(Bytes.PONG, Arrays.copyOf(Bytes.PING, 10)), Arrays.copyOfRange(Bytes.PING, 10, 20))) {
                receiver.channel()
                        .pipeline()
                        .fireChannelRead(Unpooled.copiedBuffer(part).asReadOnly());
            }
            assertThat(receiver.seen()).hasSize(3).endsWith("PONG 7", "PING 7 ttl=20000");
        }
    }

    @Test
    void read_compositeBuffers_areJoined() {
        try (var receiver = Receiver.opened()) {
            for (byte[] part : List.of(
                    Bytes.concat(Bytes.PONG, Arrays.copyOf(Bytes.PING, 10)), Arrays.copyOfRange(Bytes.PING, 10, 20))) {
                ByteBuf head = Unpooled.copiedBuffer(part, 0, 5);
                ByteBuf tail = Unpooled.copiedBuffer(part, 5, part.length - 5);
                receiver.channel().pipeline().fireChannelRead(Unpooled.wrappedBuffer(head, tail));
                assertThat(head.refCnt()).isZero();
                assertThat(tail.refCnt()).isZero();
            }
            assertThat(receiver.seen()).hasSize(3).endsWith("PONG 7", "PING 7 ttl=20000");
        }
    }

    private static ChannelInboundHandlerAdapter collector(List<ByteBuf> frames) {
        return new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                frames.add((ByteBuf) message);
            }
        };
    }
}
