package dev.holdfast.examples.lab;

import java.util.List;

/** What can be done to the packets of one port. */
@SuppressWarnings("ImmutableEnumChecker") // List.of cannot be changed
enum Cut {
    /** The router drops both directions: the peer, or the path to it, is gone. */
    BOTH(false, "away", "back"),
    /** The router drops what goes to the server. */
    AWAY(false, "away"),
    /** The router drops what comes from the server. */
    BACK(false, "back"),
    /** The router answers what goes to the server with a reset. */
    RESET(false, "rejected"),
    /** The router answers what goes to the server with ICMP host unreachable. */
    UNREACHABLE(false, "unreachable"),
    /** The client's own packet filter drops what it sends (netfilter OUTPUT). */
    OUR_FILTER(true, "sink"),
    /** The client's own queue drops what it sends. */
    OUR_QUEUE(true, "clog");

    private final boolean atClient;
    private final List<String> sets;

    Cut(boolean atClient, String... sets) {
        this.atClient = atClient;
        this.sets = List.of(sets);
    }

    boolean isAtClient() {
        return atClient;
    }

    /** The sets of ports in the packet filter that do it. */
    List<String> sets() {
        return sets;
    }
}
