package dev.holdfast.verdict;

import java.time.Duration;
import java.util.Objects;

/**
 * What of ours had not left, as far as could be seen.
 *
 * @param bytes in Netty's outbound buffer and, where it can be asked, unsent in the kernel
 * @param unmoved for how long none of it had been seen to move; zero where it was seen once only
 */
public record Backlog(long bytes, Duration unmoved) {
    /** Nothing was waiting. */
    public static final Backlog NONE = new Backlog(0, Duration.ZERO);

    /** Checks that nothing is null. */
    public Backlog {
        Objects.requireNonNull(unmoved, "unmoved");
    }
}
