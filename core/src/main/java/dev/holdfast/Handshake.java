package dev.holdfast;

import java.net.SocketAddress;
import java.util.concurrent.CompletionStage;

/**
 * The conversation of a {@link HandshakeHook} with the peer. Thread-safe. Once the handshake is over its stages fail with {@link
 * IllegalStateException}. Its messages do not count against {@code outboundLimit}.
 */
public interface Handshake {
    /** The number of the attempt, as in the events. */
    long epoch();

    /** Whom it is with. */
    SocketAddress remoteAddress();

    /**
     * Names the credential that this attempt uses. If the peer refuses the handshake (CLOSE REFUSED) and the attempt before it was
     * refused with an equal one, the client ends: it would be refused for ever. A server has no use for it.
     *
     * @param credential what identifies it, best not the secret itself: it is compared by {@code equals} and kept until the next
     *     attempt
     */
    void using(Object credential);

    /**
     * Sends a message to the peer's hook; as {@link Connection#send} takes it.
     *
     * @return completes when it is handed to the kernel
     */
    CompletionStage<Void> send(Object message);

    /**
     * The next message of the peer's hook. A buffer that it completes with needs no release. Ask again for the one after it;
     * what was not asked for when the handshake is complete becomes an ordinary message. Where 16 or more wait to
     * be asked for no more is read until fewer do, or the handshake is over: nor is the peer's heartbeat, so the hook must ask, or end,
     * before that calls us dead.
     *
     * @return fails if the connection ends first
     */
    CompletionStage<Object> receive();
}
