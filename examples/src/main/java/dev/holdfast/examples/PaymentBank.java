package dev.holdfast.examples;

import dev.holdfast.Connection;
import dev.holdfast.Handshake;
import dev.holdfast.HandshakeRefusedException;
import dev.holdfast.ResilientServer;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The other end of {@link PaymentGateway}: it books payments, and loses its connection at the worst moments. Thread-safe. */
final class PaymentBank implements AutoCloseable {
    /** A payment at which the connection is lost, before it is booked or after. */
    private record Death(String id, boolean booked) {}

    private final Set<String> booked = new ConcurrentSkipListSet<>();
    private final AtomicReference<@Nullable Death> death = new AtomicReference<>();
    private final ResilientServer server = ResilientServer.builder(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .liveness(PaymentGateway.LIVENESS)
            .pipeline(this::addCodec, HeartbeatProtocol.frame(PaymentFrames.PING, PaymentFrames.PONG))
            .handshake(PaymentBank::admit)
            .onMessage(String.class, this::serve)
            .start();

    int port() {
        return server.localAddress().getPort();
    }

    Set<String> booked() {
        return booked;
    }

    /** Once: the connection is lost as soon as this payment arrives. */
    void dieAt(String id, boolean afterBooking) {
        death.set(new Death(id, afterBooking));
    }

    private static CompletionStage<?> admit(Handshake handshake) {
        return handshake.receive().thenCompose(message -> {
            if (!message.toString().startsWith("LOGIN merchant-")) {
                throw HandshakeRefusedException.forGood("no merchant");
            }
            return handshake.send("WELCOME");
        });
    }

    private void serve(Connection connection, String message) {
        String[] words = message.split(" ", -1);
        String id = words[1];
        if (words[0].equals("PAY")) {
            booked.add(id); // the same id a second time is the same payment
        }
        connection.send((booked.contains(id) ? "BOOKED " : "NEVER HEARD OF ") + id);
    }

    private void addCodec(ChannelPipeline pipeline) {
        PaymentFrames.addTo(pipeline);
        pipeline.addLast(new Mishap());
    }

    /** In front of the heartbeat: the beat that would confirm the payment is read after it, and no more answered. */
    @SuppressWarnings("FutureReturnValueIgnored") // what it comes to is told by the connection
    private final class Mishap extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            Death now = death.get();
            if (now != null && message.toString().startsWith("PAY " + now.id() + " ")) {
                death.set(null);
                if (now.booked()) {
                    booked.add(now.id());
                }
                context.close();
            } else {
                context.fireChannelRead(message);
            }
        }
    }

    @Override
    public void close() {
        server.close();
    }
}
