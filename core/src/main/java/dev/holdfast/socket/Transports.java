package dev.holdfast.socket;

import io.netty.channel.Channel;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The transports of this process, found once. */
final class Transports {
    private static final Logger log = LoggerFactory.getLogger(Transport.class);

    static final Transport NIO = new NioTransport();
    static final List<Transport> ALL = load();
    static final Transport PREFERRED =
            ALL.stream().filter(Transport::isAvailable).findFirst().orElse(NIO);

    private Transports() {}

    private static List<Transport> load() {
        List<Transport> found = new ArrayList<>();
        // By the loader of this class, not the thread's: who asks first must not decide for everybody.
        var providers = ServiceLoader.load(Transport.class, Transport.class.getClassLoader())
                .iterator();
        while (true) {
            try {
                if (!providers.hasNext()) {
                    break;
                }
                found.add(providers.next());
            } catch (ServiceConfigurationError broken) {
                log.warn("a transport could not be loaded and is left out", broken);
            }
        }
        found.add(NIO);
        return List.copyOf(found);
    }

    static Transport of(Channel channel) {
        for (Transport transport : ALL) {
            if (transport.handles(channel)) {
                return transport;
            }
        }
        throw new IllegalArgumentException("channel: " + channel.getClass().getName()
                + " (expected: a TCP channel of one of the transports "
                + ALL.stream().map(Transport::name).collect(Collectors.joining(", "))
                + "; epoll channels need holdfast-epoll)");
    }
}
