package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent;
import dev.holdfast.heartbeat.HeartbeatEvent.Beat;
import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.heartbeat.HeartbeatEvent.Suspect;
import dev.holdfast.heartbeat.HeartbeatListener;
import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.HeartbeatProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The two protocols of one's own, between two ends in frozen time: interval 1000 ms, timeout 200 ms, 2 attempts. */
class OwnProtocolsTest {
    private static final int TICK = 20;
    private static final int INTERVAL = 1000;
    private static final int BOUND = 1400;

    private static final HeartbeatOptions OPTIONS = HeartbeatOptions.builder()
            .interval(Duration.ofMillis(INTERVAL))
            .timeout(Duration.ofMillis(200))
            .attempts(2)
            .beatEvents(true)
            .build();

    /** Puts a protocol into a pipeline. */
    private interface Placement {
        void addTo(ChannelPipeline pipeline, HeartbeatOptions options, HeartbeatListener listener);
    }

    /** One end of the connection: what it was told, what its handlers saw, what it sent. */
    private static final class End {
        final EmbeddedChannel channel = new EmbeddedChannel();
        final List<HeartbeatEvent> events = new ArrayList<>();
        final List<String> seen = new ArrayList<>();
        String sent = "";

        End(Placement protocol) {
            channel.freezeTime();
            protocol.addTo(channel.pipeline(), OPTIONS, (where, event) -> events.add(event));
            channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                @Override
                public void channelRead(ChannelHandlerContext context, Object message) {
                    seen.add(
                            message instanceof ByteBuf line ? line.toString(StandardCharsets.UTF_8) : (String) message);
                    ReferenceCountUtil.release(message);
                }
            });
        }

        void tick() {
            channel.advanceTimeBy(TICK, TimeUnit.MILLISECONDS);
            channel.runScheduledPendingTasks();
            channel.runPendingTasks();
        }

        void receive(String text) {
            channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
        }

        /** What has been sent since it was last asked. */
        String output() {
            StringBuilder output = new StringBuilder();
            for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
                output.append(out.toString(StandardCharsets.UTF_8));
                out.release();
            }
            sent += output;
            return output.toString();
        }

        <T extends HeartbeatEvent> List<T> events(Class<T> type) {
            return events.stream().filter(type::isInstance).map(type::cast).toList();
        }
    }

    private final List<End> ends = new ArrayList<>();

    private End end(Placement protocol) {
        End end = new End(protocol);
        ends.add(end);
        return end;
    }

    @AfterEach
    void close() {
        ends.forEach(end -> end.channel.finishAndReleaseAll());
    }

    private static void connect(End one, End other, int millis) {
        for (int passed = 0; passed < millis; passed += TICK) {
            one.tick();
            other.tick();
            deliver(one, other);
            deliver(other, one);
            deliver(one, other);
        }
    }

    private static void deliver(End from, End to) {
        String output = from.output();
        if (!output.isEmpty()) {
            to.receive(output);
        }
    }

    /** Passes time without anything from the peer; says how long it took to find it dead. */
    private static int untilDead(End end) {
        for (int passed = TICK; passed <= 10 * INTERVAL; passed += TICK) {
            end.tick();
            end.output();
            if (!end.events(PeerDead.class).isEmpty()) {
                return passed;
            }
        }
        throw new AssertionError("not found dead: " + end.events);
    }

    @Test
    void textBeats_bothEnds_areAnsweredByNumber() {
        End client = end(TextBeats::addTo);
        End server = end(TextBeats::addTo);

        connect(client, server, 3 * INTERVAL + TICK);

        assertThat(client.sent).contains("BEAT 1\n", "BEAT 2\n", "BEAT 3\n");
        assertThat(server.sent).contains("HEARD 1\n", "HEARD 2\n", "HEARD 3\n");
        assertThat(client.events(Beat.class)).extracting(Beat::sequence).startsWith(1L, 2L, 3L);
        assertThat(server.events(Suspect.class)).isEmpty();
        assertThat(client.seen).isEmpty();
        assertThat(server.seen).isEmpty();
    }

    @Test
    void textBeats_answerOfAnotherNumber_isLifeAndNoBeat() {
        End end = end(TextBeats::addTo);
        for (int i = 0; i <= INTERVAL / TICK && end.output().isEmpty(); i++) {
            end.tick();
        }

        end.receive("HEARD 7\n");

        assertThat(end.sent).isEqualTo("BEAT 1\n");
        assertThat(end.events(Beat.class)).isEmpty();
        assertThat(end.seen).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "BEAT",
                "BEAT ",
                "BEAT x",
                "BEAT -1",
                "BEAT 1 ",
                "HEARD 1234567890123456789",
                "beat 1",
                "",
                "hello"
            })
    void textBeats_lineThatIsNoBeat_passesOn(String line) {
        End end = end(TextBeats::addTo);

        end.receive(line + "\n");

        assertThat(end.seen).containsExactly(line);
        assertThat(end.output()).isEmpty();
    }

    @Test
    void textBeats_silentPeer_isFoundDeadWithinTheBound() {
        End end = end(TextBeats::addTo);

        assertThat(untilDead(end)).isBetween(400, BOUND + 5 * TICK);
        assertThat(end.sent).isEqualTo("BEAT 1\nBEAT 2\n");
    }

    @Test
    void newlineBeats_bothEnds_keepEachOtherAlive_unanswered() {
        End client = end(NewlineBeats::addTo);
        End server = end(NewlineBeats::addTo);
        client.receive("to the client\n");

        connect(client, server, 5 * INTERVAL + TICK);

        assertThat(client.sent).isEqualTo("\n".repeat(5));
        assertThat(server.sent).isEqualTo("\n".repeat(5));
        assertThat(client.events).isEmpty();
        assertThat(server.events).isEmpty();
        assertThat(client.seen).containsExactly("to the client");
        assertThat(server.seen).isEmpty();
    }

    @Test
    void newlineBeats_silentPeer_isFoundDeadWithinTheBound() {
        End end = end(NewlineBeats::addTo);

        assertThat(untilDead(end)).isBetween(BOUND, BOUND + 5 * TICK);
        assertThat(end.sent).as("goes on for as long as it lives").isEqualTo("\n".repeat(end.sent.length()));
    }

    @Test
    void protocols_whatTheyMake_isWhatTheyRecognise() {
        var text = new TextBeats();
        EmbeddedChannel channel = end(NewlineBeats::addTo).channel;
        Object ping = text.ping(17, channel.alloc());

        assertThat(text.classify(ping)).isEqualTo(HeartbeatProtocol.Kind.PING);
        assertThat(text.pong(ping, channel.alloc())).isEqualTo("HEARD 17");
        assertThat(text.classify("HEARD 17")).isEqualTo(HeartbeatProtocol.Kind.PONG);
    }
}
