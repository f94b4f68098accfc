package dev.holdfast.policy;

import dev.holdfast.heartbeat.HeartbeatOptions;
import dev.holdfast.heartbeat.UserTimeoutSampling;
import dev.holdfast.policy.DetectionModel.Found;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** From when a bound counts, and the sentences about what must hold for it. */
final class BoundConditions {
    private static final String LAST_BYTE = "the last byte received";
    private static final String NEXT_HOP =
            "the next hop's address stays known: if ARP or NDP fails too, the kernel takes the"
                    + " data for sent and UNACKED_PEER_VANISHED begins";

    private final LivenessPolicy policy;
    private final KernelSettings kernel;
    private final DetectionModel model;

    BoundConditions(LivenessPolicy policy, KernelSettings kernel, DetectionModel model) {
        this.policy = policy;
        this.kernel = kernel;
        this.model = model;
    }

    String countedFrom(FailureMode mode, Optional<Found> found) {
        if (isHeartbeat(found)) {
            return LAST_BYTE;
        }
        boolean windowsClosing = mode == FailureMode.ZERO_WINDOW_PEER_VANISHED && byUserTimeout(found);
        return windowsClosing ? FailureMode.ZERO_WINDOW_PEER_ALIVE.countedFrom() : mode.countedFrom();
    }

    String of(FailureMode mode, Optional<Found> found) {
        List<String> sentences = new ArrayList<>();
        sentences.add(mode.condition());
        switch (mode) {
            case IDLE_PEER_VANISHED, MIDDLEBOX_FORGOT_SILENTLY -> idle(found, sentences);
            case UNACKED_PEER_VANISHED -> {
                sentences.add("keepalive is suspended; a round trip r adds up to 2 r, or one retransmission interval");
                backlog(found, sentences);
                heartbeatMayBeEarlier(found, sentences);
            }
            case ZERO_WINDOW_PEER_ALIVE -> {
                closedWindow(found, sentences);
                backlog(found, sentences);
                heartbeatMayBeEarlier(found, sentences);
            }
            case ZERO_WINDOW_PEER_VANISHED -> {
                if (model.guarded()) {
                    sentences.add("the heartbeat lifts the user timeout, and ends the connection when two window probes"
                            + " are unanswered and nothing was acknowledged for the user timeout; they are"
                            + " as far apart as the window has been closed long");
                } else {
                    sentences.add(
                            "without a user timeout the worst case is a window that had been closed for long before");
                }
                backlog(found, sentences);
                heartbeatMayBeEarlier(found, sentences);
            }
            case LOCAL_FILTER_DROP -> {
                if (model.userTimeout() > 0 && kernel.kernelRelease().isBefore(5, 1)) {
                    sentences.add("kernels before 5.1 ignore the user timeout here");
                }
                unsent(found, sentences);
            }
            case LOCAL_QUEUE_DROP -> {
                sentences.add(NEXT_HOP);
                unsent(found, sentences);
            }
            case IDLE_LOCAL_QUEUE_DROP -> {
                sentences.add("keepalive probes that were not sent are not counted");
                if (model.beats()) {
                    sentences.add(NEXT_HOP);
                }
                onlyIfSilent(sentences);
                neverClosedBefore(found, sentences);
            }
            case CONNECT_BLACKHOLED -> connect(sentences);
            case CLOSED_PEER_VANISHED ->
                sentences.add("the program is not told; this is how long the kernel keeps the socket");
            case PEER_PROGRAM_HUNG -> {
                if (found.isEmpty()) {
                    sentences.add("only a heartbeat notices; data that fills the peer's buffer makes it"
                            + " ZERO_WINDOW_PEER_ALIVE");
                }
            }
            case PEER_REBOOTED, MIDDLEBOX_FORGOT_WITH_RESET -> {
                if (found.isEmpty()) {
                    sentences.add("never while this side stays silent; at once when it sends");
                }
            }
        }
        if (isHeartbeat(found)) {
            byHeartbeat(policy.heartbeat().orElseThrow(), sentences);
        }
        return String.join("; ", sentences);
    }

    private static void byHeartbeat(HeartbeatOptions beats, List<String> sentences) {
        sentences.add("the program does not pause its reads");
        sentences.add(
                switch (beats.mode()) {
                    case WHEN_QUIET ->
                        "earlier by what the last answer took, and before the first beat, the phase of which is spread, by"
                                + " up to an interval";
                    case ALWAYS -> "up to an interval earlier, for beats leave whatever comes in";
                    case WATCH_ONLY ->
                        "no beat is sent: the peer has promised a byte every " + Table.text(beats.interval())
                                + ", and its silence alone is judged";
                });
    }

    private void unsent(Optional<Found> found, List<String> sentences) {
        onlyIfSilent(sentences);
        neverClosedBefore(found, sentences);
        if (!model.asksTheKernel()) {
            backlog(found, sentences);
        }
        heartbeatMayBeEarlier(found, sentences);
    }

    /** What our own host drops is ours, and a heartbeat that only watches sends nothing. */
    private void onlyIfSilent(List<String> sentences) {
        if (policy.heartbeat().isPresent() && !model.beats()) {
            sentences.add("a heartbeat that sends nothing notices only if the peer falls silent");
        }
    }

    /** What stands before a beat, or is behind the silence of a peer that is not asked. */
    private void backlog(Optional<Found> found, List<String> sentences) {
        if (isHeartbeat(found)) {
            if (!model.asksTheKernel()) {
                sentences.add("the worst case is a full send buffer, which writeStallTimeout ends");
            }
            sentences.add("a backlog that moves excuses the silence: then from its last progress");
        }
    }

    private void idle(Optional<Found> found, List<String> sentences) {
        if (found.isEmpty()) {
            sentences.add("neither keepalive nor a heartbeat: a side that only receives never learns");
        } else if (model.beats()) {
            sentences.add("each beat puts data in flight, which suspends keepalive");
            if (!isHeartbeat(found) && !byUserTimeout(found)) {
                sentences.add(
                        "where the first beat, the phase of which is spread, comes before that, the heartbeat ends it");
            }
        } else {
            if (model.userTimeout() > 0 && model.keepAliveOn()) {
                sentences.add("the user timeout replaces the keepalive count");
            }
            heartbeatMayBeEarlier(found, sentences);
        }
    }

    /** The user timeout stays lifted once the window was closed, and is not put back for drops of our own. */
    private void neverClosedBefore(Optional<Found> found, List<String> sentences) {
        if (model.guarded() && byUserTimeout(found)) {
            sentences.add("the peer's window was never closed before: afterwards "
                    + (model.beats()
                            ? "the heartbeat alone ends it, "
                                    + answers(policy.heartbeat().orElseThrow()) + " after " + LAST_BYTE
                            : "the kernel's retries end it"));
        }
    }

    private void closedWindow(Optional<Found> found, List<String> sentences) {
        if (byUserTimeout(found)) {
            sentences.add("the user timeout ends a connection whose peer lives");
        } else if (found.isEmpty()) {
            sentences.add("the kernel probes for ever while it is answered");
        } else {
            sentences.add(
                    model.beats()
                            ? "a peer that does not read cannot answer a heartbeat"
                            : "a peer that does not read but goes on sending is left alone");
            if (model.guarded()) {
                Duration stall = UserTimeoutSampling.of(Duration.ofMillis(model.userTimeout()))
                        .toleratedStall();
                sentences.add("the heartbeat lifts the user timeout; a stall of our own loop of more than "
                        + Table.text(stall) + " just then lets the kernel end the connection");
            }
        }
    }

    private void connect(List<String> sentences) {
        if (policy.socketOptions().connectTimeout().isEmpty()) {
            sentences.add(
                    "no connectTimeout is set: a Netty bootstrap gives up after 30 s of its own accord, a JDK socket"
                            + " when the kernel does");
        }
        if (model.userTimeout() > 0) {
            sentences.add("the user timeout ends the connect too, after 1 s at the earliest");
        }
    }

    /** Where the kernel wins, its clock may have started later than the heartbeat's. */
    private void heartbeatMayBeEarlier(Optional<Found> found, List<String> sentences) {
        if (policy.heartbeat().isPresent() && !isHeartbeat(found)) {
            HeartbeatOptions beats = policy.heartbeat().get();
            sentences.add("the heartbeat may end it earlier, " + answers(beats) + " after " + LAST_BYTE);
        }
    }

    private static String answers(HeartbeatOptions beats) {
        return Table.text(beats.interval().plus(beats.timeout().multipliedBy(beats.attempts())));
    }

    private static boolean byUserTimeout(Optional<Found> found) {
        return found.map(Found::detector).filter(Detector.USER_TIMEOUT::equals).isPresent();
    }

    private static boolean isHeartbeat(Optional<Found> found) {
        return found.map(Found::detector).filter(Detector.HEARTBEAT::equals).isPresent();
    }
}
