/**
 * The heartbeat layer: a handler for any pipeline that beats, answers, and says when the peer is dead and why. Start with
 * {@link dev.holdfast.heartbeat.HeartbeatHandler}.
 */
@NullMarked
package dev.holdfast.heartbeat;

import org.jspecify.annotations.NullMarked;
