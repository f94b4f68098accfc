/** The heartbeat layer. For now the times of a heartbeat, as the policy computes with them. */
@NullMarked
package dev.holdfast.heartbeat;

import org.jspecify.annotations.NullMarked;
