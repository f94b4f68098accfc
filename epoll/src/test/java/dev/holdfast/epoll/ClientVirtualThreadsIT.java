package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.socket.Transport;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

/** Virtual threads, where the JDK has them: nothing of ours pins one. In JVMs of their own, so that only its pins are recorded. */
@EnabledForJreRange(min = JRE.JAVA_21, disabledReason = "no virtual threads before JDK 21")
class ClientVirtualThreadsIT {
    @Test
    void callersAndCallbacks_onVirtualThreads_areNeverPinned() throws Exception {
        assertNothingOfOursPins(VirtualThreadProgram.class, "ran on");
    }

    @Test
    void serversStartedDrainedAndClosed_onVirtualThreads_neverPinThem() throws Exception {
        assertNothingOfOursPins(VirtualServerProgram.class, "served from");
    }

    private static void assertNothingOfOursPins(Class<?> program, String did) throws Exception {
        try (ChildJvm child = new ChildJvm(program)) {
            child.await(
                    "the end",
                    lines -> lines.stream().anyMatch(line -> line.text().equals("done")));
            List<String> printed =
                    child.lines().stream().map(ChildJvm.Line::text).toList();
            assertThat(printed).contains("the pin of the program's own was recorded");
            assertThat(printed).noneMatch(line -> line.startsWith("pinned"));
            for (Transport transport : Transport.all()) {
                assertThat(printed).contains(transport.name() + " " + did + " [VirtualThread]");
            }
        }
    }
}
