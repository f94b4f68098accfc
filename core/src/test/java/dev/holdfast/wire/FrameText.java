package dev.holdfast.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.time.Duration;

/** Frames as the test vectors write them. */
final class FrameText {
    private FrameText() {}

    static String of(ByteBuf frame) {
        return switch (Frames.type(frame)) {
            case HELLO -> of(Hello.read(frame));
            case PING -> "PING " + sequence(frame) + " ttl=" + Frames.timeToLiveMillis(frame);
            case PONG -> "PONG " + sequence(frame);
            case DATA -> ("DATA " + ByteBufUtil.hexDump(Frames.payload(frame.duplicate()))).strip();
            case DRAIN -> of(Drain.read(frame));
            case CLOSE -> of(Close.read(frame));
        };
    }

    static String of(ProtocolException error) {
        return "error " + error.reason();
    }

    private static String sequence(ByteBuf frame) {
        return Long.toUnsignedString(Frames.sequence(frame));
    }

    private static String of(Hello hello) {
        return "HELLO versions=" + hello.lowestVersion() + "-" + hello.highestVersion()
                + " capabilities=0x" + Long.toHexString(hello.capabilities())
                + " send=" + hello.minimumSendInterval().toMillis()
                + " receive=" + hello.wishedReceiveInterval().toMillis()
                + " detection=" + hello.detectionTime().toMillis()
                + " max-payload=" + hello.maxPayload();
    }

    private static String of(Drain drain) {
        return "DRAIN code=" + drain.code() + " span=" + drain.span().toMillis();
    }

    private static String of(Close close) {
        return "CLOSE code=" + close.code() + " reconnect="
                + close.reconnectAfter()
                        .map(Duration::toMillis)
                        .map(String::valueOf)
                        .orElse("never");
    }
}
