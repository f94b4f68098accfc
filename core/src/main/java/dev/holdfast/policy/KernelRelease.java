package dev.holdfast.policy;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A kernel's release, as {@code uname -r} prints it, or an unknown one.
 *
 * @param text as in {@code 6.1.0-31-amd64}; empty if it is not known
 */
record KernelRelease(Optional<String> text) {
    private static final Pattern VERSION = Pattern.compile("(\\d{1,4})\\.(\\d{1,4}).*");

    static final KernelRelease UNKNOWN = new KernelRelease(Optional.empty());

    /** Whether the kernel is known to be older; an unknown or unreadable release is taken for a new one. */
    boolean isBefore(int major, int minor) {
        if (text.isEmpty()) {
            return false;
        }
        Matcher version = VERSION.matcher(text.get());
        if (!version.matches()) {
            return false;
        }
        int itsMajor = Integer.parseInt(version.group(1));
        return itsMajor < major || (itsMajor == major && Integer.parseInt(version.group(2)) < minor);
    }
}
