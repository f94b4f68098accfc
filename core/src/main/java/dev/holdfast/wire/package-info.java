/**
 * Holdfast's own framed protocol: HELLO, PING, PONG, DATA, DRAIN and CLOSE, as {@code docs/protocol.md} specifies it.
 *
 * <p>{@link dev.holdfast.wire.FrameDecoder} cuts the inbound stream into checked frames, {@link dev.holdfast.wire.Frames}
 * reads and writes the frames of the hot path in place, and the rare ones are values: {@link dev.holdfast.wire.Hello},
 * {@link dev.holdfast.wire.Drain}, {@link dev.holdfast.wire.Close}. What two HELLOs come to is an {@link
 * dev.holdfast.wire.Agreement}. Times, deadlines and what happens on a beat belong to the layers above.
 */
@NullMarked
package dev.holdfast.wire;

import org.jspecify.annotations.NullMarked;
