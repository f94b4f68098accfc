package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Delivery.State;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SendBufferTest {
    private static final int LIMIT = 1000;
    private static final Duration AGE = Duration.ofSeconds(10);

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final Counting counting = new Counting();
    private final Outbound outbound = new Outbound(1 << 20, counting, Runnable::run, () -> {});
    private final List<ByteBuf> messages = new ArrayList<>();
    private final List<Long> sent = new ArrayList<>();
    private final SendBuffer buffer = buffer(LIMIT);

    SendBufferTest() {
        channel.freezeTime();
    }

    @AfterEach
    void nothingIsLeft() {
        buffer.end("the end of the test");
        assertThat(messages).allMatch(message -> message.refCnt() == 0);
        assertThat(outbound.backlog()).isZero();
        channel.finish();
    }

    private SendBuffer buffer(long bytes) {
        ReconnectOptions options =
                ReconnectOptions.builder().bufferBytes(bytes).bufferAge(AGE).build();
        return new SendBuffer(options, outbound, channel.eventLoop());
    }

    /** A message that takes so much room. */
    private Delivery add(SendBuffer where, int cost) {
        ByteBuf message = Unpooled.buffer().writeZero(cost - Outbound.OVERHEAD);
        messages.add(message);
        Delivery delivery = outbound.begin(message.readableBytes());
        where.add(delivery, message, "it is WAITING");
        return delivery;
    }

    private Delivery add(int cost) {
        return add(buffer, cost);
    }

    private void sendAll() {
        buffer.sendAll((delivery, message) -> {
            sent.add(delivery.id());
            ((ByteBuf) message).release();
            outbound.written(delivery, false);
        });
    }

    private void pass(Duration time) {
        channel.advanceTimeBy(time.toNanos(), TimeUnit.NANOSECONDS);
        channel.runScheduledPendingTasks();
    }

    @Test
    void withoutRoomAtAll_refusesWithTheReason() {
        Delivery delivery = add(buffer(0), 64);
        assertThat(delivery.state()).isEqualTo(State.NOT_SENT);
        assertThat(delivery.reason()).contains("it is WAITING");
    }

    @Test
    void bytes_areKeptUpToTheLimitExactly() {
        Delivery first = add(LIMIT - 64);
        Delivery second = add(64);
        Delivery third = add(64);
        assertThat(first.state()).isEqualTo(State.PENDING);
        assertThat(second.state()).isEqualTo(State.PENDING);
        assertThat(third.state()).isEqualTo(State.NOT_SENT);
        assertThat(third.reason())
                .contains("it is WAITING, and the buffer is full (bufferBytes 1000, bufferAge PT10S)");
        assertThat(add(buffer(LIMIT), LIMIT + 1).state()).isEqualTo(State.NOT_SENT);
        assertThat(counting.now().notSent()).isEqualTo(2);
    }

    @Test
    void sendAll_givesEverythingInOrder_andMakesRoom() {
        add(300);
        add(300);
        add(300);
        sendAll();
        assertThat(sent).containsExactly(1L, 2L, 3L);
        assertThat(add(LIMIT).state()).isEqualTo(State.PENDING);
        sendAll();
        sendAll();
        assertThat(sent).containsExactly(1L, 2L, 3L, 4L);
    }

    @Test
    void message_isDroppedAtItsAge_notBefore() {
        Delivery delivery = add(100);
        pass(AGE.minusNanos(1));
        assertThat(delivery.state()).isEqualTo(State.PENDING);
        pass(Duration.ofNanos(1));
        assertThat(delivery.state()).isEqualTo(State.NOT_SENT);
        assertThat(delivery.reason())
                .contains("it waited too long for a connection (bufferBytes 1000, bufferAge PT10S)");
        assertThat(messages.get(0).refCnt()).isZero();
        assertThat(add(LIMIT).state()).isEqualTo(State.PENDING); // its room is free
    }

    @Test
    void eachMessage_hasAnAgeOfItsOwn() {
        Delivery first = add(100);
        pass(Duration.ofSeconds(4));
        Delivery second = add(100);
        Delivery third = add(100);
        pass(Duration.ofSeconds(6));
        assertThat(first.state()).isEqualTo(State.NOT_SENT);
        assertThat(second.state()).isEqualTo(State.PENDING);
        pass(Duration.ofSeconds(4).minusNanos(1));
        assertThat(second.state()).isEqualTo(State.PENDING);
        pass(Duration.ofNanos(1));
        assertThat(second.state()).isEqualTo(State.NOT_SENT);
        assertThat(third.state()).isEqualTo(State.NOT_SENT);
    }

    @Test
    void whatCameAfterASending_isTimedByItself() {
        add(100);
        pass(Duration.ofSeconds(9));
        sendAll();
        Delivery later = add(100);
        pass(Duration.ofSeconds(9));
        assertThat(later.state()).isEqualTo(State.PENDING);
        pass(Duration.ofSeconds(1));
        assertThat(later.state()).isEqualTo(State.NOT_SENT);
        assertThat(sent).containsExactly(1L);
    }

    @Test
    void end_refusesEverything_withTheReason_andNoTimerIsLeft() {
        Delivery first = add(100);
        Delivery second = add(100);
        buffer.end("it is CLOSED");
        assertThat(first.reason()).contains("it is CLOSED");
        assertThat(second.state()).isEqualTo(State.NOT_SENT);
        assertThat(channel.runScheduledPendingTasks()).isEqualTo(-1);
        sendAll();
        assertThat(sent).isEmpty();
    }

    @Test
    void emptyBuffer_hasNoTimer() {
        add(100);
        assertThat(channel.runScheduledPendingTasks()).isPositive();
        sendAll();
        assertThat(channel.runScheduledPendingTasks()).isEqualTo(-1);
    }
}
