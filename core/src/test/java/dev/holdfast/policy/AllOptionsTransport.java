package dev.holdfast.policy;

import dev.holdfast.socket.TcpOption;
import dev.holdfast.socket.Transport;
import dev.holdfast.verdict.TcpSnapshot;
import io.netty.channel.Channel;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.SocketChannel;
import java.util.Optional;

/** A transport that can set every option, as epoll can. It has no channels. */
final class AllOptionsTransport implements Transport {
    static final Transport INSTANCE = new AllOptionsTransport();

    @Override
    public String name() {
        return "all-options";
    }

    @Override
    public boolean isAvailable() {
        return true;
    }

    @Override
    public Optional<Throwable> unavailabilityCause() {
        return Optional.empty();
    }

    @Override
    public IoHandlerFactory ioHandlerFactory() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Class<? extends SocketChannel> channelType() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Class<? extends ServerChannel> serverChannelType() {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean handles(Channel channel) {
        return false;
    }

    @Override
    public boolean supports(TcpOption option) {
        return true;
    }

    @Override
    public void set(Channel channel, TcpOption option, int value) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int get(Channel channel, TcpOption option) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Optional<TcpSnapshot> snapshot(Channel channel) {
        return Optional.empty();
    }
}
