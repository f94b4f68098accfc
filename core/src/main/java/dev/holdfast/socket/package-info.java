/**
 * The socket layer: TCP options asked for in one place, set by the library itself, read back from the kernel and
 * reported. Start with {@link dev.holdfast.socket.SocketOptions}.
 */
@NullMarked
package dev.holdfast.socket;

import org.jspecify.annotations.NullMarked;
