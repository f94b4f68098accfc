package dev.holdfast;

import io.netty.channel.EventLoop;
import io.netty.resolver.NameResolver;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Where a round's addresses come from, and how long it may take. Confined to the event loop; what blocks runs elsewhere. */
final class Rounds {
    /**
     * What a resolution came to.
     *
     * @param addresses in the order of the endpoints and of the resolver, each once
     * @param problem what went wrong, where there are none
     */
    record Found(List<InetSocketAddress> addresses, String problem) {}

    /** One call that hangs is not to stop the client; a source that always hangs is not to collect threads. */
    private static final int MOST_ASKING = 4;

    private final EndpointSource source;
    private final @Nullable NameResolver<InetAddress> resolver;
    private final Executor executor;
    private final EventLoop loop;
    private final long resolveNanos;
    private final long roundNanos;
    private final String resolveLimit;
    private final LoopTimer resolveTimer = new LoopTimer();
    private final LoopTimer roundTimer = new LoopTimer();

    /** How many calls of the source have not returned. Raised by the event loop, lowered by the executor's threads. */
    private final AtomicInteger asking = new AtomicInteger();

    /** The round under way; what belongs to another one comes too late. */
    private @Nullable Round present;

    Rounds(ResilientClient.Builder builder, Executor executor, EventLoop loop) {
        this.source = builder.source;
        NameResolver<InetAddress> given = builder.resolver;
        this.resolver = builder.proxy != null
                ? null
                : given != null ? given : new JdkNameResolver(GlobalEventExecutor.INSTANCE);
        this.executor = executor;
        this.loop = loop;
        this.resolveNanos = builder.reconnect.resolveLimit().toNanos();
        this.roundNanos = builder.reconnect.roundLimit().toNanos();
        this.resolveLimit = "resolve limit " + builder.reconnect.resolveLimit();
    }

    /**
     * Begins a round.
     *
     * @param found told once, unless the round is stopped before
     * @param over told when the limit of the round has passed
     */
    void start(Consumer<Found> found, Runnable over) {
        stop();
        Round round = new Round(found);
        present = round;
        resolveTimer.schedule(loop, resolveNanos, () -> round.fail("nothing within the " + resolveLimit));
        roundTimer.schedule(loop, roundNanos, over);
        if (source instanceof FixedEndpoints fixed) {
            round.resolve(fixed.list()); // no need of the user's executor, which may be busy
            return;
        }
        if (asking.incrementAndGet() > MOST_ASKING) {
            asking.decrementAndGet();
            return; // it hangs, and must not get another thread each round; the limit ends this one
        }
        try {
            executor.execute(() -> ask(round));
        } catch (RuntimeException | Error refused) {
            asking.decrementAndGet();
            round.fail("the executor refuses: " + refused);
        }
    }

    /** The round is over, whatever it came to. */
    void stop() {
        present = null;
        resolveTimer.stop();
        roundTimer.stop();
    }

    private void ask(Round round) {
        CompletionStage<List<Endpoint>> answer;
        try {
            answer = Objects.requireNonNull(source.endpoints(), "it returned null");
        } catch (RuntimeException | Error thrown) {
            Loops.execute(loop, () -> round.fail("the source of endpoints failed: " + thrown));
            return;
        } finally {
            asking.decrementAndGet();
        }
        answer.whenComplete((endpoints, error) -> Loops.execute(loop, () -> {
            if (error != null) {
                round.fail("the source of endpoints failed: " + error);
            } else if (endpoints == null || endpoints.isEmpty()) {
                round.fail("the source of endpoints gave none");
            } else if (endpoints.stream().anyMatch(Objects::isNull)) {
                round.fail("the source of endpoints gave a null");
            } else {
                round.resolve(endpoints);
            }
        }));
    }

    /** The address under the endpoint's own name, which TLS checks; a resolver may have put another one there. */
    private static InetSocketAddress named(Endpoint endpoint, InetAddress found) {
        try {
            InetAddress named = found instanceof Inet6Address six && six.getScopeId() != 0
                    ? Inet6Address.getByAddress(endpoint.host(), six.getAddress(), six.getScopeId())
                    : InetAddress.getByAddress(endpoint.host(), found.getAddress());
            return new InetSocketAddress(named, endpoint.port());
        } catch (UnknownHostException impossible) {
            throw new IllegalArgumentException("address: " + found, impossible);
        }
    }

    /** A failure with its cause, which of netty-resolver-dns alone says what the name servers answered. */
    private static String text(Throwable failure) {
        Throwable cause = failure.getCause();
        return cause == null ? failure.toString() : failure.toString().strip() + ", because of " + cause;
    }

    private final class Round {
        private final Consumer<Found> found;
        private final List<List<InetSocketAddress>> byEndpoint = new ArrayList<>();
        private final List<String> problems = new ArrayList<>();
        private int awaited;
        private boolean told;

        Round(Consumer<Found> found) {
            this.found = found;
        }

        void resolve(List<Endpoint> endpoints) {
            if (told || present != this) {
                return;
            }
            awaited = endpoints.size();
            for (int i = 0; i < endpoints.size(); i++) {
                byEndpoint.add(List.of());
            }
            for (int i = 0; i < endpoints.size(); i++) {
                resolve(endpoints.get(i), i);
            }
        }

        private void resolve(Endpoint endpoint, int place) {
            NameResolver<InetAddress> names = resolver;
            if (names == null) {
                byEndpoint.set(place, List.of(InetSocketAddress.createUnresolved(endpoint.host(), endpoint.port())));
                onOne();
                return;
            }
            Future<List<InetAddress>> answer;
            try {
                answer = names.resolveAll(endpoint.host());
            } catch (RuntimeException thrown) {
                answer = loop.newFailedFuture(thrown);
            }
            answer.addListener(
                    (Future<List<InetAddress>> done) -> Loops.execute(loop, () -> onAnswer(endpoint, place, done)));
        }

        private void onAnswer(Endpoint endpoint, int place, Future<List<InetAddress>> answer) {
            try {
                List<InetAddress> all = answer.isSuccess() ? answer.getNow() : List.of();
                byEndpoint.set(
                        place, all.stream().map(each -> named(endpoint, each)).toList());
                if (!answer.isSuccess()) {
                    problems.add(endpoint + ": " + text(answer.cause()));
                }
            } catch (RuntimeException broken) {
                problems.add(endpoint + ": the resolver's answer is not to be used: " + broken);
            }
            onOne();
        }

        private void onOne() {
            awaited--;
            if (awaited == 0) {
                List<InetSocketAddress> all = List.copyOf(byEndpoint.stream()
                        .flatMap(List::stream)
                        .collect(LinkedHashSet::new, LinkedHashSet::add, LinkedHashSet::addAll));
                tell(new Found(all, problems.isEmpty() ? "the names resolve to nothing" : String.join("; ", problems)));
            }
        }

        void fail(String problem) {
            tell(new Found(List.of(), problem));
        }

        private void tell(Found what) {
            if (!told && present == this) {
                told = true;
                resolveTimer.stop();
                found.accept(what);
            }
        }
    }
}
