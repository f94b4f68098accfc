package dev.holdfast.epoll;

import dev.holdfast.socket.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.handler.codec.dns.DatagramDnsQuery;
import io.netty.handler.codec.dns.DatagramDnsQueryDecoder;
import io.netty.handler.codec.dns.DatagramDnsResponse;
import io.netty.handler.codec.dns.DatagramDnsResponseEncoder;
import io.netty.handler.codec.dns.DefaultDnsQuestion;
import io.netty.handler.codec.dns.DefaultDnsRawRecord;
import io.netty.handler.codec.dns.DnsOpCode;
import io.netty.handler.codec.dns.DnsQuestion;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.netty.handler.codec.dns.DnsSection;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.SequentialDnsServerAddressStreamProvider;
import io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A DNS server on a UDP port of loopback that knows one name, and says of it what the test wants; of any other it says NXDOMAIN. */
final class NameServer implements AutoCloseable {
    /** What it says: nothing at all where there is no code. */
    private record Answer(Optional<DnsResponseCode> code, int ttlSeconds, List<String> addresses) {}

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final AtomicInteger asked = new AtomicInteger();
    private final String name;
    private final Channel channel;
    private volatile Answer answer = new Answer(Optional.of(DnsResponseCode.NXDOMAIN), 0, List.of());

    NameServer(String name) throws InterruptedException {
        this.name = name + ".";
        channel = new Bootstrap()
                .group(group)
                .channel(NioDatagramChannel.class)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel udp) {
                        udp.pipeline()
                                .addLast(
                                        new DatagramDnsQueryDecoder(),
                                        new DatagramDnsResponseEncoder(),
                                        new Answering());
                    }
                })
                .bind(Loopback.anyPort())
                .sync()
                .channel();
    }

    /** Netty's own resolver, which keeps an answer for as long as its records say; asks these servers, one after the other. */
    static DnsNameResolverBuilder resolver(Loopback net, NameServer... servers) {
        List<InetSocketAddress> addresses = Arrays.stream(servers)
                .map(server -> (InetSocketAddress) server.channel.localAddress())
                .toList();
        return new DnsNameResolverBuilder(net.group.next())
                .datagramChannelType(datagrams(net.transport))
                .nameServerProvider(new SequentialDnsServerAddressStreamProvider(addresses))
                .searchDomains(List.of());
    }

    private static Class<? extends DatagramChannel> datagrams(Transport transport) {
        return transport.name().equals("epoll") ? EpollDatagramChannel.class : NioDatagramChannel.class;
    }

    /** The name has these IPv4 addresses, in this order, for so long. */
    void answer(int ttlSeconds, String... addresses) {
        answer = new Answer(Optional.of(DnsResponseCode.NOERROR), ttlSeconds, List.of(addresses));
    }

    /** It says that there is no such name, or what else went wrong. */
    void refuse(DnsResponseCode code) {
        answer = new Answer(Optional.of(code), 0, List.of());
    }

    /** It hears and says nothing. */
    void beSilent() {
        answer = new Answer(Optional.empty(), 0, List.of());
    }

    /** How often the name's IPv4 addresses were asked for. */
    int asked() {
        return asked.get();
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @SuppressWarnings("FutureReturnValueIgnored") // an answer that is lost is one more silence
    private final class Answering extends SimpleChannelInboundHandler<DatagramDnsQuery> {
        @Override
        protected void channelRead0(ChannelHandlerContext mine, DatagramDnsQuery query) {
            DnsQuestion question = query.recordAt(DnsSection.QUESTION);
            boolean known = question.name().equals(name);
            if (known && question.type().equals(DnsRecordType.A)) {
                asked.incrementAndGet();
            }
            Answer present = answer;
            if (present.code().isEmpty()) {
                return;
            }
            DatagramDnsResponse response = new DatagramDnsResponse(
                    /* sender= */ query.recipient(),
                    /* recipient= */ query.sender(),
                    query.id(),
                    DnsOpCode.QUERY,
                    known ? present.code().orElseThrow() : DnsResponseCode.NXDOMAIN);
            response.addRecord(DnsSection.QUESTION, new DefaultDnsQuestion(question.name(), question.type()));
            if (known && question.type().equals(DnsRecordType.A)) {
                for (String address : present.addresses()) {
                    response.addRecord(
                            DnsSection.ANSWER,
                            new DefaultDnsRawRecord(
                                    question.name(),
                                    DnsRecordType.A,
                                    present.ttlSeconds(),
                                    Unpooled.wrappedBuffer(NetUtil.createByteArrayFromIpAddressString(address))));
                }
            }
            mine.writeAndFlush(response);
        }
    }
}
