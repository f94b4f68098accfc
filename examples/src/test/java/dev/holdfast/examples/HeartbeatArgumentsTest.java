package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HeartbeatArgumentsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "connect x:1 --heartbeat 1s/1s/2 | --protocol: not given (expected: framed, bytes:01/41, line:PING/PONG or none",
                "listen 0 --heartbeat 1s/1s/2 | --protocol: not given (expected: framed, bytes:01/41, line:PING/PONG or none",
                "connect x:1 --heartbeat 1s/1s/2 --protocol none | --protocol: none (expected: framed, bytes:01/41",
                "connect x:1 --heartbeat 1s/1s/2 --heartbeat-mode watch-only | --protocol: not given (expected: ",
                "connect x:1 --detect-within 10s --heartbeat-mode always | --protocol: not given (expected: ",
                "connect x:1 --protocol framed | --protocol: framed (expected: with --heartbeat or",
                "connect x:1 --heartbeat 1s/1s/2 --protocol Framed | 'Framed' (expected: framed, bytes:01/41",
                "connect x:1 --heartbeat 1s/1s/2 --protocol pigeon | 'pigeon' (expected: framed, bytes:01/41, line:PING/PONG or none)",
                "connect x:1 --heartbeat 1s/1s/2 --protocol bytes:1/41 | 'bytes:1/41' (expected: pairs of hex digits",
                "connect x:1 --heartbeat 1s/1s/2 --protocol bytes:0g/41 | 'bytes:0g/41' (expected: pairs of hex digits",
                "connect x:1 --heartbeat 1s/1s/2 --protocol bytes:01 | 'bytes:01' (expected: two different values",
                "connect x:1 --heartbeat 1s/1s/2 --protocol bytes:01/ | 'bytes:01/' (expected: two different values",
                "connect x:1 --heartbeat 1s/1s/2 --protocol bytes:01/0102 | (expected: neither of them the beginning of",
                "connect x:1 --heartbeat 1s/1s/2 --protocol bytes:aB/Ab | (expected: neither of them the beginning of",
                "connect x:1 --heartbeat 1s/1s/2 --protocol line:P/P | 'line:P/P' (expected: two different values",
                "connect x:1 --heartbeat 1s/1s/2 --protocol line:A/B/C | 'line:A/B/C' (expected: two different values",
                "connect x:1 --heartbeat 1s/1s/2 --protocol line:A/B\u0007C | \\u0007C' (expected: line:PING/PONG without control",
                "connect x:1 --protocol bytes:01/41 | --protocol: bytes:01/41 (expected: with --heartbeat or",
                "connect x:1 --heartbeat-mode when-quiet | --heartbeat-mode: when-quiet (expected: with --heartbeat or",
                "listen 0 --heartbeat-mode always --protocol bytes:01/41 | --heartbeat-mode: always (expected: with --heart",
                "connect x:1 --reconnect --heartbeat-mode always --keepalive 9s/3s/2 | --heartbeat-mode: always (expected: with --hea",
                "connect x:1 --reconnect --protocol line:A/B | --protocol: line:A/B (expected: with --heartbeat or",
                "connect x:1 --reconnect --protocol none --heartbeat 1s/1s/2 | --protocol: none (expected: framed, bytes:01/41",
                "connect x:1 --reconnect --protocol pigeon | 'pigeon' (expected: framed, bytes:01/41, line:PING/PONG or none)",
                "listen 0 --drain 1s --heartbeat 1s/1s/2 | --protocol: not given (expected: framed, bytes:01/41",
                "listen 0 --heartbeat-mode sometimes | 'sometimes' (expected: always, when-quiet or watch-only)",
                "connect x:1 --heartbeat 1s/1s --protocol bytes:01/41 | --heartbeat: '1s/1s' (expected: INTERVAL/TIMEOUT"
            })
    void badInput_namesOptionValueAndRule(String arguments, String message) {
        StringWriter errors = new StringWriter();
        int exit = Holdfast.commandLine().setErr(new PrintWriter(errors)).execute(arguments.split(" "));
        assertThat(errors.toString()).contains(message);
        assertThat(errors.toString().lines().count()).isEqualTo(2);
        assertThat(exit).isEqualTo(2);
    }
}
