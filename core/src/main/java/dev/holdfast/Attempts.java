package dev.holdfast;

import dev.holdfast.socket.OptionPolicy;
import dev.holdfast.socket.SocketOptionException;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.verdict.Backlog;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.Evidence;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.verdict.PostMortem;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.resolver.NoopAddressResolverGroup;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Connects, and says why a connect failed. Confined to the event loop. */
@SuppressWarnings("FutureReturnValueIgnored") // its listener tells
final class Attempts {
    private static final int MOST_WARNED = 1000;

    /** Options that have been tried by this process, each with its transport. */
    private static final Set<String> warned = ConcurrentHashMap.newKeySet();

    private final Loops loops;
    private final EventLoop loop;
    private final ClientTls tls;
    private SocketOptions options;

    Attempts(ResilientClient.Builder builder, Loops loops, EventLoop loop) {
        this.loops = loops;
        this.loop = loop;
        this.tls = new ClientTls(builder.tls, builder.checksHost, builder.proxy);
        SocketOptions asked = builder.liveness.socketOptions();
        this.options = isNews(asked) ? asked : quiet(asked);
    }

    boolean hasProxy() {
        return tls.hasProxy();
    }

    /** @param failed told how it failed, if it does; otherwise the link tells what comes next */
    void connect(Link link, InetSocketAddress address, Consumer<Ending> failed) {
        AtomicReference<@Nullable RuntimeException> broken = new AtomicReference<>();
        Bootstrap bootstrap = new Bootstrap()
                .group(loop)
                .channel(loops.transport().channelType())
                .resolver(NoopAddressResolverGroup.INSTANCE)
                .option(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        try {
                            tls.addTo(channel, address);
                            link.addTo(channel, address);
                        } catch (RuntimeException thrown) {
                            broken.set(thrown); // Netty closes the channel, and the connect fails for no reason that it
                            // tells
                            throw thrown;
                        }
                    }
                });
        long started = loop.ticker().nanoTime();
        ChannelFuture connected = options.connect(bootstrap, address);
        options = quiet(options);
        connected.addListener(done -> {
            if (!done.isSuccess()) {
                Duration after = Duration.ofNanos(loop.ticker().nanoTime() - started);
                Ending how = ending(ClientLife.address(address), connected, broken.get(), after);
                if (loop.inEventLoop()) {
                    failed.accept(how);
                } else {
                    loop.execute(() -> failed.accept(how)); // a channel that could not be made has no loop
                }
            }
        });
    }

    /** What is not in force is logged once for each set of options, not by every client, nor at every attempt. */
    private boolean isNews(SocketOptions asked) {
        return warned.size() < MOST_WARNED && warned.add(loops.transport().name() + asked);
    }

    private static SocketOptions quiet(SocketOptions options) {
        return options.policy() == OptionPolicy.WARN
                ? options.toBuilder().policy(OptionPolicy.IGNORE).build()
                : options;
    }

    private static Ending ending(
            String where, ChannelFuture connect, @Nullable RuntimeException broken, Duration after) {
        if (broken != null) {
            return Ending.of(Ending.Kind.CONNECT_FAILED, where + ": the pipeline cannot be made: " + broken);
        }
        Throwable error = connect.cause();
        if (error instanceof SocketOptionException) {
            return Ending.of(
                    Ending.Kind.REFUSED, where + ": " + error.getMessage()); // nor will it be in force next time
        }
        DeathCause cause = PostMortem.connecting(error);
        if (cause == DeathCause.OTHER) {
            return Ending.of(Ending.Kind.CONNECT_FAILED, where + ": " + error.getMessage());
        }
        return Ending.of(
                Ending.Kind.CONNECT_FAILED,
                new PeerDeath(
                        where,
                        cause,
                        after,
                        "the connect failed",
                        Evidence.of(SocketOptions.atConnectFailure(connect.channel()), false, Backlog.NONE),
                        Optional.of(error)));
    }
}
