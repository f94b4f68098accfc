package dev.holdfast;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import java.net.InetSocketAddress;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/**
 * What stands in front of everything on a client's channel: a proxy's handler, and TLS.
 *
 * @param checksHost whether the certificate must be for the host that was asked for
 */
record ClientTls(
        @Nullable SslContext context,
        boolean checksHost,
        @Nullable Supplier<? extends ChannelHandler> proxy) {
    void addTo(Channel channel, InetSocketAddress address) {
        Supplier<? extends ChannelHandler> inFront = proxy;
        if (inFront != null) {
            channel.pipeline().addLast(inFront.get());
        }
        SslContext tls = context;
        if (tls != null) {
            SslHandler handler = tls.newHandler(channel.alloc(), address.getHostString(), address.getPort());
            SSLEngine engine = handler.engine();
            SSLParameters parameters = engine.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm(checksHost ? "HTTPS" : ""); // null would keep Netty's default
            engine.setSSLParameters(parameters);
            prepare(handler);
            channel.pipeline().addLast(handler);
        }
    }

    /** What every handler of ours is told, on either end. */
    static void prepare(SslHandler handler) {
        handler.setHandshakeTimeoutMillis(0); // the handshake limit is kept by the link
        // Each message has records of its own: otherwise one promise stands for several messages, and those that have
        // left
        // would be called NOT_SENT where the last of them has not.
        handler.setWrapDataSize(0);
    }

    boolean hasProxy() {
        return proxy != null;
    }
}
