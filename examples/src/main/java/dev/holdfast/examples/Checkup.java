package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatHandler;
import dev.holdfast.socket.OptionReport;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.verdict.PostMortem;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Ticker;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Looks at a peer: connects to each of its addresses, and keeps the first for a closer look. Blocks. */
@SuppressWarnings("FutureReturnValueIgnored") // a close needs no waiting
final class Checkup {
    /** Where no connect timeout is asked for; the kernel's own takes minutes. */
    static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);
    /** What accepts only to close again does so at once. */
    private static final Duration WATCH = Duration.ofMillis(500);

    private static final Duration HELLO_LIMIT = Duration.ofSeconds(15);

    private final EventLoopGroup group;
    private final Transport transport;
    private final SocketOptions options;
    private final Optional<Beats> beats;

    /**
     * A connect to one address.
     *
     * @param failure why there is no connection; empty if there was one
     */
    record Attempt(InetSocketAddress address, Duration took, Optional<Throwable> failure) {
        /** As numbers, without the name. */
        String text() {
            String host = address.getAddress().getHostAddress();
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
        }

        /** In words. */
        String result() {
            return failure.map(error -> {
                        DeathCause cause = PostMortem.connecting(error);
                        return "failed after " + Times.text(took) + ": "
                                + (cause == DeathCause.OTHER ? "" : cause + ", ") + error.getMessage();
                    })
                    .orElseGet(() -> "connected in " + Times.text(took));
        }
    }

    /**
     * The closer look.
     *
     * @param report of the options; empty if this connect failed
     * @param connect how long the connect took
     * @param tcp what the kernel knew at the end; empty where it cannot be asked
     * @param beat the answer's time; empty if none was asked for, or none came
     * @param end how the peer ended the connection, if it did
     */
    record Vitals(
            Optional<OptionReport> report,
            Duration connect,
            Optional<TcpSnapshot> tcp,
            Optional<Duration> beat,
            Optional<String> end) {}

    Checkup(EventLoopGroup group, Transport transport, SocketOptions options, Optional<Beats> beats) {
        this.group = group;
        this.transport = transport;
        this.options = options;
        this.beats = beats;
    }

    /** Connects to ourselves: a program's first connection takes its time, which is not the peer's. */
    void warmUp() throws InterruptedException {
        ChannelFuture listening = new ServerBootstrap()
                .group(group)
                .channel(transport.serverChannelType())
                .childHandler(new Nothing())
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .await();
        if (listening.isSuccess()) {
            connect((InetSocketAddress) listening.channel().localAddress(), new Nothing())
                    .await()
                    .channel()
                    .close();
        }
        listening.channel().close();
    }

    /** Connects to all of them side by side, and closes again. */
    List<Attempt> connect(List<InetSocketAddress> addresses) throws InterruptedException {
        long started = Ticker.systemTicker().nanoTime();
        List<CompletableFuture<Attempt>> pending = new ArrayList<>();
        for (InetSocketAddress address : addresses) {
            CompletableFuture<Attempt> attempt = new CompletableFuture<>();
            ChannelFuture connected = connect(address, new Nothing());
            connected.addListener(done -> attempt.complete(new Attempt(
                    address,
                    Duration.ofNanos(Ticker.systemTicker().nanoTime() - started),
                    Optional.ofNullable(done.cause()))));
            pending.add(attempt);
            connected.addListener(ChannelFutureListener.CLOSE);
        }
        List<Attempt> attempts = new ArrayList<>();
        for (CompletableFuture<Attempt> each : pending) {
            attempts.add(get(each));
        }
        return attempts;
    }

    private ChannelFuture connect(InetSocketAddress address, ChannelInitializer<Channel> pipeline) {
        SocketOptions limited = options.connectTimeout().isPresent()
                ? options
                : options.toBuilder().connectTimeout(CONNECT_LIMIT).build();
        return limited.connect(
                new Bootstrap().group(group).channel(transport.channelType()).handler(pipeline), address);
    }

    /** Connects once more, asks the heartbeat if there is one, and otherwise watches for a moment. */
    Vitals examine(String peer, InetSocketAddress address) throws InterruptedException {
        Ticker ticker = Ticker.systemTicker();
        Life life = new Life();
        PeerHandler handler = new PeerHandler(peer, life, beats.isEmpty());
        long started = ticker.nanoTime();
        ChannelFuture connected = connect(address, new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                Pipelines.add(channel.pipeline(), beats, handler);
                channel.pipeline().addLast(handler);
            }
        });
        connected.await();
        Duration took = Duration.ofNanos(ticker.nanoTime() - started);
        if (!connected.isSuccess()) {
            String failed = new Attempt(address, took, Optional.of(connected.cause())).result();
            return new Vitals(Optional.empty(), took, Optional.empty(), Optional.empty(), Optional.of(failed));
        }
        Channel channel = connected.channel();
        Optional<Duration> beat = ask(channel, life);
        Optional<TcpSnapshot> tcp = snapshot(channel);
        handler.close(channel);
        return new Vitals(report(channel), took, tcp, beat, life.end());
    }

    /** Without the row of a limit that nobody asked for. */
    private Optional<OptionReport> report(Channel channel) {
        return OptionReport.of(channel)
                .map(report -> new OptionReport(
                        report.socket(),
                        report.rows().stream()
                                .filter(row -> options.asked().containsKey(row.option()))
                                .toList(),
                        report.warnings()));
    }

    /** The answer's time. Whoever does not answer is found dead, within the heartbeat's bound. */
    private Optional<Duration> ask(Channel channel, Life life) throws InterruptedException {
        if (beats.isEmpty()) {
            life.await(life.ended, WATCH);
            return Optional.empty();
        }
        Beats asked = beats.get();
        if (asked.protocol().form() == BeatProtocol.Form.FRAMES && !life.await(life.agreed, HELLO_LIMIT)) {
            life.give(DeathCause.HANDSHAKE_DEADLINE + ": no HELLO came within " + Times.text(HELLO_LIMIT));
            return Optional.empty();
        }
        HeartbeatHandler heartbeat = channel.pipeline().get(HeartbeatHandler.class);
        if (heartbeat == null || life.ended.isDone()) {
            return Optional.empty();
        }
        try {
            answer(heartbeat);
            return Optional.of(answer(heartbeat)); // the first one takes a program's first time, too
        } catch (ExecutionException unanswered) {
            life.await(life.ended, WATCH);
            return Optional.empty();
        }
    }

    private static Duration answer(HeartbeatHandler heartbeat) throws InterruptedException, ExecutionException {
        CompletableFuture<Duration> answer = new CompletableFuture<>();
        Future<Duration> probe = heartbeat.probe();
        probe.addListener(done -> {
            if (done.isSuccess()) {
                answer.complete(probe.getNow());
            } else {
                answer.completeExceptionally(done.cause());
            }
        });
        return answer.get();
    }

    private Optional<TcpSnapshot> snapshot(Channel channel) throws InterruptedException {
        CompletableFuture<Optional<TcpSnapshot>> taken = new CompletableFuture<>();
        channel.eventLoop().execute(() -> taken.complete(transport.snapshot(channel)));
        return get(taken);
    }

    private static <T> T get(CompletableFuture<T> future) throws InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** For a connection that is closed at once. */
    private static final class Nothing extends ChannelInitializer<Channel> {
        @Override
        protected void initChannel(Channel channel) {
            // nothing is to come
        }
    }

    /** What becomes of the connection. */
    private static final class Life implements PeerHandler.Listener {
        private final CompletableFuture<Boolean> agreed = new CompletableFuture<>();
        private final CompletableFuture<Optional<String>> ended = new CompletableFuture<>();

        @Override
        public void up(PeerHandler handler, Channel channel) {
            // the report is with the channel
        }

        @Override
        public void received(PeerHandler handler, Channel channel, String line) {
            // what it says does not matter here
        }

        @Override
        public void happened(Happening happening) {
            if (happening.name().equals("agreed")) {
                agreed.complete(true);
            }
        }

        @Override
        public void closed(boolean byPeer) {
            ended.complete(byPeer ? Optional.of("the peer closed the connection") : Optional.empty());
            agreed.complete(false);
        }

        @Override
        public void dead(PeerDeath death) {
            give(death.cause() + ": " + death.explain());
        }

        private void give(String end) {
            ended.complete(Optional.of(end));
            agreed.complete(false);
        }

        private boolean await(CompletableFuture<?> event, Duration limit) throws InterruptedException {
            try {
                event.get(limit.toNanos(), TimeUnit.NANOSECONDS);
                return true;
            } catch (TimeoutException over) {
                return false;
            } catch (ExecutionException impossible) {
                throw new IllegalStateException(impossible);
            }
        }

        private Optional<String> end() {
            return ended.getNow(Optional.empty());
        }
    }
}
