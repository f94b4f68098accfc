/**
 * What can be known beforehand: a {@link dev.holdfast.policy.LivenessPolicy} is a set of options, and its {@link
 * dev.holdfast.policy.DetectionBounds} say for every way of losing a peer when it is noticed, and by what, or that it
 * never is.
 *
 * <p>Everything here is an immutable value, to be used from any thread. Only {@link
 * dev.holdfast.policy.KernelSettings} reads files.
 */
@NullMarked
package dev.holdfast.policy;

import org.jspecify.annotations.NullMarked;
