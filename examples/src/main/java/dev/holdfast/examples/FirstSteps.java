package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.policy.DetectionBounds;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.policy.Middlebox;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelPipeline;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.time.Duration;

/** The README's examples; a test compares them. Run it with a host and a port. */
public final class FirstSteps {
    private FirstSteps() {}

    /** Connects a plain socket and prints what is known beforehand. */
    public static void main(String[] arguments) throws IOException {
        aPlainSocket(arguments[0], Integer.parseInt(arguments[1]));
        whatIsKnownBeforehand();
    }

    private static void aPlainSocket(String host, int port) throws IOException {
        SocketOptions options = SocketOptions.builder()
                .keepAlive(Duration.ofSeconds(60), Duration.ofSeconds(10), 3)
                .userTimeout(Duration.ofSeconds(85))
                .connectTimeout(Duration.ofSeconds(3))
                .build();
        try (Socket socket = new Socket()) {
            OptionReport report = options.connect(socket, new InetSocketAddress(host, port));
            System.out.println(report); // a table: what was asked for, what the kernel holds
        }
    }

    static ChannelFuture netty(
            SocketOptions options,
            Bootstrap bootstrap,
            SocketAddress address,
            ServerBootstrap serverBootstrap,
            SocketAddress local) {
        ChannelFuture connected = options.connect(bootstrap, address);
        ChannelFuture listening = options.bind(serverBootstrap, local);
        connected.addListener(done -> System.out.println(OptionReport.of(connected.channel())));
        return listening;
    }

    static void heartbeat(ChannelPipeline pipeline, ChannelHandler frameDecoder, ChannelHandler yourHandler) {
        HeartbeatOptions beats =
                HeartbeatOptions.builder().interval(Duration.ofSeconds(45)).build();
        HeartbeatHandler heartbeat =
                HeartbeatHandler.create(HeartbeatProtocol.frame(0x01, 0x41), beats, (channel, event) -> {
                    if (event instanceof HeartbeatEvent.PeerDead dead) {
                        System.out.println(dead.death().explain());
                    }
                });
        pipeline.addLast(frameDecoder, heartbeat, yourHandler);
    }

    private static void whatIsKnownBeforehand() {
        LivenessPolicy policy = LivenessPolicy.detectWithin(Duration.ofSeconds(10));
        DetectionBounds bounds = policy.bounds(KernelSettings.current(), Transport.preferred());
        System.out.println(bounds); // for each failure: nominal, worst case, detector
        System.out.println(policy.survives(Middlebox.AWS_NLB));
    }
}
