package dev.holdfast.examples;

import dev.holdfast.policy.DetectionBounds;
import dev.holdfast.policy.FailureMode;
import dev.holdfast.policy.KernelSettings;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.OptionPolicy;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.Evidence;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.verdict.PostMortem;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** {@code holdfast demo}: a client and a server in one process, and every way to lose the other that needs no privileges. */
@Command(
        name = "demo",
        description = {
            "Tells a story on loopback, in well under a minute and without root: what was asked for and what the kernel really"
                    + " applied, then a connection that is closed, one that is reset, one whose peer stops reading, a"
                    + " connect that nobody answers, and a peer whose program hangs, each with the cause that the library"
                    + " names; a stall of our own, of which nobody dies; and a connection that looks after itself, through a"
                    + " death, the return and a drain."
        })
@SuppressWarnings("FutureReturnValueIgnored") // what becomes of a write or close is told by the handler
final class Demo implements Callable<Integer> {
    private static final long PATIENCE_SECONDS = 15;
    private static final SocketOptions SERVERS = SocketOptions.builder()
            .keepAlive(Duration.ofSeconds(1), Duration.ofSeconds(1), 3)
            .userTimeout(Duration.ofMillis(3500))
            .build();
    private static final SocketOptions OPTIONS =
            SERVERS.toBuilder().connectTimeout(Duration.ofSeconds(1)).build();

    private final Transport transport = Transport.preferred();
    private final Ticker ticker = Ticker.systemTicker();
    private int surprises;

    /** What the server does with a client. */
    private enum Manners {
        CLOSES,
        RESETS,
        STOPS_READING
    }

    /** How a connection ended; no death means a regular close. */
    private record End(Optional<PeerDeath> death, Duration after) {}

    @Override
    public Integer call() throws IOException, InterruptedException, ExecutionException, TimeoutException {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, transport.ioHandlerFactory());
        try {
            tell(group);
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
        }
        say("");
        say(surprises == 0 ? "Every cause was named as it was made." : surprises + " of them did not go as told.");
        return surprises == 0 ? 0 : 1;
    }

    private void tell(EventLoopGroup group)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        DetectionBounds bounds = LivenessPolicy.of(OPTIONS).bounds(KernelSettings.current(), transport);
        chapter("What these options promise, computed before the first packet");
        say(bounds.toString());

        chapter("The same options on a socket of Java's own, which has fewer of them");
        onJavasOwnSocket(group);
        chapter("A peer that closes: no death");
        expect(null, meet(group, Manners.CLOSES));
        chapter("A peer that resets");
        expect(DeathCause.RESET, meet(group, Manners.RESETS));
        chapter("A peer that lives but stops reading, while we go on writing");
        stopReading(group, bounds);
        chapter("A connect that nobody answers");
        unanswered(group);
        heartbeats();
        connections();
    }

    /** A death, the return, and a drain. */
    private void connections() throws InterruptedException {
        try (ConnectionActs acts = new ConnectionActs(transport, OPTIONS)) {
            chapter("A connection that looks after itself: its server hangs, with a message on its way");
            Optional<PeerDeath> death = acts.death();
            Duration after = death.map(PeerDeath::detectedAfter).orElse(Duration.ZERO);
            expect(hung(death), new End(death, after));
            chapter("It comes back: another server, found by itself");
            require(acts.isBack(), "a connection that comes back, and carries messages");
            chapter("A server that drains: its client is asked to move, finishes what it sent, and goes on elsewhere");
            require(acts.moves(), "a move by which nothing is lost");
        }
    }

    /** What a hung program is named: without the kernel's evidence the cause is the honest, weaker one. */
    private static DeathCause hung(Optional<PeerDeath> death) {
        boolean kernelAsked = death.flatMap(each -> each.evidence().tcpInfo()).isPresent();
        return kernelAsked ? DeathCause.PEER_HUNG : DeathCause.HEARTBEAT_TIMEOUT;
    }

    private void require(boolean asTold, String story) {
        if (!asTold) {
            surprises++;
            say("  but the story was of " + story);
        }
    }

    private void heartbeats() throws InterruptedException {
        try (HeartbeatActs acts = new HeartbeatActs(transport)) {
            chapter("A peer whose program hangs: its kernel goes on acknowledging, so only a heartbeat notices");
            Duration bound = acts.bound(OPTIONS);
            say("  computed: at most " + seconds(bound) + " after its last byte, by " + HeartbeatActs.HEARTBEAT);
            Optional<PeerDeath> death = acts.hungPeer();
            Duration measured = death.map(PeerDeath::detectedAfter).orElse(Duration.ZERO);
            expect(hung(death), new End(death, measured));
            say("  measured: " + seconds(measured));
            chapter("A stall of our own: the peer is healthy, we are not, and nobody dies of it");
            require(acts.ownStall(), "a stall that is told, and of beats that go on");
        }
    }

    private void stopReading(EventLoopGroup group, DetectionBounds bounds)
            throws InterruptedException, ExecutionException, TimeoutException {
        Optional<Duration> worst = bounds.worstCase(FailureMode.ZERO_WINDOW_PEER_ALIVE);
        if (worst.isEmpty()) {
            say("  Left out: " + transport
                    + " has no user timeout, and without it the kernel waits for such a peer for ever.");
            return;
        }
        End end = meet(group, Manners.STOPS_READING);
        expect(DeathCause.PEER_NOT_READING, end);
        Duration nominal =
                bounds.bound(FailureMode.ZERO_WINDOW_PEER_ALIVE).nominal().orElseThrow();
        say("  computed: " + seconds(nominal) + " to " + seconds(worst.get()) + " after its window closed; measured: "
                + seconds(end.after()) + " after the first byte");
    }

    private void onJavasOwnSocket(EventLoopGroup group) throws IOException, InterruptedException {
        Channel server = SERVERS.bind(server(group, Manners.STOPS_READING), loopback(0))
                .sync()
                .channel();
        try (Socket socket = new Socket()) {
            SocketOptions quiet =
                    OPTIONS.toBuilder().policy(OptionPolicy.IGNORE).build(); // the table says it all
            say(quiet.connect(socket, (InetSocketAddress) server.localAddress()).toString());
        } finally {
            server.close().sync();
        }
    }

    /** A server, a client of it, and how the client's connection ends. */
    private End meet(EventLoopGroup group, Manners manners)
            throws InterruptedException, ExecutionException, TimeoutException {
        Channel server =
                SERVERS.bind(server(group, manners), loopback(0)).sync().channel();
        CompletableFuture<End> ended = new CompletableFuture<>();
        PeerHandler handler = new PeerHandler("server", new Ending(manners, ended), true);
        try {
            Bootstrap bootstrap = client(group, new ChannelInitializer<>() {
                @Override
                protected void initChannel(Channel channel) {
                    channel.pipeline().addLast(new LineDecoder(), handler);
                }
            });
            OPTIONS.connect(bootstrap, server.localAddress()).sync();
            return ended.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } finally {
            server.close().sync();
        }
    }

    private Bootstrap client(EventLoopGroup group, ChannelInitializer<Channel> initializer) {
        return new Bootstrap().group(group).channel(transport.channelType()).handler(initializer);
    }

    private ServerBootstrap server(EventLoopGroup group, Manners manners) {
        return new ServerBootstrap()
                .group(group)
                .channel(transport.serverChannelType())
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel child) {
                        child.pipeline().addLast(new Host(manners));
                    }
                });
    }

    /** A connect into a full queue: the kernel drops the SYN, as a host that is gone would. */
    private void unanswered(EventLoopGroup group) throws InterruptedException {
        ServerBootstrap deaf = server(group, Manners.CLOSES)
                .option(ChannelOption.SO_BACKLOG, 1)
                .option(ChannelOption.AUTO_READ, false);
        Channel server = deaf.bind(loopback(0)).sync().channel();
        try {
            Bootstrap bootstrap = client(group, new ChannelInitializer<>() {
                @Override
                protected void initChannel(Channel channel) {
                    channel.pipeline().addLast(new Host(Manners.STOPS_READING));
                }
            });
            for (int i = 0; i < 2; i++) { // a queue of one holds two
                bootstrap.connect(server.localAddress()).sync();
            }
            long started = ticker.nanoTime();
            ChannelFuture connect =
                    OPTIONS.connect(bootstrap, server.localAddress()).await();
            Duration after = Duration.ofNanos(ticker.nanoTime() - started);
            if (connect.isSuccess()) {
                expect(DeathCause.CONNECT_TIMEOUT, new End(Optional.empty(), after));
                return;
            }
            Throwable cause = connect.cause();
            PeerDeath death = new PeerDeath(
                    "server",
                    PostMortem.connecting(cause),
                    after,
                    "the connect failed",
                    Evidence.NONE,
                    Optional.of(cause));
            expect(DeathCause.CONNECT_TIMEOUT, new End(Optional.of(death), after));
        } finally {
            server.close().sync();
        }
    }

    private void expect(@Nullable DeathCause expected, End end) {
        DeathCause named = end.death().map(PeerDeath::cause).orElse(null);
        say("  named " + (named == null ? "CLOSED" : named) + " after " + seconds(end.after()));
        end.death().ifPresent(death -> {
            say("  " + death.explain());
            death.evidence().tcpInfo().ifPresent(evidence -> say("  evidence: " + evidence));
        });
        if (named != expected) {
            surprises++;
            say("  but the story was of " + (expected == null ? "CLOSED" : expected));
        }
    }

    private static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    private static String seconds(Duration duration) {
        return Math.round(duration.toMillis() / 10.0) / 100.0 + " s";
    }

    static void chapter(String title) {
        say("");
        say("== " + title);
    }

    static void say(String line) {
        System.out.println(line);
    }

    /** The server's side of one client. */
    private static final class Host extends ChannelInboundHandlerAdapter {
        private final Manners manners;

        Host(Manners manners) {
            this.manners = manners;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            Channel child = context.channel();
            switch (manners) {
                case CLOSES -> {
                    say("accepted: " + OptionReport.of(child).orElseThrow());
                    child.close();
                }
                case RESETS -> {} // at the first byte, when the client is surely connected
                case STOPS_READING -> child.config().setAutoRead(false);
            }
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
            context.channel().config().setOption(ChannelOption.SO_LINGER, 0);
            context.close();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable resetByTheClient) {
            context.close();
        }
    }

    /** The client's side: how its connection ends. */
    private final class Ending implements PeerHandler.Listener {
        private static final int CHUNK = 64 * 1024;

        private final Manners manners;
        private final CompletableFuture<End> ended;
        private final long startNanos = ticker.nanoTime();

        Ending(Manners manners, CompletableFuture<End> ended) {
            this.manners = manners;
            this.ended = ended;
        }

        @Override
        public void up(PeerHandler handler, Channel channel) {
            switch (manners) {
                case CLOSES -> say("connected: " + OptionReport.of(channel).orElseThrow());
                case RESETS -> handler.write(channel, channel.alloc().buffer(1).writeZero(1));
                case STOPS_READING -> writeOn(handler, channel);
            }
        }

        /** One chunk after the other, until nothing more fits. */
        private void writeOn(PeerHandler handler, Channel channel) {
            handler.write(channel, channel.alloc().buffer(CHUNK).writeZero(CHUNK))
                    .addListener(done -> {
                        if (done.isSuccess()) {
                            writeOn(handler, channel);
                        }
                    });
        }

        @Override
        public void received(PeerHandler handler, Channel channel, String line) {
            // this server says nothing
        }

        @Override
        public void closed(boolean byPeer) {
            end(Optional.empty());
        }

        @Override
        public void dead(PeerDeath death) {
            end(Optional.of(death));
        }

        private void end(Optional<PeerDeath> death) {
            ended.complete(new End(death, Duration.ofNanos(ticker.nanoTime() - startNanos)));
        }
    }
}
