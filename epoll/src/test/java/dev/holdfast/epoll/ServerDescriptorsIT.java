package dev.holdfast.epoll;

import static dev.holdfast.epoll.ServerScene.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.socket.Transport;
import dev.holdfast.wire.FrameType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A server that runs out of descriptors: in a process of its own, with few of them. */
class ServerDescriptorsIT {
    private static final int DESCRIPTORS = 200;

    @TempDir
    private Path directory;

    static List<Transport> transports() {
        return Transport.all();
    }

    /** Connects until descriptors are used up; those who wait to be accepted are among them. */
    private static List<ServerRaw> fill(ServerProcess server, List<ServerRaw> all) throws IOException {
        for (int i = 0; i < DESCRIPTORS + 20; i++) { // the kernel's queue takes those for whom there are none
            all.add(ServerRaw.connect(server.address()).hello());
        }
        awaitThat("its descriptors are used up", () -> {
            try {
                return server.descriptors() >= DESCRIPTORS - 1;
            } catch (IOException broken) {
                throw new UncheckedIOException(broken);
            }
        });
        return all;
    }

    private static boolean echoes(ServerRaw client) throws IOException {
        client.data(10);
        return client.read(FrameType.DATA).isPresent();
    }

    private static long complaints(ServerProcess server) {
        return server.lines().stream()
                .filter(line -> line.contains("cannot accept"))
                .count();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void exhaustedDescriptors_stopNeitherWhoIsIn_norTheMachine_andItRecovers(Transport transport) throws Exception {
        List<ServerRaw> all = new ArrayList<>();
        try (ServerProcess server = new ServerProcess(transport.name(), DESCRIPTORS, directory)) {
            try {
                ServerRaw first = ServerRaw.connect(server.address()).shake();
                all.add(first);
                assertThat(echoes(first)).isTrue(); // every class is loaded, which takes descriptors, too
                fill(server, all);
                awaitThat("it says so", () -> complaints(server) > 0);
                assertThat(echoes(first)).isTrue();

                int before = server.lines().size();
                Duration cpu = server.cpu();
                long start = System.nanoTime();
                int served = 0;
                while (System.nanoTime() - start < Duration.ofSeconds(3).toNanos()) {
                    assertThat(echoes(first)).isTrue();
                    served++;
                    LockSupport.parkNanos(100_000_000);
                }
                // Three rests and ten echoes a second. Half a processor is far below a loop that spins.
                assertThat(server.cpu().minus(cpu)).isLessThan(Duration.ofMillis(1500));
                assertThat(served).isGreaterThan(3);
                assertThat(server.lines().size() - before)
                        .as(() -> String.join("\n", server.lines()))
                        .isLessThanOrEqualTo(1); // not a line for each rest
                assertThat(complaints(server))
                        .as(() -> String.join("\n", server.lines()))
                        .isEqualTo(1);
                assertThat(server.lines()).noneMatch(line -> line.contains("reached at the tail"));

                for (ServerRaw leaving : all.subList(1, 150)) {
                    leaving.close();
                }
                try (ServerRaw late = ServerRaw.connect(server.address()).shake()) {
                    assertThat(echoes(late)).isTrue();
                }
                assertThat(echoes(all.get(all.size() - 1))).isTrue(); // it had waited in the kernel's queue
                assertThat(echoes(first)).isTrue();
                server.assertRuns();
                assertThat(server.ups()).isBetween(60, 100);
            } finally {
                for (ServerRaw one : all) {
                    one.close();
                }
            }
        }
    }
}
