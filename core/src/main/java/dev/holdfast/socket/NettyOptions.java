package dev.holdfast.socket;

import dev.holdfast.socket.OptionTarget.Role;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.ServerChannel;
import io.netty.util.AttributeKey;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Options on Netty's channels. A handler at the head of the pipeline sees the connect or bind on its way to the socket:
 * after the bootstrap's own options, whatever resolver it has, and before the kernel.
 */
final class NettyOptions {
    private static final AttributeKey<TcpSnapshot> AT_FAILURE = AttributeKey.valueOf(NettyOptions.class, "at failure");

    private static final Logger log = LoggerFactory.getLogger(SocketOptions.class);

    private NettyOptions() {}

    static ChannelFuture connect(SocketOptions options, Bootstrap bootstrap, SocketAddress remote) {
        bootstrap.validate();
        return bootstrap
                .clone()
                .handler(initializer(options, bootstrap.config().handler()))
                .connect(remote);
    }

    static ChannelFuture bind(SocketOptions options, ServerBootstrap bootstrap, SocketAddress local) {
        bootstrap.validate();
        return bootstrap
                .clone()
                .handler(initializer(options, bootstrap.config().handler()))
                .childHandler(new ChildInitializer(options, bootstrap.config().childHandler()))
                .bind(local);
    }

    static Future<OptionReport> apply(SocketOptions options, Channel channel) {
        return onLoop(options, channel, false, application -> {
            application.set();
            OptionReport report = publish(channel, application.read());
            application.judge(report);
            return report;
        });
    }

    static Future<OptionReport> inspect(SocketOptions options, Channel channel) {
        return onLoop(options, channel, true, application -> application.readAgain(OptionReport.of(channel)));
    }

    static Optional<TcpSnapshot> atConnectFailure(Channel channel) {
        return Optional.ofNullable(channel.attr(AT_FAILURE).get());
    }

    private interface Step {
        OptionReport run(OptionApplication application) throws SocketOptionException;
    }

    private static Future<OptionReport> onLoop(SocketOptions options, Channel channel, boolean readOnly, Step step) {
        if (channel instanceof ServerChannel) {
            throw new IllegalArgumentException(
                    "channel: " + channel + " listens (expected: a connection; for a listener use bind)");
        }
        OptionTarget target = new ChannelTarget(Transport.of(channel), channel, readOnly);
        EventLoop loop = channel.eventLoop();
        if (!loop.inEventLoop()) {
            return loop.submit(() -> run(options, channel, readOnly, target, step));
        }
        try {
            return loop.newSucceededFuture(run(options, channel, readOnly, target, step));
        } catch (IOException e) {
            return loop.newFailedFuture(e);
        }
    }

    private static OptionReport run(
            SocketOptions options, Channel channel, boolean readOnly, OptionTarget target, Step step)
            throws IOException {
        if (!channel.isOpen()) {
            throw new ClosedChannelException();
        }
        Role role = channel.isActive() && !readOnly ? Role.CONNECTED : Role.CONNECTING; // to read, nothing is too late
        return step.run(new OptionApplication(options, target, role));
    }

    private static OptionReport publish(Channel channel, OptionReport report) {
        channel.attr(OptionReport.KEY).set(report);
        return report;
    }

    private static ChannelHandler initializer(SocketOptions options, @Nullable ChannelHandler users) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new OpeningHandler(options));
                if (users != null) {
                    channel.pipeline().addLast(users);
                }
            }
        };
    }

    /** Sets the options when the connect or bind passes, reports when it has succeeded, and leaves the pipeline. */
    @SuppressWarnings(
            "FutureReturnValueIgnored") // Netty returns the promise it was given, and a close needs no waiting
    private static final class OpeningHandler extends ChannelOutboundHandlerAdapter {
        private final SocketOptions options;

        OpeningHandler(SocketOptions options) {
            this.options = options;
        }

        @Override
        public void connect(
                ChannelHandlerContext context,
                SocketAddress remote,
                @Nullable SocketAddress local,
                ChannelPromise promise) {
            open(context, Role.CONNECTING, promise, opened -> context.connect(remote, local, opened));
        }

        @Override
        public void bind(ChannelHandlerContext context, SocketAddress local, ChannelPromise promise) {
            if (context.channel() instanceof ServerChannel) {
                open(context, Role.LISTENING, promise, opened -> context.bind(local, opened));
            } else {
                context.bind(local, promise); // a client's local address; its connect follows
            }
        }

        private interface Opening {
            ChannelFuture start(ChannelPromise opened);
        }

        private void open(ChannelHandlerContext context, Role role, ChannelPromise promise, Opening opening) {
            Channel channel = context.channel();
            OptionApplication application;
            try {
                application =
                        new OptionApplication(options, new ChannelTarget(Transport.of(channel), channel, true), role);
                application.set();
            } catch (IOException | IllegalArgumentException refused) {
                promise.tryFailure(refused);
                return;
            }
            ChannelPromise opened = context.newPromise();
            promise.addListener(done -> {
                if (done.isCancelled()) {
                    opened.cancel(false);
                }
            });
            opened.addListener(done -> {
                if (done.isSuccess()) {
                    report(channel, application, promise);
                } else {
                    if (role == Role.CONNECTING && channel.isOpen()) {
                        // Netty tells of the failure first, and closes then: this is the last moment to ask the kernel.
                        Transport.of(channel).snapshot(channel).ifPresent(channel.attr(AT_FAILURE)::set);
                    }
                    promise.tryFailure(done.cause());
                }
            });
            opening.start(opened);
            context.pipeline().remove(this);
        }

        private static void report(Channel channel, OptionApplication application, ChannelPromise promise) {
            try {
                application.judge(publish(channel, application.read()));
                promise.trySuccess();
            } catch (SocketOptionException notInForce) {
                promise.tryFailure(notInForce);
                channel.close();
            }
        }
    }

    /** Sets the options on an accepted child before the user's handler is there. */
    @ChannelHandler.Sharable
    @SuppressWarnings("FutureReturnValueIgnored") // a close needs no waiting
    private static final class ChildInitializer extends ChannelInitializer<Channel> {
        private final SocketOptions options;
        private final ChannelHandler users;
        // written and read by every child's event loop: the last problems logged, so that a fleet is not a flood
        private final AtomicReference<String> logged = new AtomicReference<>("");

        ChildInitializer(SocketOptions options, ChannelHandler users) {
            this.options = options;
            this.users = users;
        }

        @Override
        protected void initChannel(Channel child) {
            OptionTarget target = new ChannelTarget(Transport.of(child), child, false);
            OptionApplication application = new OptionApplication(options, target, Role.ACCEPTED);
            try {
                application.set();
                OptionReport report = publish(child, application.read());
                if (options.policy() == OptionPolicy.FAIL || isNews(report)) {
                    application.judge(report);
                }
            } catch (SocketOptionException notInForce) {
                if (isNews(notInForce.report())) {
                    log.atWarn()
                            .addKeyValue("child", child)
                            .log("closing accepted connections: {}", notInForce.getMessage());
                }
                child.close();
                return;
            }
            child.pipeline().addLast(users);
        }

        private boolean isNews(OptionReport report) {
            String problems = report.problems().toString();
            return !problems.equals(logged.getAndSet(problems));
        }
    }

    /**
     * A channel with its transport.
     *
     * @param connects whether we see the connect: Netty takes its timeout from the configuration when the connect begins
     */
    private record ChannelTarget(Transport transport, Channel channel, boolean connects) implements OptionTarget {
        @Override
        public String description() {
            String local = channel.localAddress() == null ? "" : " " + channel.localAddress();
            String remote = channel.remoteAddress() == null ? "" : " -> " + channel.remoteAddress();
            return transport.name() + local + remote;
        }

        @Override
        public boolean supports(TcpOption option) {
            return option == TcpOption.CONNECT_TIMEOUT ? connects : transport.supports(option);
        }

        @Override
        public String lack(TcpOption option) {
            return option == TcpOption.CONNECT_TIMEOUT
                    ? "it belongs to the connect: use connect(bootstrap, address)"
                    : "the transport " + transport.name() + " does not have it";
        }

        @Override
        public int get(TcpOption option) throws IOException {
            return option == TcpOption.CONNECT_TIMEOUT
                    ? channel.config().getConnectTimeoutMillis()
                    : transport.get(channel, option);
        }

        @Override
        public void set(TcpOption option, int value) throws IOException {
            if (option == TcpOption.CONNECT_TIMEOUT) {
                channel.config().setConnectTimeoutMillis(value);
            } else {
                transport.set(channel, option, value);
            }
        }

        @Override
        public boolean halvesBuffers() {
            return transport == Transport.nio();
        }
    }
}
