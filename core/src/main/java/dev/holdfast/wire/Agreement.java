package dev.holdfast.wire;

/**
 * What two HELLOs come to, from one side's point of view. Immutable; the other side works out the same version and
 * capabilities, and the same two intervals with their directions swapped.
 *
 * @param version the protocol version that both speak from now on
 * @param capabilities the bits that both sides set
 * @param sending the beats from us to the peer
 * @param receiving the beats from the peer to us
 */
public record Agreement(int version, long capabilities, BeatInterval sending, BeatInterval receiving) {
    /**
     * Works out what is agreed.
     *
     * @throws ProtocolException with {@link CloseReason#VERSION} if no version is common to both
     */
    public static Agreement between(Hello ours, Hello theirs) {
        return new Agreement(
                version(ours, theirs),
                ours.capabilities() & theirs.capabilities(),
                BeatInterval.between(ours.minimumSendInterval(), theirs.wishedReceiveInterval()),
                BeatInterval.between(theirs.minimumSendInterval(), ours.wishedReceiveInterval()));
    }

    /** Whether both sides have announced {@link Hello#CAPABILITY_CONFIRM}. */
    public boolean confirms() {
        return (capabilities & Hello.CAPABILITY_CONFIRM) != 0;
    }

    private static int version(Hello ours, Hello theirs) {
        int version = Math.min(ours.highestVersion(), theirs.highestVersion());
        if (version < Math.max(ours.lowestVersion(), theirs.lowestVersion())) {
            throw new ProtocolException(
                    CloseReason.VERSION,
                    "protocol versions: %d to %d of the peer (expected: one of ours, %d to %d)"
                            .formatted(
                                    theirs.lowestVersion(),
                                    theirs.highestVersion(),
                                    ours.lowestVersion(),
                                    ours.highestVersion()));
        }
        return version;
    }
}
