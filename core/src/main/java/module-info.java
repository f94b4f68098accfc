import org.jspecify.annotations.NullMarked;

/**
 * Holdfast: socket options with a report of what was really applied, liveness policies and the bounds within which they
 * notice a lost peer.
 */
@NullMarked
module dev.holdfast {
    requires transitive io.netty.buffer;
    requires transitive io.netty.common;
    requires transitive io.netty.transport;
    requires io.netty.codec;
    requires transitive io.netty.handler;
    requires transitive io.netty.resolver;
    requires io.netty.transport.unix.common;
    requires jdk.net;
    requires org.slf4j;
    requires static org.jspecify;

    exports dev.holdfast;
    exports dev.holdfast.heartbeat;
    exports dev.holdfast.policy;
    exports dev.holdfast.socket;
    exports dev.holdfast.verdict;
    exports dev.holdfast.wire;

    uses dev.holdfast.socket.Transport;
}
