package dev.holdfast.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.policy.LivenessPolicy;
import dev.holdfast.socket.SocketOptions;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyTextTest {
    @Test
    void parse_allWords_areInThePolicy() {
        LivenessPolicy policy =
                PolicyText.parse("keepalive=1s/2s/3 user-timeout=4500ms heartbeat=1s/500ms/2 slow-reader=3s");

        assertThat(policy.socketOptions())
                .isEqualTo(SocketOptions.builder()
                        .keepAlive(Duration.ofSeconds(1), Duration.ofSeconds(2), 3)
                        .userTimeout(Duration.ofMillis(4500))
                        .build());
        assertThat(policy.heartbeat().orElseThrow().timeout()).isEqualTo(Duration.ofMillis(500));
        assertThat(policy.heartbeat().orElseThrow().slowReaderTolerance()).isEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void parse_keepAliveOn_hasTheSystemsTimes() {
        assertThat(PolicyText.parse("keepalive=on"))
                .isEqualTo(LivenessPolicy.of(
                        SocketOptions.builder().keepAlive(true).build()));
    }

    @Test
    void handshake_isNoPolicy() {
        assertThat(PolicyText.parse("handshake=2s")).isEqualTo(PolicyText.parse("-"));
        assertThat(PolicyText.handshake("heartbeat=1s/1s/2 handshake=2s")).contains("2s");
        assertThat(PolicyText.handshake("heartbeat=1s/1s/2")).isEmpty();
    }

    @Test
    void parse_dash_isNothing() {
        assertThat(PolicyText.parse("-"))
                .isEqualTo(LivenessPolicy.of(SocketOptions.builder().build()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"keepalive", "usertimeout=4s", "=", "heartbeats=1s/1s/2"})
    void parse_unknownWord_isNamed(String word) {
        assertThatThrownBy(() -> PolicyText.parse(word))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'" + word + "'");
    }
}
