package dev.holdfast.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How a refused peer sees the end, on loopback: our frames, the end of our stream, and no reset. */
class HelloHandlerIT {
    private static final int PATIENCE_MILLIS = 10_000;
    private static final Hello OURS = Hello.builder().build();
    private static final int OUR_FRAMES = 48 + 16;

    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private ServerSocket server;

    @BeforeEach
    void listen() throws IOException {
        server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        server.setSoTimeout(PATIENCE_MILLIS);
    }

    @AfterEach
    void end() throws IOException {
        server.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    private Channel connect(Duration limit) {
        return new Bootstrap()
                .group(group)
                .channel(NioSocketChannel.class)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new FrameDecoder(OURS), new HelloHandler(OURS, limit));
                    }
                })
                .connect(server.getLocalSocketAddress())
                .syncUninterruptibly()
                .channel();
    }

    private Socket accept() throws IOException {
        Socket peer = server.accept();
        peer.setSoTimeout(PATIENCE_MILLIS);
        return peer;
    }

    /** All that comes, to the end of the stream; a reset would be an exception. */
    private static void assertHelloAndClose(Socket peer, CloseReason reason) throws IOException {
        byte[] all = peer.getInputStream().readAllBytes();
        assertThat(all).hasSize(OUR_FRAMES);
        assertThat(HexFormat.of().formatHex(all, 0, 8)).isEqualTo("0000002801000000");
        assertThat(HexFormat.of().formatHex(all, 48, OUR_FRAMES))
                .isEqualTo("0000000806000000%04x000000000000".formatted(reason.code()));
    }

    @Test
    void silentPeer_seesTheCloseAndTheEnd_andIsReadToItsOwn() throws Exception {
        Channel channel = connect(Duration.ofMillis(200));
        try (Socket peer = accept()) {
            assertHelloAndClose(peer, CloseReason.HANDSHAKE_TIMEOUT);
            peer.getOutputStream().write(Bytes.HELLO);
            peer.getOutputStream().write(Bytes.LONG_DATA);
            assertThat(channel.isOpen()).as("input is still read").isTrue();
            peer.shutdownOutput();

            assertThat(channel.closeFuture().await(PATIENCE_MILLIS)).isTrue();
            assertThat(peer.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void peerThatSpeaksAnotherLanguage_seesTheCloseAndTheEnd_andIsLeftInTheEnd() throws Exception {
        Channel channel = connect(Duration.ofSeconds(20));
        try (Socket peer = accept()) {
            peer.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));

            assertHelloAndClose(peer, CloseReason.PROTOCOL_ERROR);
            assertThat(channel.closeFuture().await(PATIENCE_MILLIS))
                    .as("though the peer's end never comes")
                    .isTrue();
        }
    }
}
