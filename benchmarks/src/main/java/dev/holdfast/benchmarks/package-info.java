/** What Holdfast costs, measured with JMH. Start them with {@code benchmarks/run}. */
@NullMarked
package dev.holdfast.benchmarks;

import org.jspecify.annotations.NullMarked;
