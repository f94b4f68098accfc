/** The {@code holdfast} command line, and one main class for each idea. */
@NullMarked
package dev.holdfast.examples;

import org.jspecify.annotations.NullMarked;
