/** What the socket layer shares with the layers above it; not exported. */
@NullMarked
package dev.holdfast.socket.internal;

import org.jspecify.annotations.NullMarked;
