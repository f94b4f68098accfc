package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.wire.FrameType;
import dev.holdfast.wire.Frames;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What confirm() proves, in frozen time: interval 1000 ms, timeout 200 ms, 2 attempts, so a tick of 20 ms. */
@SuppressWarnings("FutureReturnValueIgnored") // of writes, whose bytes are looked at
class HeartbeatConfirmTest {
    private static final int TICK = 20;
    /** Any interval holds this many ticks, and one more. */
    private static final int INTERVAL = 1000 / TICK + 1;

    private final List<HeartbeatEvent> events = new ArrayList<>();
    private EmbeddedChannel channel = new EmbeddedChannel();
    private Wire wire = Wire.FRAMED;
    private HeartbeatHandler handler =
            HeartbeatHandler.create(wire.protocol(), options().build(), (where, event) -> {});

    /** The two sorts of protocol. What is sent is told as a ping's number, or as M for a message of ours. */
    enum Wire {
        FRAMED,
        NO_SEQUENCES;

        HeartbeatProtocol protocol() {
            return this == FRAMED ? HeartbeatProtocol.framed() : HeartbeatProtocol.frame(0x01, 0x41);
        }

        ByteBuf pong(int number) {
            return this == FRAMED
                    ? Frames.pong(Unpooled.buffer().alloc(), number)
                    : Unpooled.buffer().writeByte(0x41);
        }

        ByteBuf message() {
            ByteBuf payload = Unpooled.buffer().writeByte(7).writeByte(7);
            return this == FRAMED ? Frames.data(payload.alloc(), payload) : payload;
        }

        boolean isPing(ByteBuf frame) {
            return this == FRAMED ? Frames.type(frame) == FrameType.PING : frame.readableBytes() == 1;
        }
    }

    private static HeartbeatOptions.Builder options() {
        return HeartbeatOptions.builder()
                .interval(Duration.ofSeconds(1))
                .timeout(Duration.ofMillis(200))
                .attempts(2);
    }

    private int pinged;

    private void open(Wire which, HeartbeatOptions options) {
        channel.finishAndReleaseAll();
        channel = new EmbeddedChannel();
        channel.freezeTime();
        wire = which;
        pinged = 0;
        handler = HeartbeatHandler.create(which.protocol(), options, (where, event) -> events.add(event));
        channel.pipeline().addLast(handler, new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                ReferenceCountUtil.release(message);
            }
        });
    }

    /** With nothing outstanding: the first beat has been answered. */
    private void openQuiet(Wire which) {
        open(which, options().build());
        toBeat();
        answer(1);
    }

    private void toBeat() {
        for (int i = 0; i < INTERVAL; i++) {
            pass(TICK);
            if (!sent().isEmpty()) {
                return;
            }
        }
        throw new AssertionError("no beat within an interval");
    }

    private void pass(long millis) {
        for (long left = millis; left > 0; left -= TICK) {
            channel.advanceTimeBy(Math.min(left, TICK), TimeUnit.MILLISECONDS);
            channel.runScheduledPendingTasks();
            channel.runPendingTasks();
        }
    }

    /** What has left since, in its order: "M1" is a message of ours and the first ping. */
    private String sent() {
        StringBuilder seen = new StringBuilder();
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            if (wire.isPing(out)) {
                pinged++;
                if (wire == Wire.FRAMED) {
                    assertThat(Frames.sequence(out)).isEqualTo(pinged);
                }
                seen.append(pinged);
            } else {
                seen.append('M');
            }
            out.release();
        }
        return seen.toString();
    }

    private void answer(int number) {
        channel.writeInbound(wire.pong(number));
        channel.runPendingTasks();
    }

    private void hearMessage() {
        channel.writeInbound(wire.message());
        channel.runPendingTasks();
    }

    private Future<Duration> confirm() {
        Future<Duration> confirmed = handler.confirm();
        channel.runPendingTasks();
        return confirmed;
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
        assertThat(HeartbeatWheel.wheels()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void confirm_whenQuiet_pingsBehindWhatWasWritten_andTellsTheTime(Wire which) throws Exception {
        openQuiet(which);
        pass(300);
        channel.write(wire.message());
        Future<Duration> confirmed = confirm();
        assertThat(sent()).isEqualTo("M2");
        pass(60);
        assertThat(confirmed.isDone()).isFalse();
        answer(2);
        assertThat(confirmed.get()).isEqualTo(Duration.ofMillis(60));
        pass(100);
        assertThat(sent()).as("nothing more is asked").isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void confirm_whileABeatIsOut_asksAnewWhenItIsAnswered(Wire which) throws Exception {
        open(which, options().build());
        toBeat();
        channel.write(wire.message());
        Future<Duration> confirmed = confirm();
        assertThat(sent()).as("the beat is still unanswered").isEmpty();
        pass(TICK);
        answer(1);
        assertThat(confirmed.isDone()).as("the beat left before the message").isFalse();
        assertThat(sent()).isEqualTo("M2");
        pass(2 * TICK);
        answer(2);
        assertThat(confirmed.get()).isEqualTo(Duration.ofMillis(2 * TICK));
    }

    @ParameterizedTest
    @EnumSource
    void confirm_whileAProbeIsOut_asksAnewWhenItIsAnswered(Wire which) {
        openQuiet(which);
        Future<Duration> probed = handler.probe();
        channel.runPendingTasks();
        assertThat(sent()).isEqualTo("2");
        Future<Duration> confirmed = confirm();
        answer(2);
        assertThat(probed.isSuccess()).isTrue();
        assertThat(confirmed.isDone()).isFalse();
        assertThat(sent()).isEqualTo("3");
        answer(3);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @Test
    void confirm_afterBytesBesideABeat_asksAtOnce_andTheBeatsAnswerDoesNotServe_framed() {
        open(Wire.FRAMED, options().build());
        toBeat();
        Future<Duration> confirmed = confirm();
        hearMessage();
        assertThat(sent()).as("any byte makes the state quiet").isEqualTo("2");
        answer(1);
        assertThat(confirmed.isDone()).isFalse();
        assertThat(sent()).as("an answer to an older one asks again").isEqualTo("3");
        answer(2);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @Test
    void confirm_afterBytesBesideABeat_countsTheAnswers_withoutSequences() {
        open(Wire.NO_SEQUENCES, options().build());
        toBeat();
        Future<Duration> confirmed = confirm();
        hearMessage();
        assertThat(sent()).isEqualTo("2");
        answer(1);
        assertThat(confirmed.isDone()).isFalse();
        assertThat(sent()).isEqualTo("3");
        answer(2);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @Test
    void confirm_withoutSequences_waitsForEveryAnswerThatMayBeOlder() {
        open(Wire.NO_SEQUENCES, options().attempts(5).build());
        toBeat();
        pass(700); // and three more probes leave
        assertThat(sent()).isEqualTo("234");
        hearMessage();
        Future<Duration> confirmed = confirm();
        assertThat(sent()).isEqualTo("5");
        for (int older = 1; older <= 4; older++) {
            answer(older);
            assertThat(confirmed.isDone()).as("answer to ping %d", older).isFalse();
        }
        assertThat(sent())
                .as("each might have been the answer, so each asks again")
                .isEqualTo("6789");
        answer(5);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @Test
    void confirm_withoutSequences_countsNoAnswerThatHasCome() {
        open(Wire.NO_SEQUENCES, options().attempts(5).build());
        toBeat();
        for (int episode = 0; episode < 3; episode++) {
            int before = pinged - 1; // all but the beat have been answered
            pass(500);
            assertThat(sent()).as("further probes").isNotEmpty();
            for (int answered = before; answered < pinged; answered++) {
                answer(0);
            }
            toBeat();
        }
        answer(0);
        assertThat(sent()).isEmpty();
        Future<Duration> confirmed = confirm();
        assertThat(sent()).isNotEmpty();
        answer(0);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @Test
    void confirm_withoutSequences_countsNoAnswerThatNobodyAskedFor() {
        openQuiet(Wire.NO_SEQUENCES);
        confirm();
        answer(2);
        answer(0);
        answer(0);
        sent();
        toBeat();
        Future<Duration> confirmed = confirm();
        hearMessage();
        answer(3);
        assertThat(confirmed.isDone()).as("the beat's answer").isFalse();
        answer(4);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @Test
    void confirm_withoutSequences_knowsOfAnswersLeftOver_whenPingsWereConsideredAnswered() {
        open(Wire.NO_SEQUENCES, options().attempts(5).build());
        toBeat();
        pass(500);
        assertThat(sent()).isEqualTo("23");
        answer(1);
        pass(520);
        assertThat(sent()).as("the next beat").isEqualTo("4");
        answer(2); // which is taken for the last that can come
        Future<Duration> confirmed = confirm();
        assertThat(sent()).isEqualTo("5");
        answer(3);
        answer(4);
        assertThat(confirmed.isDone()).isFalse();
        answer(5);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @Test
    void confirm_withoutSequences_ofAPeerThatAnswersOnlyTheNewest_isConfirmedByFurtherPings() {
        open(Wire.NO_SEQUENCES, options().attempts(5).build());
        toBeat();
        pass(500);
        assertThat(sent()).isEqualTo("23");
        answer(3);
        Future<Duration> confirmed = confirm();
        for (int number = 4; number <= 5; number++) {
            assertThat(sent()).isEqualTo(String.valueOf(number));
            answer(number);
            assertThat(confirmed.isDone())
                    .as("it might have been the answer to a ping before")
                    .isFalse();
        }
        assertThat(sent()).isEqualTo("6");
        answer(6);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void confirm_whoAsksInTheSameWait_sharesOnePing(Wire which) {
        open(which, options().build());
        toBeat();
        Future<Duration> first = confirm();
        pass(TICK);
        channel.write(wire.message());
        Future<Duration> second = confirm();
        answer(1);
        assertThat(sent()).isEqualTo("M2");
        answer(2);
        assertThat(first.isSuccess()).isTrue();
        assertThat(second.isSuccess()).isTrue();
        assertThat(sent()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void confirm_askedWhileAnothersPingIsOut_getsOneOfItsOwn(Wire which) {
        openQuiet(which);
        Future<Duration> first = confirm();
        assertThat(sent()).isEqualTo("2");
        channel.write(wire.message());
        Future<Duration> second = confirm();
        hearMessage();
        answer(2);
        assertThat(first.isSuccess()).isTrue();
        assertThat(second.isDone()).isFalse();
        assertThat(sent()).isEqualTo("M3");
        answer(3);
        assertThat(second.isSuccess()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void confirm_aProbeThatLeavesAnyway_serves(Wire which) {
        open(which, options().build());
        toBeat();
        channel.write(wire.message());
        Future<Duration> confirmed = confirm();
        pass(200);
        assertThat(sent()).as("the suspicion's probe").isEqualTo("M2");
        answer(1);
        assertThat(confirmed.isDone()).isFalse();
        answer(2);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @Test
    void confirm_laterAnswer_provesAsMuch_aForeignOneNothing() {
        openQuiet(Wire.FRAMED);
        Future<Duration> confirmed = confirm();
        pass(200);
        assertThat(sent()).isEqualTo("23");
        channel.writeInbound(Frames.pong(channel.alloc(), 4)); // never sent
        channel.writeInbound(Frames.pong(channel.alloc(), (1L << 32) + 2));
        channel.runPendingTasks();
        assertThat(confirmed.isDone()).isFalse();
        answer(3);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @Test
    void confirm_whereTheNumbersComeAround_isConfirmed() {
        openQuiet(Wire.FRAMED);
        handler.sequence = -2;
        for (long number : new long[] {0xFFFF_FFFFL, 0, 1}) {
            Future<Duration> confirmed = confirm();
            ((ByteBuf) channel.readOutbound()).release();
            channel.writeInbound(Frames.pong(channel.alloc(), number));
            channel.runPendingTasks();
            assertThat(confirmed.isSuccess()).as("%d", number).isTrue();
        }
    }

    @Test
    void confirm_whereTheNumbersAreLarge_doesNotTakeAnOlderAnswer() {
        open(Wire.FRAMED, options().build());
        handler.sequence = -5;
        for (int i = 0; i < INTERVAL && channel.outboundMessages().isEmpty(); i++) {
            pass(TICK);
        }
        Future<Duration> confirmed = confirm();
        hearMessage();
        channel.writeInbound(Frames.pong(channel.alloc(), 0xFFFF_FFFCL));
        assertThat(confirmed.isDone()).as("the beat's").isFalse();
        channel.writeInbound(Frames.pong(channel.alloc(), 0xFFFF_FFFDL));
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void confirm_asked_whileAProbeFollowsAnothersPing_takesNothingFromIt(Wire which) {
        openQuiet(which);
        Future<Duration> first = confirm();
        Future<Duration> second = confirm();
        pass(200);
        assertThat(sent()).isEqualTo("23");
        answer(2);
        assertThat(first.isSuccess()).isTrue();
        assertThat(second.isDone()).isFalse();
        assertThat(sent()).isEqualTo("4");
        answer(3);
        assertThat(second.isDone()).isFalse();
        answer(4);
        assertThat(second.isSuccess()).isTrue();
    }

    @Test
    void confirm_afterAMove_knowsOfTheAnswersFromBefore() {
        open(Wire.NO_SEQUENCES, options().build());
        toBeat();
        channel.pipeline().fireChannelUnregistered();
        channel.pipeline().fireChannelRegistered();
        Future<Duration> confirmed = confirm();
        assertThat(sent()).isEqualTo("2");
        answer(1);
        assertThat(confirmed.isDone()).as("the answer to the beat before").isFalse();
        answer(2);
        assertThat(confirmed.isSuccess()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void confirm_ofADeadPeer_fails_bothWhosePingHasLeftAndWhosePingHasNot(Wire which) {
        openQuiet(which);
        Future<Duration> left = confirm();
        Future<Duration> toLeave = confirm();
        assertThat(sent()).isEqualTo("2");
        pass(500);
        assertThat(left.cause()).isInstanceOf(PeerDeadException.class);
        assertThat(toLeave.cause()).isInstanceOf(PeerDeadException.class);
    }

    @Test
    void confirm_onAChannelThatIsClosed_fails() {
        openQuiet(Wire.FRAMED);
        Future<Duration> left = confirm();
        Future<Duration> toLeave = confirm();
        channel.close().syncUninterruptibly();
        assertThat(left.cause()).isInstanceOf(ClosedChannelException.class);
        assertThat(toLeave.cause()).isInstanceOf(ClosedChannelException.class);
    }

    @Test
    void confirm_whereNothingRunsAnyMore_fails() {
        openQuiet(Wire.FRAMED);
        Future<Duration> left = confirm();
        channel.pipeline().remove(handler);
        assertThat(left.cause()).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(handler::confirm)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("added before confirm");
    }

    @Test
    void confirm_whereNothingIsAnswered_orNothingRuns_fails() {
        open(Wire.NO_SEQUENCES, options().mode(HeartbeatMode.WATCH_ONLY).build());
        assertThat(confirm().cause()).isInstanceOf(UnsupportedOperationException.class);
        open(Wire.NO_SEQUENCES, options().manualStart(true).build());
        assertThat(confirm().cause()).isInstanceOf(IllegalStateException.class);
        open(Wire.NO_SEQUENCES, options().deathAction((where, death) -> {}).build());
        pass(2000);
        assertThat(events).last().isInstanceOf(HeartbeatEvent.PeerDead.class);
        assertThat(confirm().cause()).isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @EnumSource
    void confirm_fromWithinAConfirmation_asksOnceMore(Wire which) {
        openQuiet(which);
        List<Future<Duration>> again = new ArrayList<>();
        Future<Duration> first = confirm();
        first.addListener(done -> again.add(handler.confirm()));
        answer(2);
        channel.runPendingTasks();
        assertThat(sent()).isEqualTo("23");
        answer(3);
        assertThat(again).singleElement().matches(Future::isSuccess);
    }

    @Test
    void confirm_givenUpByItsCaller_disturbsNobodyElse() {
        openQuiet(Wire.FRAMED);
        Future<Duration> first = handler.confirm();
        Future<Duration> second = handler.confirm();
        first.cancel(false);
        channel.runPendingTasks();
        answer(2);
        answer(3);
        assertThat(first.isCancelled()).isTrue();
        assertThat(second.isSuccess()).isTrue();
    }
}
