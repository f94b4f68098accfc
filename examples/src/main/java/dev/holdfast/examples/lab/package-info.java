/**
 * The fault lab: every way to lose a peer, made by the real kernel between network namespaces, and measured against what was
 * computed and expected. {@link dev.holdfast.examples.lab.Lab} is the command, a {@code Scenario} is one fault.
 */
@NullMarked
package dev.holdfast.examples.lab;

import org.jspecify.annotations.NullMarked;
