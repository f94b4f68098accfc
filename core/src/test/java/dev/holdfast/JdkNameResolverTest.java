package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.netty.resolver.AddressResolver;
import io.netty.util.concurrent.DefaultEventExecutor;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class JdkNameResolverTest {
    private final DefaultEventExecutor executor = new DefaultEventExecutor();
    private final ThreadPoolExecutor pool = NameLookups.pool();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final AtomicInteger asked = new AtomicInteger();
    private final CountDownLatch release = new CountDownLatch(1);
    private final JdkNameResolver resolver = new JdkNameResolver(executor, new NameLookups(pool, this::lookup));

    /** Names that begin with "hang" hang until the test lets go; "two" has two addresses; others have none. */
    private InetAddress[] lookup(String host) throws UnknownHostException {
        threads.add(Thread.currentThread());
        asked.incrementAndGet();
        if (host.startsWith("hang")) {
            try {
                release.await();
            } catch (InterruptedException e) {
                throw new UnknownHostException("interrupted");
            }
        }
        if (host.startsWith("broken")) {
            throw new SecurityException("not allowed");
        }
        if (!host.startsWith("two") && !host.startsWith("hang")) {
            throw new UnknownHostException(host);
        }
        return new InetAddress[] {address(1), address(2)};
    }

    @AfterEach
    void stop() throws InterruptedException {
        release.countDown();
        pool.shutdownNow();
        assertThat(executor.shutdownGracefully(0, 1, TimeUnit.SECONDS).await(10, TimeUnit.SECONDS))
                .isTrue();
    }

    @Test
    void resolve_name_isAskedOnADaemonThreadOfThePool() throws Exception {
        assertThat(get(resolver.resolveAll("two.test"))).containsExactly(address(1), address(2));
        assertThat(get(resolver.resolve("two.test"))).isEqualTo(address(1));

        assertThat(threads).allSatisfy(thread -> {
            assertThat(thread.getName()).matches("holdfast-resolver-\\d+");
            assertThat(thread.isDaemon()).isTrue();
        });
        assertThat(asked).hasValue(2); // nothing is kept here
    }

    @Test
    void resolve_unknownName_failsNamingIt() {
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> get(resolver.resolve("none.test")))
                .withCauseInstanceOf(UnknownHostException.class)
                .withMessageContaining("none.test");
    }

    @Test
    void resolve_lookupThrowsAnything_failsWithIt() {
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> get(resolver.resolveAll("broken.test")))
                .withCauseInstanceOf(SecurityException.class);
    }

    @Test
    void resolve_allThreadsButOneHang_othersAreAnswered() throws Exception {
        List<Future<InetAddress>> hanging = new ArrayList<>();
        for (int i = 1; i < NameLookups.THREADS; i++) {
            hanging.add(resolver.resolve("hang-" + i + ".test"));
        }
        for (int i = 0; i < 20; i++) {
            assertThat(get(resolver.resolve("two.test"))).isEqualTo(address(1));
        }
        assertThat(hanging).noneMatch(Future::isDone);

        release.countDown();
        for (Future<InetAddress> future : hanging) {
            assertThat(get(future)).isEqualTo(address(1));
        }
    }

    /** A thousand clients of one dead name server hold one thread, not all. */
    @Test
    void resolve_oneNameManyTimes_hangsInOneLookup() throws Exception {
        List<Future<InetAddress>> hanging = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            hanging.add(resolver.resolve("hang.test"));
        }
        assertThat(get(resolver.resolve("two.test"))).isEqualTo(address(1));

        release.countDown();
        for (Future<InetAddress> future : hanging) {
            assertThat(get(future)).isEqualTo(address(1));
        }
        assertThat(asked).hasValue(2);
        assertThat(get(resolver.resolve("hang.test"))).isEqualTo(address(1));
        assertThat(asked).hasValue(3);
    }

    @Test
    void resolve_tooManyNamesWait_failsSayingSo() throws Exception {
        List<Future<InetAddress>> taken = new ArrayList<>();
        for (int i = 0; i < NameLookups.THREADS + NameLookups.WAITING; i++) {
            taken.add(resolver.resolve("hang-" + i + ".test"));
        }
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> get(resolver.resolve("two.test")))
                .withCauseInstanceOf(UnknownHostException.class)
                .withMessageContaining("two.test: not resolved, 8 lookups hang and 1024 more names wait for a thread");

        release.countDown();
        for (Future<InetAddress> future : taken) {
            assertThat(get(future)).isEqualTo(address(1));
        }
        assertThat(get(resolver.resolve("two.test"))).isEqualTo(address(1));
    }

    @Test
    void resolve_givenUpMeanwhile_changesNothing() throws Exception {
        Future<InetAddress> givenUp = resolver.resolve("hang.test");
        assertThat(givenUp.cancel(false)).isTrue();
        Future<InetAddress> next = resolver.resolve("hang.test");
        release.countDown();
        assertThat(get(next)).isEqualTo(address(1));
        assertThat(givenUp.isCancelled()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"192.0.2.7, 192.0.2.7", "::1, 0:0:0:0:0:0:0:1", "2001:db8::7, 2001:db8:0:0:0:0:0:7"})
    void resolve_literal_isAnsweredAtOnce(String literal, String address) {
        assertThat(resolver.resolve(literal).getNow().getHostAddress()).isEqualTo(address);
        assertThat(asked).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " "})
    void resolve_emptyName_isNotThisMachine(String name) {
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> get(resolver.resolve(name)))
                .withCauseInstanceOf(UnknownHostException.class);
        assertThat(asked).hasValue(0);
    }

    @Test
    void asAddressResolver_unresolved_isResolved() throws Exception {
        try (AddressResolver<InetSocketAddress> addresses = resolver.asAddressResolver()) {
            assertThat(get(addresses.resolveAll(InetSocketAddress.createUnresolved("two.test", 7))))
                    .containsExactly(new InetSocketAddress(address(1), 7), new InetSocketAddress(address(2), 7));
        }
    }

    /** By the hosts file; nobody else is asked. */
    @Test
    void resolve_localhost_isLoopback() throws Exception {
        assertThat(get(new JdkNameResolver(executor).resolveAll("localhost")))
                .isNotEmpty()
                .allMatch(InetAddress::isLoopbackAddress);
    }

    private static InetAddress address(int last) throws UnknownHostException {
        return InetAddress.getByAddress(new byte[] {(byte) 192, 0, 2, (byte) last});
    }

    private static <T> T get(Future<T> future) throws ExecutionException, InterruptedException, TimeoutException {
        return future.get(30, TimeUnit.SECONDS);
    }
}
