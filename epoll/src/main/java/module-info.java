import org.jspecify.annotations.NullMarked;

/**
 * The epoll transport of Linux for Holdfast. An application that requires only {@code dev.holdfast} gets it by service
 * binding as soon as this module is observable.
 *
 * <p>Both native modules are required although only one of them fits the machine: Netty's classes load the library by
 * name and require neither, so without a {@code requires} here the module path would leave them unresolved.
 */
@NullMarked
module dev.holdfast.epoll {
    requires transitive dev.holdfast;
    requires io.netty.transport.classes.epoll;
    requires io.netty.transport.epoll.linux.aarch_64;
    requires io.netty.transport.epoll.linux.x86_64;
    requires io.netty.transport.unix.common;
    requires static org.jspecify;

    exports dev.holdfast.epoll;

    provides dev.holdfast.socket.Transport with
            dev.holdfast.epoll.EpollTransport;
}
