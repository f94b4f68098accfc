package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatListener;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.wire.FrameDecoder;
import dev.holdfast.wire.Hello;
import dev.holdfast.wire.HelloHandler;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.SslHandler;
import java.time.Duration;

/** The examples of docs/heartbeat.md; a test compares them. */
final class HeartbeatSteps {
    private HeartbeatSteps() {}

    static HeartbeatOptions options() {
        HeartbeatOptions options = HeartbeatOptions.builder()
                .interval(Duration.ofSeconds(10)) // a silent peer is asked after this
                .timeout(Duration.ofSeconds(3)) // and has this long to answer
                .attempts(2) // each of so many probes: found dead after 16 s
                .build();
        return options;
    }

    static void behindTls(
            ChannelPipeline pipeline,
            SslHandler tls,
            ChannelHandler frameDecoder,
            HeartbeatHandler heartbeat,
            ChannelHandler yourHandler) {
        pipeline.addLast(tls, frameDecoder, heartbeat, yourHandler);
    }

    static void framed(ChannelPipeline pipeline, HeartbeatOptions options, HeartbeatListener listener) {
        Hello hello = options.hello().build();
        pipeline.addLast(
                new FrameDecoder(hello),
                new HelloHandler(hello),
                HeartbeatHandler.create(HeartbeatProtocol.framed(), options, listener));
    }

    static HeartbeatHandler afterTheLogin(
            HeartbeatProtocol protocol, HeartbeatOptions options, HeartbeatListener listener) {
        HeartbeatOptions later = options.toBuilder().manualStart(true).build();
        HeartbeatHandler heartbeat = HeartbeatHandler.create(protocol, later, listener);
        return heartbeat;
    }

    static void ask(HeartbeatHandler heartbeat) {
        heartbeat.probe().addListener(done -> {
            if (done.isSuccess()) {
                System.out.println("round trip " + done.getNow());
            } else {
                System.out.println("no answer: " + done.cause().getMessage());
            }
        });
    }

    static HeartbeatListener listener() {
        HeartbeatListener listener = (channel, event) -> {
            if (event instanceof HeartbeatEvent.PeerDead dead) {
                System.out.println(dead.death().explain());
            } else if (event instanceof HeartbeatEvent.LocalStall stall) {
                System.out.println("we stood still for " + stall.length().toMillis() + " ms");
            }
        };
        return listener;
    }
}
