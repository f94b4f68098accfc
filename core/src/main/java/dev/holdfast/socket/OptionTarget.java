package dev.holdfast.socket;

import java.io.IOException;

/** Something that options can be set on and asked for: a Netty channel, or one of the JDK's sockets. */
interface OptionTarget {
    /** What the socket is to the options. */
    enum Role {
        /** Not connected yet: every option of a client can still be set. */
        CONNECTING,
        /** Connected: what belongs to the connect comes too late. */
        CONNECTED,
        /** A listener; the rest of its options goes to the accepted children. */
        LISTENING,
        /** Accepted by a listener that had its own share of the options. */
        ACCEPTED
    }

    /** The transport and the addresses, for people. */
    String description();

    boolean supports(TcpOption option);

    /** Why an option that is not supported is not. */
    String lack(TcpOption option);

    int get(TcpOption option) throws IOException;

    void set(TcpOption option, int value) throws IOException;

    /** Whether a buffer's size is read as half of what the kernel holds, as the JDK does. */
    boolean halvesBuffers();
}
