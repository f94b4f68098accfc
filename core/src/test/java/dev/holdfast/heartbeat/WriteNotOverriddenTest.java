package dev.holdfast.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Outbound messages cost nothing: the handler has no {@code write} and no {@code flush}, and Netty passes it by. */
@SuppressWarnings("FutureReturnValueIgnored") // what becomes of the write is not the question
class WriteNotOverriddenTest {
    @Test
    void handlerAndItsSuperclasses_declareNoWriteAndNoFlush() {
        Stream<Class<?>> own = Stream.iterate(
                HeartbeatHandler.class, type -> type != ChannelDuplexHandler.class, Class::getSuperclass);
        assertThat(own.flatMap(type -> Arrays.stream(type.getDeclaredMethods())))
                .extracting(Method::getName)
                .contains("channelRead")
                .doesNotContain("write", "flush");
    }

    @Test
    void writeAndFlush_throughTheHandler_doNotCallIt() {
        Map<String, StackTraceElement[]> calls = new HashMap<>();
        EmbeddedChannel channel = new EmbeddedChannel(
                new ChannelOutboundHandlerAdapter() {
                    @Override
                    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
                        calls.put("write", new Throwable().getStackTrace());
                        context.write(message, promise);
                    }

                    @Override
                    public void flush(ChannelHandlerContext context) {
                        calls.put("flush", new Throwable().getStackTrace());
                        context.flush();
                    }
                },
                HeartbeatHandler.create(
                        HeartbeatProtocol.framed(), HeartbeatOptions.builder().build(), (where, event) -> {}));

        channel.writeOutbound(Unpooled.wrappedBuffer(new byte[] {1}));

        assertThat(calls).containsOnlyKeys("write", "flush");
        assertThat(calls.values())
                .allSatisfy(stack -> assertThat(stack)
                        .extracting(StackTraceElement::getClassName)
                        .isNotEmpty()
                        // Netty's own write and flush would stand here too, if it thought them overridden
                        .doesNotContain(ChannelDuplexHandler.class.getName(), HeartbeatHandler.class.getName()));
        channel.finishAndReleaseAll();
    }
}
