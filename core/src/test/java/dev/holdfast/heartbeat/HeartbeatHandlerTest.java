package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.heartbeat.HeartbeatEvent.Alive;
import dev.holdfast.heartbeat.HeartbeatEvent.Beat;
import dev.holdfast.heartbeat.HeartbeatEvent.LocalStall;
import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.heartbeat.HeartbeatEvent.Suspect;
import dev.holdfast.verdict.DeathCause;
import dev.holdfast.verdict.Evidence;
import dev.holdfast.verdict.PeerDeath;
import dev.holdfast.verdict.Probes;
import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The handler in frozen time: interval 1000 ms, timeout 200 ms, 2 attempts, so a tick of 20 ms. */
class HeartbeatHandlerTest {
    private static final int TICK = 20;

    private final List<HeartbeatEvent> events = new ArrayList<>();
    private final List<Object> passedOn = new ArrayList<>();
    private EmbeddedChannel channel = new EmbeddedChannel();

    private static HeartbeatOptions.Builder options() {
        return HeartbeatOptions.builder()
                .interval(Duration.ofSeconds(1))
                .timeout(Duration.ofMillis(200))
                .attempts(2)
                .beatEvents(true);
    }

    private HeartbeatHandler open(HeartbeatOptions options) {
        channel.finishAndReleaseAll();
        channel = new EmbeddedChannel();
        channel.freezeTime();
        HeartbeatHandler handler = HeartbeatHandler.create(
                HeartbeatProtocol.frame(0x01, 0x41), options, (where, event) -> events.add(event));
        channel.pipeline().addLast(handler, new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                passedOn.add(message);
                ReferenceCountUtil.release(message);
            }

            @Override
            public void exceptionCaught(ChannelHandlerContext context, Throwable told) {
                // the heartbeat has told of it
            }
        });
        return handler;
    }

    /** Lets time pass tick by tick, as it does when the loop does not stall. */
    private void pass(long millis) {
        for (long left = millis; left > 0; left -= TICK) {
            channel.advanceTimeBy(Math.min(left, TICK), TimeUnit.MILLISECONDS);
            channel.runScheduledPendingTasks();
            channel.runPendingTasks();
        }
    }

    private void stall(long millis) {
        channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        channel.runPendingTasks();
    }

    private static ByteBuf bytes(int... bytes) {
        ByteBuf buffer = Unpooled.buffer();
        for (int each : bytes) {
            buffer.writeByte(each);
        }
        return buffer;
    }

    private int sent() {
        int count = 0;
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            assertThat(out.readByte()).isEqualTo((byte) 0x01);
            out.release();
            count++;
        }
        return count;
    }

    /** To the first beat, whose phase within the interval is not ours to choose. */
    private void toFirstBeat() {
        for (int i = 0; i <= 1000 / TICK; i++) {
            pass(TICK);
            if (sent() == 1) {
                return;
            }
        }
        throw new AssertionError("no beat within an interval");
    }

    private <T extends HeartbeatEvent> List<T> events(Class<T> type) {
        return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
        assertThat(HeartbeatWheel.wheels())
                .as("a wheel goes with its last connection")
                .isZero();
    }

    @Test
    void firstBeat_comesWithinAnInterval_thenOnTheGrid() {
        open(options().build());
        toFirstBeat();
        channel.writeInbound(bytes(0x41));
        for (int i = 0; i < 20; i++) {
            pass(1000 - TICK);
            assertThat(sent()).isZero();
            pass(TICK);
            assertThat(sent()).isEqualTo(1);
            pass(TICK);
            channel.writeInbound(bytes(0x41));
            pass(0);
            channel.advanceTimeBy(0, TimeUnit.MILLISECONDS);
            // the answer took a tick, and the grid does not move for it
            pass(1000 - TICK);
            assertThat(sent()).isEqualTo(1);
            channel.writeInbound(bytes(0x41));
        }
        assertThat(events(Beat.class)).hasSize(41);
        assertThat(events(Suspect.class)).isEmpty();
    }

    @Test
    void intervalShorterThanTheTimeout_keepsItsGrid() {
        open(HeartbeatOptions.builder()
                .interval(Duration.ofMillis(300))
                .timeout(Duration.ofSeconds(9))
                .build());
        int beats = 0;
        for (int millis = 0; millis < 6000; millis += TICK) {
            pass(TICK);
            int now = sent();
            beats += now;
            if (now > 0) {
                channel.writeInbound(bytes(0x41));
            }
        }
        assertThat(beats).isBetween(19, 20);
    }

    @Test
    void watchOnly_sendsNothing_evenAfterAnExcuse() {
        open(options().mode(HeartbeatMode.WATCH_ONLY).build());
        channel.config().setAutoRead(false);
        pass(2000);
        channel.config().setAutoRead(true);
        pass(1000);
        assertThat(sent()).isZero();
        assertThat(events(PeerDead.class)).hasSize(1);
    }

    @Test
    void beat_hasLatenessAndRoundTrip() {
        open(options().build());
        toFirstBeat();
        pass(60);
        channel.writeInbound(bytes(0x41));
        Beat beat = events(Beat.class).get(0);
        assertThat(beat.sequence()).isEqualTo(1);
        assertThat(beat.roundTrip()).isEqualTo(Duration.ofMillis(60));
        assertThat(beat.lateness()).isLessThan(Duration.ofMillis(TICK));
    }

    @Test
    void silence_isSuspectAtTheTimeout_thenDead_once_andTheChannelIsAborted() {
        open(options().build());
        toFirstBeat();
        pass(200 - TICK);
        assertThat(events).isEmpty();
        pass(TICK);
        assertThat(events(Suspect.class))
                .containsExactly(new Suspect(1, events(Suspect.class).get(0).silence()));
        assertThat(sent()).as("a second probe at once").isEqualTo(1);
        pass(200 - TICK);
        assertThat(events(PeerDead.class)).isEmpty();
        pass(3 * TICK);
        assertThat(events(PeerDead.class)).hasSize(1);
        assertThat(events(PeerDead.class).get(0).death().cause()).isEqualTo(DeathCause.HEARTBEAT_TIMEOUT);
        assertThat(channel.isOpen()).isFalse();
        pass(5000);
        assertThat(events(PeerDead.class)).hasSize(1);
        assertThat(events.get(events.size() - 1)).isInstanceOf(PeerDead.class);
    }

    @Test
    void answerToTheSecondProbe_isLife_butNoRoundTrip() {
        open(options().build());
        toFirstBeat();
        pass(300);
        assertThat(sent()).isEqualTo(1);
        channel.writeInbound(bytes(0x41));
        assertThat(events(Alive.class)).hasSize(1);
        assertThat(events(Beat.class)).isEmpty();
        pass(500);
        assertThat(events(PeerDead.class)).isEmpty();
    }

    @Test
    void secondAnswerToASuspicion_isNotTakenForThatOfTheNextBeat() {
        open(options().build());
        toFirstBeat();
        pass(300);
        assertThat(sent()).isEqualTo(1);
        channel.writeInbound(bytes(0x41));
        pass(720); // to the next beat; the second answer comes behind it
        assertThat(sent()).isEqualTo(1);
        channel.writeInbound(bytes(0x41));
        channel.writeInbound(bytes(0x41));
        assertThat(events(Beat.class)).isEmpty();
        pass(1000);
        channel.writeInbound(bytes(0x41));
        assertThat(events(Beat.class)).as("the beat after it is alone again").hasSize(1);
    }

    @Test
    void manyAnswersOwed_comingInTwoReads_areNotTakenForThatOfTheBeatBetween() {
        open(options().attempts(5).build());
        toFirstBeat();
        pass(700);
        assertThat(sent()).isEqualTo(3);
        channel.writeInbound(bytes(0x41), bytes(0x41));
        channel.writeInbound(bytes(0x41));
        channel.writeInbound(bytes(0x41));
        pass(300);
        assertThat(sent()).as("the next beat").isEqualTo(1);
        channel.writeInbound(bytes(0x41));
        assertThat(events(Beat.class)).isEmpty();
    }

    @Test
    void answersBySequence_areMatchedToTheNewestOnly_andOnce() {
        channel.finishAndReleaseAll();
        channel = new EmbeddedChannel();
        channel.freezeTime();
        channel.pipeline()
                .addLast(HeartbeatHandler.create(
                        HeartbeatProtocol.framed(), options().build(), (where, event) -> events.add(event)));
        firstFrame().release();
        pass(300);
        ((ByteBuf) channel.readOutbound()).release();
        channel.writeInbound(Frames.pong(channel.alloc(), 1));
        assertThat(events(Beat.class)).isEmpty();
        channel.writeInbound(Frames.pong(channel.alloc(), 2));
        channel.writeInbound(Frames.pong(channel.alloc(), 2));
        assertThat(events(Beat.class)).hasSize(1);
    }

    @Test
    void applicationBytes_areLife_passOn_andPutTheNextBeatOff() {
        open(options().build());
        toFirstBeat();
        for (int i = 0; i < 50; i++) {
            channel.writeInbound(bytes(0x07, 0x08));
            pass(900);
        }
        assertThat(sent()).isZero();
        assertThat(passedOn).hasSize(50);
        assertThat(events(PeerDead.class)).isEmpty();
        pass(100);
        assertThat(sent()).isEqualTo(1);
    }

    @Test
    void always_beatsThroughApplicationBytes() {
        open(options().mode(HeartbeatMode.ALWAYS).build());
        toFirstBeat();
        for (int i = 0; i < 10; i++) {
            channel.writeInbound(bytes(0x07, 0x08));
            pass(1000);
        }
        assertThat(sent()).isEqualTo(10);
    }

    @Test
    void outboundTraffic_isNoEvidence() {
        open(options().build());
        toFirstBeat();
        for (int i = 0; i < 25; i++) {
            pass(TICK);
            if (channel.isOpen()) {
                channel.writeOutbound(bytes(0x01));
            }
        }
        assertThat(events(PeerDead.class)).hasSize(1);
    }

    @Test
    void ping_isAnswered_andEndsHere() {
        open(options().mode(HeartbeatMode.WATCH_ONLY).build());
        channel.writeInbound(bytes(0x01));
        ByteBuf answer = channel.readOutbound();
        assertThat(answer.readByte()).isEqualTo((byte) 0x41);
        answer.release();
        assertThat(passedOn).isEmpty();
    }

    @Test
    void ourStall_isTold_andNobodyDies_andTheGridIsKept() {
        open(options().build());
        toFirstBeat();
        channel.writeInbound(bytes(0x41));
        stall(10_300);
        assertThat(sent()).as("one beat, no burst").isEqualTo(1);
        assertThat(events(LocalStall.class)).hasSize(1);
        assertThat(events(LocalStall.class).get(0).length())
                .isBetween(Duration.ofMillis(10_250), Duration.ofMillis(10_300));
        channel.writeInbound(bytes(0x41));
        pass(700);
        assertThat(sent()).as("the old grid").isEqualTo(1);
        assertThat(events(PeerDead.class)).isEmpty();
        assertThat(events(Suspect.class)).isEmpty();
    }

    @Test
    void stallWhileAProbeIsOut_isNotChargedToThePeer_butItsSilenceAfterwardsIs() {
        open(options().build());
        toFirstBeat();
        pass(100);
        stall(5000);
        assertThat(events(Suspect.class)).isEmpty();
        pass(100 + 2 * TICK);
        assertThat(events(Suspect.class)).hasSize(1);
        pass(200 + 3 * TICK);
        assertThat(events(PeerDead.class)).hasSize(1);
    }

    @Test
    void pausedReads_excuseTheSilence_upToTheLimit() {
        open(options().pausedReadsLimit(Duration.ofSeconds(3)).build());
        channel.config().setAutoRead(false);
        channel.writeInbound(bytes(0x07));
        toFirstBeat();
        pass(2500);
        assertThat(events(PeerDead.class)).isEmpty();
        assertThat(sent()).as("the kernel is asked again each timeout").isGreaterThan(5);
        pass(1500);
        assertThat(events(PeerDead.class).get(0).death().rule()).contains("pausedReadsLimit PT3S");
    }

    @Test
    void autoReadSwitchedOff_betweenNettysLookAndItsRead_isStillAPause() {
        open(options().build());
        channel.pipeline().addLast(new ChannelOutboundHandlerAdapter() {
            @Override
            public void read(ChannelHandlerContext context) {
                context.channel().config().setAutoRead(false); // as another thread might, at just this moment
                context.read();
            }
        });
        toFirstBeat();
        channel.writeInbound(bytes(0x07));
        pass(4000);
        assertThat(events(PeerDead.class)).isEmpty();
    }

    @Test
    void manualReads_thatAreRequested_areNoPause() {
        open(options().build());
        channel.config().setAutoRead(false);
        toFirstBeat();
        channel.read();
        pass(1000);
        assertThat(events(PeerDead.class)).hasSize(1);
    }

    @Test
    void pendingWrites_failWithTheDeath() {
        open(options().build());
        toFirstBeat();
        pass(300); // the second probe has left, and no further flush comes
        ChannelFuture pending = channel.write(bytes(0x33));
        pass(200);
        assertThat(pending.cause()).isInstanceOf(PeerDeadException.class);
        assertThat(((PeerDeadException) pending.cause()).death().cause()).isEqualTo(DeathCause.HEARTBEAT_TIMEOUT);
    }

    @Test
    void listenerThatThrows_changesNothing() {
        channel.finishAndReleaseAll();
        channel = new EmbeddedChannel();
        channel.freezeTime();
        channel.pipeline()
                .addLast(HeartbeatHandler.create(
                        HeartbeatProtocol.frame(0x01, 0x41), options().build(), (where, event) -> {
                            events.add(event);
                            throw new IllegalStateException("on purpose");
                        }));
        toFirstBeat();
        pass(500);
        assertThat(events(PeerDead.class)).hasSize(1);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void removal_stopsTheBeats() {
        HeartbeatHandler handler = open(options().build());
        toFirstBeat();
        channel.pipeline().remove(handler);
        pass(5000);
        assertThat(sent()).isZero();
        assertThat(events).isEmpty();
        assertThat(HeartbeatWheel.wheels()).isZero();
    }

    @Test
    void manualStart_waitsForStart() {
        HeartbeatHandler handler = open(options().manualStart(true).build());
        pass(3000);
        assertThat(sent()).isZero();
        handler.start();
        channel.runPendingTasks();
        toFirstBeat();
        handler.start(); // again does nothing
        channel.runPendingTasks();
    }

    @Test
    void start_outsideAPipeline_isRefused() {
        HeartbeatHandler handler =
                HeartbeatHandler.create(HeartbeatProtocol.frame(1, 2), options().build(), (where, event) -> {});
        assertThatThrownBy(handler::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("pipeline");
    }

    @Test
    void probe_asksNow_andGivesTheRoundTrip() throws Exception {
        HeartbeatHandler handler = open(options().build());
        toFirstBeat();
        channel.writeInbound(bytes(0x41));
        pass(300);
        Future<Duration> roundTrip = handler.probe();
        channel.runPendingTasks();
        assertThat(sent()).isEqualTo(1);
        pass(40);
        channel.writeInbound(bytes(0x07)); // life, but no answer
        assertThat(roundTrip.isDone()).isFalse();
        pass(20);
        channel.writeInbound(bytes(0x41));
        assertThat(roundTrip.get()).isEqualTo(Duration.ofMillis(60));
    }

    @Test
    void probe_twice_sendsOne_andAnswersBoth() {
        HeartbeatHandler handler = open(options().build());
        toFirstBeat();
        channel.writeInbound(bytes(0x41));
        Future<Duration> first = handler.probe();
        Future<Duration> second = handler.probe();
        channel.runPendingTasks();
        assertThat(sent()).isEqualTo(1);
        channel.writeInbound(bytes(0x41));
        assertThat(first.isSuccess()).isTrue();
        assertThat(second.isSuccess()).isTrue();
    }

    @Test
    void probe_unanswered_isJudged_andFailsWithTheDeath() {
        HeartbeatHandler handler = open(options().build());
        toFirstBeat();
        channel.writeInbound(bytes(0x41));
        Future<Duration> roundTrip = handler.probe();
        channel.runPendingTasks();
        pass(500);
        assertThat(events(PeerDead.class)).hasSize(1);
        assertThat(roundTrip.cause()).isInstanceOf(PeerDeadException.class);
    }

    @Test
    void probe_whereNothingIsAnswered_orNothingRuns_fails() {
        HeartbeatHandler watching =
                open(options().mode(HeartbeatMode.WATCH_ONLY).build());
        Future<Duration> unanswerable = watching.probe();
        channel.runPendingTasks();
        assertThat(unanswerable.cause()).isInstanceOf(UnsupportedOperationException.class);
        HeartbeatHandler waiting = open(options().manualStart(true).build());
        Future<Duration> notRunning = waiting.probe();
        channel.runPendingTasks();
        assertThat(notRunning.cause()).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void probe_onAChannelThatIsClosed_fails() {
        HeartbeatHandler handler = open(options().build());
        toFirstBeat();
        channel.writeInbound(bytes(0x41));
        Future<Duration> roundTrip = handler.probe();
        channel.runPendingTasks();
        channel.close().syncUninterruptibly();
        assertThat(roundTrip.cause()).isInstanceOf(java.nio.channels.ClosedChannelException.class);
    }

    @Test
    void answerBehindApplicationBytes_stillGivesTheRoundTrip() {
        open(options().build());
        toFirstBeat();
        pass(40);
        channel.writeInbound(bytes(0x07, 0x08));
        pass(20);
        channel.writeInbound(bytes(0x41));
        assertThat(events(Beat.class))
                .singleElement()
                .extracting(Beat::roundTrip)
                .isEqualTo(Duration.ofMillis(60));
    }

    private ByteBuf firstFrame() {
        for (int i = 0; i <= 1000 / TICK; i++) {
            pass(TICK);
            ByteBuf frame = channel.readOutbound();
            if (frame != null) {
                return frame;
            }
        }
        throw new AssertionError("no beat within an interval");
    }

    @Test
    void framedProtocol_beatsAndAnswers_bySequence() {
        channel.finishAndReleaseAll();
        channel = new EmbeddedChannel();
        channel.freezeTime();
        channel.pipeline()
                .addLast(HeartbeatHandler.create(
                        HeartbeatProtocol.framed(), options().build(), (where, event) -> events.add(event)));
        ByteBuf ping = firstFrame();
        assertThat(Frames.type(ping)).isEqualTo(FrameType.PING);
        assertThat(Frames.sequence(ping)).isEqualTo(1);
        pass(300); // a second probe has left, and its answer alone is matched by its sequence
        ByteBuf second = channel.readOutbound();
        channel.writeInbound(Frames.pong(channel.alloc(), Frames.sequence(second)));
        assertThat(events(Beat.class))
                .singleElement()
                .extracting(Beat::sequence)
                .isEqualTo(2L);
        channel.writeInbound(Frames.ping(channel.alloc(), 77, 0));
        ByteBuf pong = channel.readOutbound();
        assertThat(Frames.type(pong)).isEqualTo(FrameType.PONG);
        assertThat(Frames.sequence(pong)).isEqualTo(77);
        ping.release();
        second.release();
        pong.release();
    }

    @Test
    void readAskedForWithinChannelRead_isNoPause() {
        open(options().build());
        channel.config().setAutoRead(false);
        HeartbeatHandler handler = channel.pipeline().get(HeartbeatHandler.class);
        channel.pipeline()
                .addAfter(channel.pipeline().context(handler).name(), "user", new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext context, Object message) {
                        ReferenceCountUtil.release(message);
                        context.read();
                    }
                });
        toFirstBeat();
        channel.writeInbound(bytes(0x07));
        pass(2000);
        assertThat(events(PeerDead.class)).hasSize(1);
    }

    @Test
    void beatsAlone_inAnswerToOneReadRequest_areFollowedByAnother() {
        List<String> reads = new ArrayList<>();
        open(options().build());
        channel.pipeline().addFirst(new ChannelOutboundHandlerAdapter() {
            @Override
            public void read(ChannelHandlerContext context) {
                reads.add("read");
                context.read();
            }
        });
        channel.config().setAutoRead(false);
        toFirstBeat();
        channel.read();
        channel.writeInbound(bytes(0x41));
        assertThat(reads).hasSize(2);
        channel.writeInbound(bytes(0x07));
        assertThat(reads)
                .as("the message came, and the next is asked for by who wants it")
                .hasSize(2);
    }

    @Test
    void pingsWhileTheChannelIsFull_areAnsweredByTheNewestAlone_whenThereIsRoom() {
        channel.finishAndReleaseAll();
        channel = new EmbeddedChannel();
        channel.freezeTime();
        channel.pipeline()
                .addLast(HeartbeatHandler.create(
                        HeartbeatProtocol.framed(), options().build(), (where, event) -> events.add(event)));
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        for (int i = 1; i <= 5; i++) {
            channel.writeInbound(Frames.ping(channel.alloc(), i, 0));
        }
        assertThat(channel.<ByteBuf>readOutbound()).isNull();
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        channel.runPendingTasks();
        ByteBuf pong = channel.readOutbound();
        assertThat(Frames.sequence(pong)).isEqualTo(5);
        pong.release();
        assertThat(channel.<ByteBuf>readOutbound()).isNull();
    }

    @Test
    void answerThatNeverFoundRoom_isReleasedWithTheChannel() {
        open(options().build());
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        channel.writeInbound(bytes(0x01));
        channel.finishAndReleaseAll(); // and the leak detector has nothing to tell
        assertThat(channel.<ByteBuf>readOutbound()).isNull();
    }

    @Test
    void death_hasTheProbesAndTheLastBeats() {
        open(options().history(3).build());
        toFirstBeat();
        for (int i = 0; i < 4; i++) {
            pass(TICK);
            channel.writeInbound(bytes(0x41));
            pass(1000 - TICK);
            sent();
        }
        pass(500);
        Evidence evidence = events(PeerDead.class).get(0).death().evidence();
        Probes probes = evidence.probes().orElseThrow();
        assertThat(probes.newest()).isEqualTo(6);
        assertThat(probes.unanswered()).isEqualTo(2);
        assertThat(probes.timeout()).isEqualTo(Duration.ofMillis(200));
        assertThat(evidence.lastBeats()).hasSize(3);
        assertThat(evidence.lastBeats())
                .extracting(beat -> beat.roundTrip().isPresent())
                .containsExactly(false, false, true);
        assertThat(evidence.lastBeats().get(2).due())
                .as("the last that was answered: a grid point before the first unanswered, two timeouts before the end")
                .isBetween(Duration.ofMillis(1380), Duration.ofMillis(1440));
        assertThat(evidence.loopLateness()).isZero();
        assertThat(events(PeerDead.class).get(0).death().explain())
                .contains("probe 6 left on time, and nothing answered 2 probes of 200 ms each");
    }

    @Test
    void stallDuringTheSilence_isInTheEvidence() {
        open(options().build());
        toFirstBeat();
        pass(220);
        stall(3000);
        pass(400);
        assertThat(events(PeerDead.class).get(0).death().evidence().loopLateness())
                .isBetween(Duration.ofMillis(2960), Duration.ofMillis(3000));
    }

    @Test
    void withoutHistory_probeStillGivesTheRoundTrip_andNoBeatsAreKept() throws Exception {
        HeartbeatHandler handler = open(options().history(0).beatEvents(false).build());
        toFirstBeat();
        channel.writeInbound(bytes(0x41));
        Future<Duration> roundTrip = handler.probe();
        channel.runPendingTasks();
        sent();
        pass(60);
        channel.writeInbound(bytes(0x41));
        assertThat(roundTrip.get()).isEqualTo(Duration.ofMillis(60));
        pass(2000);
        assertThat(events(PeerDead.class).get(0).death().evidence().lastBeats()).isEmpty();
    }

    @Test
    void deathAction_replacesTheAbort_andIsAskedOnce() {
        List<PeerDeath> ended = new ArrayList<>();
        open(options().deathAction((where, death) -> ended.add(death)).build());
        toFirstBeat();
        pass(2000);
        assertThat(channel.isOpen()).isTrue();
        assertThat(ended).containsExactly(events(PeerDead.class).get(0).death());
        assertThat(sent()).as("the second probe, and nothing after the death").isEqualTo(1);
    }

    @Test
    void deathActionThatThrows_leavesTheAbort() {
        open(options()
                .deathAction((where, death) -> {
                    throw new IllegalStateException("on purpose");
                })
                .build());
        toFirstBeat();
        pass(500);
        assertThat(events(PeerDead.class)).hasSize(1);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void flood_withoutHellos_endsInAClose_namedSo() {
        open(options().build());
        for (int i = 0; i < 60 && channel.isOpen(); i++) {
            channel.writeInbound(bytes(0x01));
        }
        assertThat(events(PeerDead.class))
                .singleElement()
                .extracting(dead -> dead.death().cause())
                .isEqualTo(DeathCause.FLOOD);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void answers_areNeverCharged() {
        open(options().build());
        for (int i = 0; i < 1000; i++) {
            channel.writeInbound(bytes(0x41));
        }
        assertThat(events(PeerDead.class)).isEmpty();
    }

    @Test
    void tlsThatFails_isNamed_duringTheHandshakeAndAfterIt() {
        open(options().build());
        channel.pipeline()
                .fireUserEventTriggered(new SslHandshakeCompletionEvent(new SSLHandshakeException("bad certificate")));
        assertThat(events(PeerDead.class).get(0).death().cause()).isEqualTo(DeathCause.TLS_FAILURE);
        assertThat(events(PeerDead.class).get(0).death().explain()).contains("bad certificate");
        open(options().deathAction((where, death) -> {}).build());
        events.clear();
        channel.pipeline().fireExceptionCaught(new DecoderException(new SSLException("bad record")));
        assertThat(events(PeerDead.class).get(0).death().cause()).isEqualTo(DeathCause.TLS_FAILURE);
    }

    @Test
    void tlsHandshakeThatTimesOut_isTheHandshakeDeadline() {
        open(options().build());
        channel.pipeline()
                .fireUserEventTriggered(
                        new SslHandshakeCompletionEvent(new SslHandshakeTimeoutException("timed out after 10 s")));
        assertThat(events(PeerDead.class).get(0).death().cause()).isEqualTo(DeathCause.HANDSHAKE_DEADLINE);
    }

    @Test
    void objectOfAConnection_staysWithin64Bytes() {
        // 12 of header, references of 4: what the JVM makes of it on the usual heap below 32 GiB
        int bytes = 12;
        for (Class<?> type = HeartbeatHandler.class; type != Object.class; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())) {
                    Class<?> what = field.getType();
                    bytes += what == long.class ? 8 : what == byte.class || what == boolean.class ? 1 : 4;
                }
            }
        }
        assertThat(bytes).isLessThanOrEqualTo(64);
    }
}
