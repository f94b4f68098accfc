package dev.holdfast;

import io.netty.resolver.InetNameResolver;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Resolves names with the JVM's own resolver, and so as everything else on the machine does (hosts file, nsswitch, search domains),
 * but never on an event loop: {@link InetAddress#getAllByName} blocks, for as long as the machine's configuration says.
 *
 * <p>Lookups run on threads of the process ({@link NameLookups}): up to eight at once, so that one that hangs does not stop the others. Who
 * no longer waits leaves its lookup behind; it ends by itself. A literal address is answered at once.
 *
 * <p>The JVM keeps answers: names that resolve for 30 s and names that do not for 10 s, unless the security properties {@code
 * networkaddress.cache.ttl} and {@code networkaddress.cache.negative.ttl} (file {@code conf/security/java.security}, or {@link
 * java.security.Security#setProperty} before the first lookup) say otherwise; -1 keeps them for ever, and since JDK 21 {@code
 * networkaddress.cache.stale.ttl} can prolong them when the name servers are silent. So an address that changed is seen that much
 * later. {@code DnsNameResolver} of netty-resolver-dns implements the same interface, keeps answers for as long as their records
 * say, and can take the place of this one.
 */
final class JdkNameResolver extends InetNameResolver {
    private final NameLookups lookups;

    JdkNameResolver(EventExecutor executor) {
        this(executor, NameLookups.shared());
    }

    JdkNameResolver(EventExecutor executor, NameLookups lookups) {
        super(executor);
        this.lookups = lookups;
    }

    @Override
    protected void doResolve(String host, Promise<InetAddress> promise) throws UnknownHostException {
        resolve(host, promise, addresses -> promise.trySuccess(addresses.get(0)));
    }

    @Override
    protected void doResolveAll(String host, Promise<List<InetAddress>> promise) throws UnknownHostException {
        resolve(host, promise, promise::trySuccess);
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the promise is told how it ends
    private void resolve(String host, Promise<?> promise, Consumer<List<InetAddress>> success)
            throws UnknownHostException {
        if (host.isBlank()) {
            throw new UnknownHostException("an empty name"); // the JVM would take it for this machine
        }
        InetAddress literal = literal(host);
        if (literal != null) {
            success.accept(List.of(literal));
            return;
        }
        lookups.addresses(host).whenComplete((addresses, failure) -> {
            if (failure == null) {
                success.accept(addresses);
            } else {
                promise.tryFailure(failure);
            }
        });
    }

    /** The address that the text itself is; null for a name, and for an address with a zone, which only the JVM can look up. */
    private static @Nullable InetAddress literal(String host) throws UnknownHostException {
        byte[] bytes = host.contains("%") ? null : NetUtil.createByteArrayFromIpAddressString(host);
        return bytes == null ? null : InetAddress.getByAddress(host, bytes);
    }
}
