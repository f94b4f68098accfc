package dev.holdfast.testing;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test class that leaks a buffer. JUnit finds it by itself (META-INF/services, junit-platform.properties), in every
 * module and for unit and integration tests alike.
 *
 * <p>An extension and no listener, because what a listener throws is logged and forgotten.
 */
public final class LeakExtension implements AfterAllCallback {
    static {
        LeakReports.install(); // before a test class is initialised, and with it the first buffer
    }

    @Override
    public void afterAll(ExtensionContext context) throws InterruptedException {
        String leaks = LeakReports.take();
        if (!leaks.isEmpty()) {
            throw new AssertionError(
                    "leaked, by " + context.getDisplayName() + " or by an earlier class that held on to it:\n" + leaks);
        }
    }
}
