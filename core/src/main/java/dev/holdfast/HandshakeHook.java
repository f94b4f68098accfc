package dev.holdfast;

import java.util.concurrent.CompletionStage;

/**
 * What the application has to settle with the peer before messages flow: credentials, a session. The same for both ends.
 *
 * <p>Called anew for each connection, on the callback executor, behind TLS and HELLO; it may block, which holds up the callbacks behind it and
 * is not interrupted. {@link
 * ReconnectOptions#handshakeLimit()}, or the server's, bounds all of it.
 */
@FunctionalInterface
public interface HandshakeHook {
    /**
     * Settles it.
     *
     * @return completes when messages may flow; fails to refuse the peer: with a {@link HandshakeRefusedException} for good, with
     *     anything else for this attempt
     */
    CompletionStage<?> perform(Handshake handshake);
}
