package dev.holdfast.socket;

import static dev.holdfast.socket.TcpOption.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.socket.OptionReport.Row;
import dev.holdfast.socket.OptionReport.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a kernel can do to options that this machine's does not: a scripted socket stands for it. */
class OptionApplicationTest {
    private static final SocketOptions OPTIONS = SocketOptions.builder()
            .keepAlive(Duration.ofSeconds(60), Duration.ofSeconds(10), 3)
            .userTimeout(Duration.ofSeconds(85))
            .build();

    private final ScriptedSocket socket = new ScriptedSocket();

    private OptionApplication application(OptionPolicy policy) {
        SocketOptions options = OPTIONS.toBuilder().policy(policy).build();
        return new OptionApplication(options, socket, OptionTarget.Role.CONNECTING);
    }

    @Test
    void set_keepsTheOrder_timesBeforeTheSwitch() throws Exception {
        application(OptionPolicy.WARN).set();
        assertThat(socket.journal)
                .containsExactly(
                        "TCP_KEEPIDLE=60",
                        "TCP_KEEPINTVL=10",
                        "TCP_KEEPCNT=3",
                        "SO_KEEPALIVE=1",
                        "TCP_USER_TIMEOUT=85000");
    }

    @Test
    void refusal_underWarn_isARow_andTheRestIsSet() throws Exception {
        socket.refused.put(TCP_KEEPCNT, "Invalid argument");
        OptionApplication application = application(OptionPolicy.WARN);
        application.set();
        OptionReport report = application.read();
        Row row = report.row(TCP_KEEPCNT).orElseThrow();
        assertThat(row.status()).isEqualTo(Status.FAILED);
        assertThat(row.reason()).isEqualTo("Invalid argument");
        assertThat(report.problems()).containsExactly(row);
        assertThat(socket.values).containsEntry(TCP_USER_TIMEOUT, 85_000);
    }

    @Test
    void refusal_underFail_putsEveryOldValueBack() {
        socket.refused.put(TCP_USER_TIMEOUT, "Invalid argument");
        Map<TcpOption, Integer> before = Map.copyOf(socket.values);
        assertThatThrownBy(() -> application(OptionPolicy.FAIL).set())
                .isInstanceOf(SocketOptionException.class)
                .hasMessage("scripted: TCP_USER_TIMEOUT = 85000 ms is FAILED (Invalid argument)");
        assertThat(socket.values).isEqualTo(before);
    }

    @Test
    void refusal_underFail_triesNothingAfterIt() {
        socket.refused.put(TCP_KEEPIDLE, "Invalid argument");
        assertThatThrownBy(() -> application(OptionPolicy.FAIL).set()).isInstanceOf(SocketOptionException.class);
        assertThat(socket.journal).noneMatch(step -> step.startsWith("SO_KEEPALIVE"));
    }

    @Test
    void value_thatDoesNotStick_underFail_isUndoneToo() {
        socket.deaf = TCP_KEEPINTVL;
        Map<TcpOption, Integer> before = Map.copyOf(socket.values);
        assertThatThrownBy(() -> application(OptionPolicy.FAIL).set())
                .hasMessageContaining("TCP_KEEPINTVL = 10 s is FAILED (the kernel holds another value");
        assertThat(socket.values).isEqualTo(before);
    }

    @Test
    void socket_thatCannotBeReadBack_isFailed_notSilent() throws Exception {
        OptionApplication application = application(OptionPolicy.IGNORE);
        application.set();
        socket.unreadable = true;
        assertThat(application.read().rows()).extracting(Row::status).containsOnly(Status.FAILED);
    }

    @Test
    void judge_throwsOnlyUnderFail() throws Exception {
        socket.refused.put(TCP_KEEPCNT, "Invalid argument");
        for (OptionPolicy lenient : List.of(OptionPolicy.WARN, OptionPolicy.IGNORE)) {
            OptionApplication application = application(lenient);
            application.set();
            application.judge(application.read());
        }
        OptionReport report =
                new OptionReport("x", application(OptionPolicy.IGNORE).read().rows(), List.of());
        assertThatThrownBy(() -> application(OptionPolicy.FAIL).judge(report))
                .isInstanceOf(SocketOptionException.class);
    }

    /** A socket whose kernel does as it is told to. */
    private static final class ScriptedSocket implements OptionTarget {
        final EnumMap<TcpOption, Integer> values = new EnumMap<>(TcpOption.class);
        final EnumMap<TcpOption, String> refused = new EnumMap<>(TcpOption.class);
        final List<String> journal = new ArrayList<>();
        TcpOption deaf = TcpOption.CONNECT_TIMEOUT;
        boolean unreadable;

        ScriptedSocket() {
            for (TcpOption option : TcpOption.values()) {
                values.put(option, option == SO_KEEPALIVE ? 0 : 7);
            }
        }

        @Override
        public String description() {
            return "scripted";
        }

        @Override
        public boolean supports(TcpOption option) {
            return true;
        }

        @Override
        public String lack(TcpOption option) {
            return "";
        }

        @Override
        public int get(TcpOption option) throws IOException {
            if (unreadable) {
                throw new IOException("Bad file descriptor");
            }
            return values.getOrDefault(option, 0);
        }

        @Override
        public void set(TcpOption option, int value) throws IOException {
            String reason = refused.get(option);
            if (reason != null && value != 7) {
                throw new IOException(reason);
            }
            journal.add(option + "=" + value);
            if (option != deaf) {
                values.put(option, value);
            }
        }

        @Override
        public boolean halvesBuffers() {
            return false;
        }
    }
}
