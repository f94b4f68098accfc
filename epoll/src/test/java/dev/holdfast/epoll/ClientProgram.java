package dev.holdfast.epoll;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.heartbeat.HeartbeatListener;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import dev.holdfast.socket.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.FixedLengthFrameDecoder;
import io.netty.util.ReferenceCountUtil;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that keeps connections with heartbeats of 01 answered by 41, one event loop for each transport, and prints what
 * happens to them. It reads {@code NAME TRANSPORT PORT INTERVAL TIMEOUT ATTEMPTS WORK} (milliseconds), a line for each
 * connection; after every answer the event loop works for WORK. It ends when its standard input does.
 */
final class ClientProgram {
    private ClientProgram() {}

    @SuppressWarnings("SystemOut") // that is how it tells
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Map<String, Loopback> nets = new HashMap<>();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.out.println("ready");
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ", -1);
            Loopback net = nets.computeIfAbsent(words[1], name -> new Loopback(transport(name)));
            HeartbeatOptions options = HeartbeatOptions.builder()
                    .interval(Duration.ofMillis(Long.parseLong(words[3])))
                    .timeout(Duration.ofMillis(Long.parseLong(words[4])))
                    .attempts(Integer.parseInt(words[5]))
                    .stallAllowance(Duration.ofMillis(1))
                    .beatEvents(true)
                    .build();
            long work = TimeUnit.MILLISECONDS.toNanos(Long.parseLong(words[6]));
            InetSocketAddress peer =
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(words[2]));
            connect(net, peer, options, (channel, event) -> tell(words[0], event, work), words[0]);
        }
        Runtime.getRuntime().halt(0);
    }

    private static Transport transport(String name) {
        return Transport.all().stream()
                .filter(one -> one.name().equals(name))
                .findAny()
                .orElseThrow();
    }

    /** Connects with a heartbeat; application bytes are told by the connection's name. */
    static Channel connect(
            Loopback net, SocketAddress peer, HeartbeatOptions options, HeartbeatListener listener, String name)
            throws InterruptedException {
        Bootstrap bootstrap = net.clientBootstrap().handler(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                HeartbeatProtocol protocol = HeartbeatProtocol.frame(0x01, 0x41);
                channel.pipeline()
                        .addLast(new FixedLengthFrameDecoder(1))
                        .addLast(HeartbeatHandler.create(protocol, options, listener))
                        .addLast(new Application(name));
            }
        });
        return bootstrap.connect(peer).sync().channel();
    }

    private static void tell(String name, HeartbeatEvent event, long work) {
        if (event instanceof HeartbeatEvent.Beat beat) {
            print(
                    name,
                    "beat",
                    beat.sequence(),
                    beat.lateness().toNanos(),
                    beat.roundTrip().toNanos());
            if (work > 0) {
                LockSupport.parkNanos(work);
            }
        } else if (event instanceof HeartbeatEvent.Suspect suspect) {
            print(name, "suspect", suspect.unanswered(), suspect.silence().toNanos());
        } else if (event instanceof HeartbeatEvent.Alive) {
            print(name, "alive");
        } else if (event instanceof HeartbeatEvent.LocalStall stall) {
            print(name, "local-stall", stall.length().toNanos());
        } else if (event instanceof HeartbeatEvent.PeerDead dead) {
            print(
                    name,
                    "dead-" + dead.death().cause(),
                    dead.death().detectedAfter().toNanos());
        }
    }

    @SuppressWarnings("SystemOut")
    private static void print(String name, String what, long... numbers) {
        StringBuilder line = new StringBuilder(name).append(' ').append(what);
        for (long number : numbers) {
            line.append(' ').append(number);
        }
        System.out.println(line);
    }

    /** Prints each byte that is no beat. */
    private static final class Application extends ChannelInboundHandlerAdapter {
        private final String name;

        Application(String name) {
            this.name = name;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
            print(name, "data");
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable told) {
            // the heartbeat has told of it
        }
    }
}
