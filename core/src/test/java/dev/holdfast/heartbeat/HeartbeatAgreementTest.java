package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent.Agreed;
import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.wire.Close;
import dev.holdfast.wire.CloseReason;
import dev.holdfast.wire.FrameDecoder;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import dev.holdfast.wire.Hello;
import dev.holdfast.wire.HelloHandler;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The framed protocol from HELLO to the end: interval 1000 ms, timeout 200 ms, 2 attempts; the tick is 20 ms. */
class HeartbeatAgreementTest {
    private static final int TICK = 20;

    private final List<HeartbeatEvent> events = new ArrayList<>();
    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final HeartbeatOptions.Builder options = HeartbeatOptions.builder()
            .interval(Duration.ofSeconds(1))
            .timeout(Duration.ofMillis(200))
            .attempts(2);

    private void open() {
        open(0);
    }

    private void open(long capabilities) {
        channel.freezeTime();
        HeartbeatOptions built = options.build();
        Hello ours = built.hello().capabilities(capabilities).build();
        channel.pipeline()
                .addLast(
                        new FrameDecoder(ours),
                        new HelloHandler(ours, Duration.ofSeconds(3)),
                        HeartbeatHandler.create(HeartbeatProtocol.framed(), built, (where, event) -> events.add(event)),
                        new ChannelInboundHandlerAdapter() {
                            @Override
                            public void exceptionCaught(ChannelHandlerContext context, Throwable told) {
                                // the heartbeat has told of it
                            }
                        });
        ByteBuf hello = channel.readOutbound();
        assertThat(Hello.read(hello)).isEqualTo(ours);
        hello.release();
    }

    private void hear(Hello theirs) {
        channel.writeInbound(theirs.write(Unpooled.buffer().alloc()));
    }

    private void pass(long millis) {
        for (long left = millis; left > 0; left -= TICK) {
            channel.advanceTimeBy(TICK, TimeUnit.MILLISECONDS);
            channel.runScheduledPendingTasks();
            channel.runPendingTasks();
        }
    }

    /** What is sent until then: the times to live of PINGs. */
    private List<Long> pings(long millis, boolean answer) {
        List<Long> promises = new ArrayList<>();
        for (long left = millis; left > 0; left -= TICK) {
            pass(TICK);
            for (ByteBuf frame = channel.readOutbound(); frame != null; frame = channel.readOutbound()) {
                assertThat(Frames.type(frame)).isEqualTo(FrameType.PING);
                promises.add(Frames.timeToLiveMillis(frame));
                if (answer) {
                    channel.writeInbound(Frames.pong(channel.alloc(), Frames.sequence(frame)));
                }
                frame.release();
            }
        }
        return promises;
    }

    private PeerDead death() {
        return events.stream()
                .filter(PeerDead.class::isInstance)
                .map(PeerDead.class::cast)
                .reduce((first, second) -> {
                    throw new AssertionError("two deaths: " + events);
                })
                .orElseThrow();
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
        assertThat(HeartbeatWheel.wheels()).isZero();
    }

    @Test
    void hello_saysWhatTheOptionsMean() {
        Hello asking = options.build().hello().build();
        assertThat(asking.minimumSendInterval()).isEqualTo(Duration.ofSeconds(1));
        assertThat(asking.wishedReceiveInterval()).isZero();
        assertThat(asking.detectionTime()).isEqualTo(Duration.ofMillis(1400));
        Hello watching = options.mode(HeartbeatMode.WATCH_ONLY).build().hello().build();
        assertThat(watching.minimumSendInterval()).isZero();
        assertThat(watching.wishedReceiveInterval()).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void beforeTheHellos_nothingIsSent_andNobodyJudged() {
        open();
        assertThat(pings(2980, false)).isEmpty();
        assertThat(events).isEmpty();
    }

    @Test
    void twoThatAsk_promiseNothing_andBeatAsTheyLike() {
        open();
        hear(options.build().hello().build());
        assertThat(events)
                .containsExactly(new Agreed(Duration.ZERO, Duration.ZERO, Optional.of(Duration.ofMillis(1400)), false));
        assertThat(pings(5000, true)).hasSize(5).containsOnly(0L);
    }

    @Test
    void peerThatOnlyWatches_isPromisedOurBeats_andThePromiseIsKeptWhateverComesIn() {
        open();
        hear(Hello.builder().wishedReceiveInterval(Duration.ofMillis(500)).build());
        assertThat(events)
                .containsExactly(
                        new Agreed(Duration.ofSeconds(1), Duration.ZERO, Optional.of(Duration.ofMillis(1400)), false));
        int sent = 0;
        for (int i = 0; i < 50; i++) {
            channel.writeInbound(Frames.data(channel.alloc(), Unpooled.buffer().writeByte(7)));
            ((ByteBuf) channel.readInbound()).release();
            List<Long> promises = pings(100, true);
            sent += promises.size();
            assertThat(promises).allMatch(millis -> millis == 1200);
        }
        assertThat(sent).isEqualTo(5);
    }

    @Test
    void peerThatWishesBeatsMoreSeldom_lengthensTheBound_andIsTold() {
        open();
        hear(Hello.builder().wishedReceiveInterval(Duration.ofSeconds(4)).build());
        assertThat(events)
                .containsExactly(
                        new Agreed(Duration.ofSeconds(4), Duration.ZERO, Optional.of(Duration.ofMillis(4400)), true));
        assertThat(pings(40_000, true)).hasSize(10);
    }

    @Test
    void longerBound_isRefused_whereTheOptionsSaySo_withItsReason() {
        options.refuseLongerBound(true);
        open();
        hear(Hello.builder().wishedReceiveInterval(Duration.ofSeconds(4)).build());
        assertThat(death().death().cause()).isEqualTo(DeathCause.PROTOCOL_ERROR);
        assertThat(death().death().rule()).contains("PT4.4S").contains("PT1.4S").contains("refuseLongerBound");
        ByteBuf close = channel.readOutbound();
        assertThat(Close.read(close).reason()).isEqualTo(CloseReason.BEAT_INTERVAL);
        close.release();
    }

    @Test
    void watchOnly_judgesByWhatThePeerPromised() {
        options.mode(HeartbeatMode.WATCH_ONLY);
        open();
        hear(Hello.builder().minimumSendInterval(Duration.ofSeconds(2)).build());
        assertThat(events)
                .containsExactly(
                        new Agreed(Duration.ZERO, Duration.ofSeconds(2), Optional.of(Duration.ofMillis(2400)), true));
        pass(2380);
        assertThat(events).noneMatch(PeerDead.class::isInstance);
        pass(100);
        assertThat(death().death().cause()).isEqualTo(DeathCause.HEARTBEAT_TIMEOUT);
    }

    @Test
    void twoThatOnlyWatch_findNobodyDead_andAreTold() {
        options.mode(HeartbeatMode.WATCH_ONLY);
        open();
        hear(Hello.builder().wishedReceiveInterval(Duration.ofSeconds(1)).build());
        assertThat(events).containsExactly(new Agreed(Duration.ZERO, Duration.ZERO, Optional.empty(), true));
        assertThat(pings(10_000, false)).isEmpty();
        assertThat(events).hasSize(1);
    }

    @Test
    void peerThatSaysNoHello_isGivenUpAtTheDeadline() {
        open();
        pass(3000 + TICK);
        assertThat(death().death().cause()).isEqualTo(DeathCause.HANDSHAKE_DEADLINE);
        assertThat(death().death().explain()).contains("is given up").contains("handshake");
        assertThat(death().death().detectedAfter()).isBetween(Duration.ofMillis(2999), Duration.ofMillis(3100));
    }

    @Test
    void peerThatBreaksTheProtocol_isGivenUp_andToldWhy() {
        open();
        channel.writeInbound(Unpooled.copiedBuffer(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}));
        assertThat(death().death().cause()).isEqualTo(DeathCause.PROTOCOL_ERROR);
        ByteBuf close = channel.readOutbound();
        assertThat(Close.read(close).reason()).isEqualTo(CloseReason.PROTOCOL_ERROR);
        close.release();
    }

    @Test
    void flood_isNamed_andToldToThePeer() {
        open();
        hear(options.build().hello().build());
        int answered = 0;
        for (int i = 0; i < 100 && channel.isActive(); i++) {
            channel.writeInbound(Frames.ping(channel.alloc(), i, 0));
            for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
                if (Frames.type(out) == FrameType.PONG) {
                    answered++;
                } else {
                    assertThat(Close.read(out).reason()).isEqualTo(CloseReason.TOO_MANY_PINGS);
                }
                out.release();
            }
        }
        assertThat(answered).isEqualTo(52);
        assertThat(death().death().cause()).isEqualTo(DeathCause.FLOOD);
        assertThat(death().death().rule()).contains("permittedPeerInterval PT0.005S");
    }

    @Test
    void confirmations_passOn_andAreNoBeats_whereBothAnnouncedThem() {
        options.mode(HeartbeatMode.WATCH_ONLY);
        open(Hello.CAPABILITY_CONFIRM);
        hear(Hello.builder()
                .minimumSendInterval(Duration.ofSeconds(1))
                .capabilities(Hello.CAPABILITY_CONFIRM | 1L << 40)
                .build());
        for (int i = 0; i < 1000; i++) {
            channel.writeInbound(Frames.ping(channel.alloc(), Frames.CONFIRMATION_BIT | i, 0));
            ByteBuf passedOn = channel.readInbound();
            assertThat(Frames.sequence(passedOn)).isEqualTo(Frames.CONFIRMATION_BIT | i);
            passedOn.release();
        }
        assertThat(channel.<ByteBuf>readOutbound()).as("whoever knows answers").isNull();
        assertThat(events).as("and they are no flood").hasSize(1);
        pass(900);
        channel.writeInbound(Frames.pong(channel.alloc(), -1));
        ((ByteBuf) channel.readInbound()).release();
        pass(900);
        assertThat(events).as("but life, like any byte").hasSize(1);
    }

    @Test
    void confirmations_areOrdinaryBeats_whereOnlyOneSideAnnouncedThem() {
        open(Hello.CAPABILITY_CONFIRM);
        hear(Hello.builder().capabilities(~Hello.CAPABILITY_CONFIRM).build());
        channel.writeInbound(Frames.ping(channel.alloc(), -1, 0));
        ByteBuf pong = channel.readOutbound();
        assertThat(Frames.type(pong)).isEqualTo(FrameType.PONG);
        assertThat(Frames.sequence(pong)).isEqualTo(-1);
        pong.release();
        channel.writeInbound(Frames.pong(channel.alloc(), -1));
        assertThat(channel.<ByteBuf>readInbound()).isNull();
    }

    @Test
    void promiseToAPeerThatWatches_isKept_besideConfirmations() {
        open(Hello.CAPABILITY_CONFIRM);
        hear(Hello.builder()
                .wishedReceiveInterval(Duration.ofMillis(500))
                .capabilities(Hello.CAPABILITY_CONFIRM)
                .build());
        assertThat(pings(3000, true)).hasSize(3).containsOnly(1200L);
        channel.writeInbound(Frames.ping(channel.alloc(), -1, 0));
        ((ByteBuf) channel.readInbound()).release();
    }

    @Test
    void handlerAddedAfterTheHellos_learnsWhatWasAgreed() {
        channel.freezeTime();
        HeartbeatOptions built = options.build();
        Hello ours = built.hello().build();
        channel.pipeline().addLast(new FrameDecoder(ours), new HelloHandler(ours));
        hear(ours);
        ((ByteBuf) channel.readOutbound()).release();
        channel.pipeline()
                .addLast(HeartbeatHandler.create(
                        HeartbeatProtocol.framed(), built, (where, event) -> events.add(event)));
        assertThat(events).hasSize(1);
        assertThat(pings(1000, true)).hasSize(1);
    }
}
