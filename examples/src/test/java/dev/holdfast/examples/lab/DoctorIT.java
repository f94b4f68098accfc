package dev.holdfast.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.holdfast.examples.Holdfast;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The doctor's search for the idle cut, behind a NAT that forgets and a haproxy that closes; all searches side by side. */
class DoctorIT {
    private static final int NAT_PORT = 7101;
    private static final int PROXY_PORT = 7103;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final double PRECISION = 0.1;
    /** A busy machine, and the haproxy's clock. */
    private static final long ROOM_MILLIS = 300;
    /** The box's clock starts with the last segment, ours when the event loop tells of it. */
    private static final long EARLY_MILLIS = 100;

    private static final String[] SPEAKS = {"--heartbeat", "1s/2s/2", "--protocol", "bytes:01/41"};
    private static final String[] SAYS_NOTHING = {};

    private static final List<Process> programs = new ArrayList<>();
    private static Optional<Namespaces> namespaces = Optional.empty();
    private static Optional<Proxy> proxy = Optional.empty();
    private static Optional<Search> nat = Optional.empty();
    private static Optional<Search> natUnasked = Optional.empty();
    private static Optional<Search> haproxy = Optional.empty();
    private static Optional<Search> haproxyUnasked = Optional.empty();

    @TempDir
    static Path folder = Path.of("");

    /** A search under way. */
    private record Search(Process process, Path out, Path err) {
        JsonObject result() throws IOException, InterruptedException {
            assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .as("ends; %s", Files.readString(err))
                    .isTrue();
            assertThat(process.exitValue()).as(Files.readString(err)).isZero();
            return new Gson().fromJson(Files.readString(out), JsonObject.class);
        }

        String progress() throws IOException {
            return Files.readString(err);
        }
    }

    @BeforeAll
    static void startThemAll() throws Exception {
        Prerequisites.missing().ifPresent(DoctorIT::lacking);
        Namespaces made = new Namespaces();
        namespaces = Optional.of(made);
        Network network = new Network(made, Set.of(Site.PLAIN, Site.BEHIND_NAT));
        listen(network.server(), Network.SERVER_BEHIND_NAT, NAT_PORT);
        listen(network.server(), Network.SERVER, PROXY_PORT + 1);
        nat = Optional.of(search(network, Site.BEHIND_NAT, NAT_PORT, "nat", SPEAKS));
        natUnasked = Optional.of(search(network, Site.BEHIND_NAT, NAT_PORT, "nat-unasked", SAYS_NOTHING));
        if (Command.isInstalled("haproxy")) {
            proxy = Optional.of(new Proxy(network.server(), PROXY_PORT));
            awaitListener(network.server(), PROXY_PORT);
            haproxy = Optional.of(search(network, Site.PLAIN, PROXY_PORT, "haproxy", SPEAKS));
            haproxyUnasked = Optional.of(search(network, Site.PLAIN, PROXY_PORT, "haproxy-unasked", SAYS_NOTHING));
        }
    }

    @AfterAll
    static void removeEverything() throws IOException {
        programs.forEach(Process::destroyForcibly);
        if (proxy.isPresent()) {
            proxy.get().close();
        }
        namespaces.ifPresent(Namespaces::close);
    }

    private static void lacking(String what) {
        if ("required".equals(System.getenv("HOLDFAST_LAB"))) {
            throw new AssertionError(what);
        }
        abort("left out: " + what);
    }

    private static ProcessBuilder holdfast(String namespace, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC"));
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Holdfast.class.getName()));
        command.addAll(arguments);
        return Command.builder(Namespaces.inside(namespace, command));
    }

    /** A peer that answers 41 to 01; returns when it listens. */
    private static void listen(String namespace, String address, int port) throws IOException {
        Process listener = holdfast(
                        namespace,
                        List.of("listen", address + ":" + port, "--protocol", "bytes:01/41", "--events", "json"))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        programs.add(listener);
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(listener.getInputStream(), StandardCharsets.UTF_8));
        assertThat(lines.readLine()).contains("listening");
        Thread drain = new Thread(() -> lines.lines().forEach(line -> {}), "listener-" + port);
        drain.setDaemon(true);
        drain.start();
    }

    private static void awaitListener(String namespace, int port) throws IOException {
        long start = System.nanoTime();
        while (Namespaces.run(namespace, "ss", "-Htln", "sport = :" + port).isEmpty()) {
            assertThat(System.nanoTime() - start).as("haproxy listens").isLessThan(PATIENCE.toNanos());
        }
    }

    private static Search search(Network network, Site site, int port, String name, String... protocol)
            throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                "doctor",
                Network.serverAddress(site) + ":" + port,
                "--find-idle-cut",
                "12s",
                "--precision",
                "10%",
                "--format",
                "json"));
        arguments.addAll(List.of(protocol));
        Path out = folder.resolve(name + ".out");
        Path err = folder.resolve(name + ".err");
        Process process = holdfast(network.client(site, name), arguments)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        programs.add(process);
        return new Search(process, out, err);
    }

    private static void isFoundAt(Duration idle, JsonObject cut) {
        long tolerated = cut.get("toleratedMillis").getAsLong();
        long found = cut.get("cutMillis").getAsLong();
        assertThat(tolerated).isLessThan(idle.toMillis() + ROOM_MILLIS);
        assertThat(found)
                .isBetween(idle.toMillis() - EARLY_MILLIS, Math.round(idle.toMillis() / (1 - PRECISION)) + ROOM_MILLIS);
        assertThat(found - tolerated).isLessThanOrEqualTo(Math.round(found * PRECISION) + 1);
    }

    private static Search started(Optional<Search> search) {
        if (search.isEmpty()) {
            lacking("haproxy is not installed");
        }
        Assumptions.assumeTrue(search.isPresent());
        return search.orElseThrow();
    }

    private static void natIsFound(Search search) throws Exception {
        JsonObject found = search.result();
        JsonObject cut = found.getAsJsonObject("idleCut");
        isFoundAt(Network.NAT_FORGETS_AFTER, cut);
        assertThat(cut.get("how").getAsString()).isEqualTo("RESET");
        assertThat(cut.get("refreshedByKeepAlive").getAsBoolean())
                .as(search.progress())
                .isTrue();
        assertThat(found.get("healthy").getAsBoolean()).isTrue();
    }

    private static void haproxyIsFound(Search search) throws Exception {
        JsonObject cut = search.result().getAsJsonObject("idleCut");
        isFoundAt(Proxy.IDLE, cut);
        assertThat(cut.get("how").getAsString()).isEqualTo("closed by the other side");
        assertThat(cut.get("refreshedByKeepAlive").getAsBoolean())
                .as(search.progress())
                .isFalse();
    }

    @Test
    void cutOfANat_isFound_andKeepaliveRefreshesIt() throws Exception {
        natIsFound(started(nat));
        assertThat(started(nat).result().get("survivesIdleCut").getAsBoolean()).isTrue(); // by its heartbeat
    }

    @Test
    void cutOfANat_isFoundByTheKernelAlone() throws Exception {
        natIsFound(started(natUnasked));
        JsonObject found = started(natUnasked).result();
        assertThat(found.get("survivesIdleCut").getAsBoolean()).isFalse();
        assertThat(found.get("advice").toString()).contains("the path (idle timeout ", "add --keepalive 1s/10s/3, or");
    }

    @Test
    void cutOfAHaproxy_isFound_andKeepaliveDoesNotRefreshIt() throws Exception {
        haproxyIsFound(started(haproxy));
    }

    @Test
    void cutOfAHaproxy_isFoundByTheKernelAlone() throws Exception {
        haproxyIsFound(started(haproxyUnasked));
        assertThat(started(haproxyUnasked).result().get("advice").toString())
                .contains("only payload is known to keep it open");
    }
}
