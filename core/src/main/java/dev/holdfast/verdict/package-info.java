/** What happened to a connection, and how that is known: the kernel's evidence, the cause, the sentence. */
@NullMarked
package dev.holdfast.verdict;

import org.jspecify.annotations.NullMarked;
