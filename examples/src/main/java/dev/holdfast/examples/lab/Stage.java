package dev.holdfast.examples.lab;

import com.google.gson.JsonObject;
import dev.holdfast.policy.FailureMode;
import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.policy.Middlebox;
import dev.holdfast.policy.Survival;
import dev.holdfast.socket.Transport;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** One connection in one scenario: what a course may do to it, and all that was told of it. */
final class Stage {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Set<String> LIFE = Set.of("connecting", "up", "dead", "closed");
    private static final int PROXY_TRIES = 50;
    private static final Duration PROXY_APART = Duration.ofMillis(200);
    /** A delayed acknowledgement takes 40 ms, and would meet the fault. */
    private static final Duration ACKNOWLEDGED = Duration.ofMillis(150);

    private final Network network;
    private final Scenario.Variant variant;
    private final String transport;
    private final int port;
    private final Agent client;
    private final Agent server;
    private final Phaser group;
    private final List<Happening> happenings = new ArrayList<>();
    private @Nullable Proxy proxy;

    /**
     * What somebody did or told.
     *
     * @param who client, server or lab
     */
    record Happening(long nanos, String who, String event, JsonObject details) {}

    Stage(
            Network network,
            Scenario.Variant variant,
            String transport,
            int port,
            Agent client,
            Agent server,
            Phaser group) {
        this.network = network;
        this.variant = variant;
        this.transport = transport;
        this.port = port;
        this.client = client;
        this.server = server;
        this.group = group;
        client.listen(port, event -> note("client", event));
        server.listen(port, event -> note("server", event));
    }

    private synchronized void note(String who, JsonObject event) {
        happenings.add(new Happening(Wire.number(event, "nanos"), who, Wire.text(event, "event"), event));
        notifyAll();
    }

    private void noteOwn(String event) {
        note("lab", Wire.object("event", event, "nanos", System.nanoTime()));
    }

    synchronized List<Happening> happenings() {
        return List.copyOf(happenings);
    }

    boolean onEpoll() {
        return transport.equals("epoll");
    }

    int port() {
        return port;
    }

    void listen(String manner, String options) throws Exception {
        listen(port, manner, options);
    }

    /** A further port of the server's, for a relay's backend. */
    void listen(int at, String manner, String options) throws Exception {
        server.listen(at, event -> note("server", event));
        server.order(Wire.object("do", "listen", "id", at, "manner", manner, "options", options));
        awaitFirst(each -> each.event().equals("listening") && Wire.number(each.details(), "id") == at);
    }

    /** A backend for a relay or proxy, on the next port. */
    void listenBehind(String manner) throws Exception {
        listen(port + 1, manner, "-");
    }

    /** Starts haproxy between this port and the next, and connects through it. */
    void connectThroughProxy() throws Exception {
        listenBehind("answer");
        proxy = new Proxy(network.server(), port);
        for (int i = 0; i < PROXY_TRIES && !isUp(); i++) { // nothing tells when it listens
            startConnect();
            if (awaitAfterConnect("up", "dead").event().equals("dead")) {
                pause(PROXY_APART);
            }
        }
        await("server", "accepted");
    }

    void fixOutsidePort(boolean fixed) throws IOException {
        network.fixOutsidePort(port, fixed);
    }

    /** Begins to connect. */
    void startConnect() throws Exception {
        long before = System.nanoTime();
        client.order(Wire.object(
                "do",
                "connect",
                "id",
                port,
                "transport",
                transport,
                "host",
                Network.serverAddress(variant.site()),
                "port",
                port,
                "options",
                variant.options()));
        awaitFirst(each -> each.event().equals("connecting") && each.nanos() >= before);
    }

    /** Connects, and waits until the connection is up. */
    void connect() throws Exception {
        startConnect();
        await("client", "up");
    }

    void cut(Cut cut) throws IOException {
        noteOwn("cut " + cut);
        network.cut(cut, variant.site(), port);
    }

    void heal(Cut cut) throws IOException {
        noteOwn("heal " + cut);
        network.heal(cut, variant.site(), port);
    }

    void narrow() throws IOException {
        noteOwn("narrow");
        network.narrow(variant.site(), port);
    }

    /** With a heartbeat: waits for the first beat, from which on it beats on its grid, and for its acknowledgement. */
    void settle() throws Exception {
        if (policy().heartbeat().isPresent()) {
            await("client", "beat");
            pause(ACKNOWLEDGED);
        }
    }

    /** Ends a socket by {@code ss -K}: ours, or the server's in its namespace. */
    void kill(boolean theServers) throws IOException {
        String namespace = theServers ? network.server() : network.client(variant.site(), "kill");
        noteOwn(theServers ? "kill the server's socket" : "kill our socket");
        Namespaces.run(namespace, "ss", "-tK", (theServers ? "sport" : "dport") + " = :" + port);
    }

    void write(int bytes) throws Exception {
        client.order(Wire.object("do", "write", "id", port, "bytes", bytes));
        await("client", "write");
    }

    /** One byte that is answered when the peer is ready. */
    void request() throws Exception {
        client.order(Wire.object("do", "request", "id", port));
        await("client", "request");
    }

    /** Waits until the peer has answered the request. */
    void awaitAnswer() throws Exception {
        awaitFirst(each -> each.event().equals("answered") && Wire.number(each.details(), "byte") == 0x42);
    }

    /** Checks what the policy says of a box. */
    void predicts(Middlebox box, Survival.Outcome outcome) {
        Survival survival = policy().survives(box);
        check(survival.outcome() == outcome, "predicted otherwise: " + survival.explanation());
    }

    void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }

    /** Checks what an event of theirs says under one name. */
    void checkTold(String who, String event, String name, String expected) throws Exception {
        String told = await(who, event).details().get(name).getAsString();
        check(told.equals(expected), event + " said " + name + " " + told + " (expected: " + expected + ")");
    }

    /** Checks the sentence that the newest death is explained by, which only where the kernel can be asked says what was seen. */
    void checkExplained(String part) {
        String sentence = "";
        for (Happening each : happenings()) {
            if (each.who().equals("client") && each.event().equals("dead")) {
                sentence = Wire.text(each.details(), "explanation");
            }
        }
        check(!onEpoll() || sentence.contains(part), "not explained by '" + part + "': " + sentence);
    }

    /** What keepalive takes on a socket on which nobody has set its times. */
    Duration keepAliveOfFreshSocket() throws Exception {
        client.order(Wire.object("do", "fresh-socket", "id", port));
        JsonObject fresh = await("client", "fresh-socket").details();
        return Duration.ofSeconds(
                Wire.number(fresh, "idle") + Wire.number(fresh, "count") * Wire.number(fresh, "interval"));
    }

    /** What is computed of these options in the client's namespace. */
    Duration nominal(FailureMode mode) throws Exception {
        return policy().bounds(client.kernel(), Transport.preferred())
                .bound(mode)
                .nominal()
                .orElseThrow();
    }

    private LivenessPolicy policy() {
        return PolicyText.parse(variant.options());
    }

    boolean hasHappened(String who, String event) {
        return happenings().stream()
                .anyMatch(each -> each.who().equals(who) && each.event().equals(event));
    }

    /** From the first event of one kind to the first of another. */
    Duration between(String who, String event, String otherWho, String otherEvent) throws Exception {
        return Duration.ofNanos(
                await(otherWho, otherEvent).nanos() - await(who, event).nanos());
    }

    /** Whether the newest connect has succeeded and not ended. */
    boolean isUp() {
        String last = "";
        for (Happening each : happenings()) {
            if (each.who().equals("client") && LIFE.contains(each.event())) {
                last = each.event();
            }
        }
        return last.equals("up");
    }

    /** Waits for one of these of the newest connect. */
    Happening awaitAfterConnect(String... events) throws Exception {
        Happening connecting = await("client", "connecting");
        for (Happening each : happenings()) {
            connecting = each.event().equals("connecting") ? each : connecting;
        }
        long start = connecting.nanos();
        return awaitFirst(each -> each.who().equals("client")
                && each.nanos() >= start
                && List.of(events).contains(each.event()));
    }

    void close() throws Exception {
        client.order(Wire.object("do", "close", "id", port));
        await("client", "close");
    }

    /** One byte there and its answer back. */
    void exchange() throws Exception {
        long before = System.nanoTime();
        client.order(Wire.object("do", "write", "id", port, "bytes", 1));
        awaitFirst(each -> each.who().equals("client")
                && each.nanos() >= before
                && (each.event().equals("read") || each.event().equals("beat")));
    }

    void awaitClosedWindow() throws Exception {
        if (onEpoll()) {
            client.order(Wire.object("do", "await-closed-window", "id", port));
            await("client", "window-closed");
        }
    }

    /** Lets time pass: the length of a fault, never a wait for something to happen. */
    void pause(Duration span) throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(span.toNanos());
    }

    /** Waits for the same scenario's other connections, which share its process. */
    void together() {
        group.arriveAndAwaitAdvance();
    }

    void stopPeer() throws IOException {
        together();
        server.signal("STOP");
        noteOwn("peer stopped");
        together();
    }

    /** Stops our own process for this long. */
    void stopOurselves(Duration span) throws Exception {
        together();
        client.signal("STOP");
        noteOwn("we are stopped");
        pause(span);
        together();
        noteOwn("we go on");
        client.signal("CONT");
    }

    /** Waits for an event, or throws. */
    Happening await(String who, String event) throws Exception {
        return awaitFirst(each -> each.who().equals(who) && each.event().equals(event));
    }

    Happening awaitFirst(Predicate<Happening> wanted) throws Exception {
        return find(wanted, PATIENCE)
                .orElseThrow(() -> new TimeoutException("waited for " + PATIENCE + " in vain; so far: " + told()));
    }

    /** The first that fits, waited for if need be. */
    synchronized Optional<Happening> find(Predicate<Happening> wanted, Duration patience) throws InterruptedException {
        long start = System.nanoTime();
        int seen = 0;
        while (true) {
            for (; seen < happenings.size(); seen++) {
                if (wanted.test(happenings.get(seen))) {
                    return Optional.of(happenings.get(seen));
                }
            }
            long leftMillis = patience.toMillis() - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
            if (leftMillis <= 0) {
                return Optional.empty();
            }
            wait(leftMillis);
        }
    }

    /** For the timeline of a failure: what tcp_info has been lately. A stopped process does not answer. */
    void askForSamples() throws InterruptedException {
        client.order(Wire.object("do", "samples", "id", port));
        find(each -> each.event().equals("samples"), Duration.ofSeconds(1));
    }

    /** For the same: when the peer's loop stood still. */
    void askForStalls() throws InterruptedException {
        server.order(Wire.object("do", "stalls", "id", port));
        find(each -> each.event().equals("stalls"), Duration.ofSeconds(1));
    }

    /** After the end. */
    void clear() throws IOException {
        if (proxy != null) {
            proxy.close();
        }
    }

    private synchronized List<String> told() {
        return happenings.stream().map(each -> each.who() + " " + each.event()).toList();
    }
}
