/** Holdfast on Netty's native epoll transport. Nothing here needs to be called: adding the artifact is enough. */
@NullMarked
package dev.holdfast.epoll;

import org.jspecify.annotations.NullMarked;
