/**
 * Connections that look after themselves: {@link dev.holdfast.ResilientClient} connects, notices every dead peer, comes back and
 * says of each message what is known of it; {@link dev.holdfast.ResilientServer} is the other end.
 */
@NullMarked
package dev.holdfast;

import org.jspecify.annotations.NullMarked;
