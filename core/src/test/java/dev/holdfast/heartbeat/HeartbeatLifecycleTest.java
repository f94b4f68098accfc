package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.heartbeat.HeartbeatEvent.PeerDead;
import dev.holdfast.wire.Agreed;
import dev.holdfast.wire.Agreement;
import dev.holdfast.wire.Hello;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelOutputShutdownEvent;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** From start to end, and what goes wrong on the way: interval 1000 ms, timeout 200 ms, 2 attempts, so a tick of 20 ms. */
@SuppressWarnings("FutureReturnValueIgnored") // what becomes of the writes is not the question
class HeartbeatLifecycleTest {
    private static final int TICK = 20;

    private final List<HeartbeatEvent> events = new ArrayList<>();
    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final HeartbeatOptions.Builder options = HeartbeatOptions.builder()
            .interval(Duration.ofSeconds(1))
            .timeout(Duration.ofMillis(200))
            .attempts(2)
            .beatEvents(true);

    HeartbeatLifecycleTest() {
        channel.freezeTime();
    }

    private HeartbeatHandler open(HeartbeatProtocol protocol) {
        HeartbeatHandler handler =
                HeartbeatHandler.create(protocol, options.build(), (where, event) -> events.add(event));
        channel.pipeline().addLast(handler, new Sink());
        return handler;
    }

    private HeartbeatHandler open() {
        return open(HeartbeatProtocol.frame(0x01, 0x41));
    }

    /** Takes everything and keeps nothing. */
    private static final class Sink extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable told) {
            // the heartbeat has told of it
        }
    }

    private void pass(EmbeddedChannel where, long millis) {
        for (long left = millis; left > 0; left -= TICK) {
            where.advanceTimeBy(TICK, TimeUnit.MILLISECONDS);
            where.runScheduledPendingTasks();
            where.runPendingTasks();
        }
    }

    private void pass(long millis) {
        pass(channel, millis);
    }

    private int sent() {
        int count = 0;
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            out.release();
            count++;
        }
        return count;
    }

    private void toFirstBeat() {
        for (int i = 0; i <= 1000 / TICK + 1; i++) {
            pass(TICK);
            if (sent() == 1) {
                return;
            }
        }
        throw new AssertionError("no beat within an interval");
    }

    private void answer() {
        channel.writeInbound(Unpooled.buffer(1).writeByte(0x41));
    }

    private long deaths() {
        return events.stream().filter(PeerDead.class::isInstance).count();
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
        assertThat(HeartbeatWheel.wheels()).isZero();
    }

    @Test
    void beats_leaveOnTheTick_onTheGrid() {
        open();
        toFirstBeat();
        answer();
        for (int i = 0; i < 20; i++) {
            pass(1000);
            assertThat(sent()).isEqualTo(1);
            answer();
        }
        assertThat(events)
                .filteredOn(HeartbeatEvent.Beat.class::isInstance)
                .extracting(event -> ((HeartbeatEvent.Beat) event).lateness())
                .containsOnly(Duration.ZERO);
    }

    @Test
    void protocolThatThrows_hurtsItsOwnConnectionOnly() {
        boolean[] broken = {true};
        HeartbeatProtocol sound = HeartbeatProtocol.frame(0x01, 0x41);
        HeartbeatProtocol breaking = new HeartbeatProtocol() {
            @Override
            public Answering answering() {
                return sound.answering();
            }

            @Override
            public Kind classify(Object message) {
                return sound.classify(message);
            }

            @Override
            public Object ping(long sequence, ByteBufAllocator allocator) {
                if (broken[0]) {
                    throw new IllegalStateException("on purpose");
                }
                return sound.ping(sequence, allocator);
            }

            @Override
            public Object pong(Object ping, ByteBufAllocator allocator) {
                return sound.pong(ping, allocator);
            }
        };
        open(breaking);
        pass(5000);
        assertThat(sent()).isZero();
        assertThat(deaths()).as("nobody was asked").isZero();
        broken[0] = false;
        toFirstBeat();
        answer();
        toFirstBeat();
    }

    @Test
    void classifyThatThrows_leaksNothing() {
        HeartbeatProtocol sound = HeartbeatProtocol.frame(0x01, 0x41);
        open(new HeartbeatProtocol() {
            @Override
            public Answering answering() {
                return sound.answering();
            }

            @Override
            public Kind classify(Object message) {
                throw new IllegalStateException("on purpose");
            }

            @Override
            public Object ping(long sequence, ByteBufAllocator allocator) {
                return sound.ping(sequence, allocator);
            }

            @Override
            public Object pong(Object ping, ByteBufAllocator allocator) {
                return sound.pong(ping, allocator);
            }
        });
        ByteBuf message = Unpooled.buffer(1).writeByte(7);
        channel.writeInbound(message);
        assertThat(message.refCnt()).isZero();
    }

    @Test
    void secondHandler_isRefused_andTheFirstGoesOn() {
        open();
        HeartbeatHandler second =
                HeartbeatHandler.create(HeartbeatProtocol.frame(1, 2), options.build(), (where, event) -> {});
        channel.pipeline().addFirst(second); // Netty tells the pipeline why it takes it out again
        assertThat(channel.pipeline().context(second)).isNull();
        toFirstBeat();
    }

    @Test
    void halfCloseOfOurs_endsWhatExpectsAnswers_andKillsNobody() {
        open();
        toFirstBeat();
        channel.pipeline().fireUserEventTriggered(ChannelOutputShutdownEvent.INSTANCE);
        pass(5000);
        assertThat(deaths()).isZero();
        assertThat(sent()).isZero();
    }

    @Test
    void halfCloseOfThePeer_leavesTheBeatsOfAOneWayProtocol_andJudgesNobody() {
        HeartbeatProtocol sound = HeartbeatProtocol.frame(0x01, 0x41);
        open(new HeartbeatProtocol() {
            @Override
            public Answering answering() {
                return Answering.ONE_WAY;
            }

            @Override
            public Kind classify(Object message) {
                return Kind.OTHER;
            }

            @Override
            public Object ping(long sequence, ByteBufAllocator allocator) {
                return sound.ping(sequence, allocator);
            }

            @Override
            public Object pong(Object ping, ByteBufAllocator allocator) {
                throw new AssertionError("nothing is answered");
            }
        });
        pass(500);
        sent();
        channel.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        pass(10_000);
        assertThat(deaths()).isZero();
        assertThat(sent()).as("somebody waits for them").isEqualTo(10);
    }

    @Test
    void handshakeCutOffByOurClose_isNoDeath() {
        open();
        Pending.of(channel).closing = true;
        channel.pipeline().fireUserEventTriggered(new SslHandshakeCompletionEvent(new ClosedChannelException()));
        assertThat(deaths()).isZero();
    }

    @Test
    void writeThatIsTriedAgainAndAgain_doesNotKeepTheAbort() {
        open();
        toFirstBeat();
        int[] retries = {0};
        ChannelFutureListener again = new ChannelFutureListener() {
            @Override
            public void operationComplete(io.netty.channel.ChannelFuture done) {
                if (!done.isSuccess() && retries[0]++ < 100_000 && channel.isActive()) {
                    channel.write(Unpooled.buffer(1).writeByte(7)).addListener(this);
                }
            }
        };
        channel.write(Unpooled.buffer(1).writeByte(7)).addListener(again);
        pass(1000);
        assertThat(deaths()).isEqualTo(1);
        assertThat(retries[0]).isLessThan(10);
    }

    @Test
    void probe_cancelledByOne_isStillAnsweredToTheOther() {
        HeartbeatHandler handler = open();
        Future<Duration> one = handler.probe();
        Future<Duration> other = handler.probe();
        channel.runPendingTasks();
        one.cancel(false);
        answer();
        assertThat(other.isSuccess()).isTrue();
        Future<Duration> next = handler.probe();
        channel.runPendingTasks();
        answer();
        assertThat(next.isSuccess()).isTrue();
    }

    @Test
    void probe_behindAnAnswerThatCannotBeMatched_asksAgain() {
        HeartbeatHandler handler = open();
        toFirstBeat();
        channel.writeInbound(Unpooled.buffer(1).writeByte(7)); // a beat is out, and the peer speaks of something else
        Future<Duration> asked = handler.probe();
        channel.runPendingTasks();
        for (int i = 0; i < 4 && !asked.isDone(); i++) {
            answer();
            channel.runPendingTasks();
        }
        assertThat(asked.isSuccess()).isTrue();
    }

    @Test
    void removal_failsWhoAsks_becauseItDoesNotRun() {
        HeartbeatHandler handler = open();
        Future<Duration> asked = handler.probe();
        channel.runPendingTasks();
        channel.pipeline().remove(handler);
        assertThat(asked.cause()).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void deathActionThatLetsThePeerLive_leavesItsMessagesToTheUser() {
        List<Object> passedOn = new ArrayList<>();
        options.deathAction((where, death) -> {});
        open();
        channel.pipeline()
                .addBefore(channel.pipeline().context(Sink.class).name(), "user", new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext context, Object message) {
                        passedOn.add(message);
                        context.fireChannelRead(message);
                    }
                });
        pass(3000);
        assertThat(deaths()).isEqualTo(1);
        channel.writeInbound(Unpooled.buffer(1).writeByte(7));
        assertThat(passedOn).hasSize(1);
    }

    @Test
    void agreement_toldTwice_isAgreedOnce() {
        open(HeartbeatProtocol.framed());
        channel.pipeline().fireUserEventTriggered(ChannelOutputShutdownEvent.INSTANCE); // ends what began by itself
        Hello ours = options.build().hello().build();
        Agreed both = new Agreed(ours, Agreement.between(ours, ours));
        channel.pipeline().fireUserEventTriggered(both);
        channel.pipeline().fireUserEventTriggered(both);
        assertThat(events).filteredOn(HeartbeatEvent.Agreed.class::isInstance).hasSize(1);
    }

    @Test
    void automaticClose_isLeftAsItWas() {
        channel.config().setAutoClose(false);
        HeartbeatHandler handler = open();
        channel.pipeline().remove(handler);
        assertThat(channel.config().isAutoClose()).isFalse();
    }

    @Test
    void errorOfTheKernel_duringOurOwnClose_isNoDeath() {
        open();
        Pending.of(channel).closing = true;
        channel.pipeline().fireExceptionCaught(new IOException("Connection reset by peer"));
        assertThat(deaths()).isZero();
    }
}
