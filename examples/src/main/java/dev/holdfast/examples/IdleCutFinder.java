package dev.holdfast.examples;

import dev.holdfast.heartbeat.HeartbeatMode;
import dev.holdfast.socket.SocketOptions;
import dev.holdfast.socket.Transport;
import io.netty.channel.EventLoopGroup;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Holds silent connections as an {@link IdleCutSearch} says, and tries keepalive on the cut that it finds. Blocks. */
final class IdleCutFinder {
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);
    /** The kernel counts keepalive in whole seconds, and is late by up to an eighth. */
    private static final Duration LEAST_FOR_KEEPALIVE = Duration.ofMillis(1250);

    private static final Duration MOST_IDLE = Duration.ofSeconds(32_767);

    private final EventLoopGroup group;
    private final Transport transport;
    private final SocketOptions options;
    private final Optional<Beats> beats;
    private final InetSocketAddress remote;
    private final Consumer<String> progress;
    /** Written by the searching thread, read by whoever is asked when the search is interrupted. */
    private volatile IdleCutSearch.Bracket known = new IdleCutSearch.Bracket(Optional.empty(), Optional.empty());

    /** Whether TCP keepalive keeps the path open. */
    enum Refresh {
        /** With keepalive a connection outlived a silence that another did not. */
        YES,
        /** With keepalive a connection was cut, too. */
        NO,
        /** There was nothing to refresh, or it could not be tried. */
        UNKNOWN
    }

    /**
     * What was found.
     *
     * @param bracket between what lengths of silence the cut lies
     * @param how how the shortest that was cut ended; empty if none was
     * @param refresh whether keepalive refreshes the path
     * @param notes what else is to be said, a sentence each
     */
    record Finding(IdleCutSearch.Bracket bracket, Optional<String> how, Refresh refresh, List<String> notes) {
        /** Copies the list. */
        Finding {
            notes = List.copyOf(notes);
        }
    }

    /**
     * A finder.
     *
     * @param options of the connections, but for keepalive
     * @param beats what is asked after a silence; empty asks the kernel
     * @param progress takes a line whenever something is known
     */
    IdleCutFinder(
            EventLoopGroup group,
            Transport transport,
            SocketOptions options,
            Optional<Beats> beats,
            InetSocketAddress remote,
            Consumer<String> progress) {
        this.group = group;
        this.transport = transport;
        this.options = options.connectTimeout().isPresent()
                ? options
                : options.toBuilder().connectTimeout(CONNECT_LIMIT).build();
        this.beats = beats.map(each -> new Beats(
                each.protocol(),
                each.options().toBuilder()
                        .manualStart(true)
                        .mode(HeartbeatMode.WHEN_QUIET)
                        .build()));
        this.remote = remote;
        this.progress = progress;
    }

    Finding find(IdleCutSearch search) throws InterruptedException {
        List<String> notes = new ArrayList<>();
        if (beats.isEmpty()) {
            notes.add(
                    "judged by the kernel's keepalive probes: they are answered by whatever terminates TCP, which may be a"
                            + " proxy; whether the program behind it was still reachable is known only with a --protocol");
        }
        Optional<String> how = Optional.empty();
        int round = 1;
        for (List<Duration> lengths = search.next(); !lengths.isEmpty(); lengths = search.next()) {
            progress.accept("round " + round++ + ": silent for "
                    + lengths.stream().map(Times::text).collect(Collectors.joining(", ")));
            Optional<SilentConnection.Outcome> last = round(search, lengths);
            if (last.isPresent() && isUnusable(search, last.get())) {
                notes.add("the search ended early: " + last.get().what());
                return new Finding(search.bracket(), how, Refresh.UNKNOWN, notes);
            }
            how = last.isPresent() ? last.map(SilentConnection.Outcome::what) : how;
            progress.accept("so far: " + text(search.bracket()));
        }
        return new Finding(search.bracket(), how, refresh(search.bracket(), notes), notes);
    }

    private static boolean isUnusable(IdleCutSearch search, SilentConnection.Outcome outcome) {
        return switch (outcome.fate()) {
            case NOT_SILENT, FAILED -> true;
            case CLOSED -> search.hasTolerated(outcome.after());
            case TOLERATED, CUT -> false;
        };
    }

    /** All lengths side by side, up to the first that is not tolerated, which comes back. */
    private Optional<SilentConnection.Outcome> round(IdleCutSearch search, List<Duration> lengths)
            throws InterruptedException {
        List<CompletableFuture<SilentConnection.Outcome>> held = new ArrayList<>();
        try {
            for (Duration length : lengths) {
                held.add(hold(options.toBuilder().keepAlive(false).build(), length));
            }
            for (int i = 0; i < lengths.size(); i++) {
                SilentConnection.Outcome outcome = get(held.get(i));
                note(search, lengths.get(i), outcome);
                known = search.bracket(); // before it is told, for who reads it may interrupt us
                progress.accept("  " + Times.text(outcome.after()) + ": " + outcome.what());
                if (outcome.fate() != SilentConnection.Fate.TOLERATED) {
                    return Optional.of(outcome);
                }
            }
            return Optional.empty();
        } finally {
            held.forEach(each -> each.cancel(false));
        }
    }

    private static void note(IdleCutSearch search, Duration length, SilentConnection.Outcome outcome) {
        switch (outcome.fate()) {
            case TOLERATED -> search.onTolerated(length);
            case CUT -> search.onCut(length);
            case CLOSED -> {
                if (!search.hasTolerated(outcome.after())) {
                    search.onClosed(outcome.after());
                }
            }
            case NOT_SILENT, FAILED -> {}
        }
    }

    /** What is known so far. From any thread. */
    IdleCutSearch.Bracket known() {
        return known;
    }

    /** A connection with keepalive and one without are silent for longer than the cut: only the first may live. */
    private Refresh refresh(IdleCutSearch.Bracket bracket, List<String> notes) throws InterruptedException {
        if (bracket.cut().isEmpty()) {
            return Refresh.UNKNOWN; // nothing to refresh
        }
        Duration tolerated = bracket.tolerated().orElse(Duration.ZERO);
        if (tolerated.compareTo(LEAST_FOR_KEEPALIVE) < 0) {
            notes.add("keepalive was not tried: the kernel sends it once a second at most");
            return Refresh.UNKNOWN;
        }
        Duration half = Duration.ofSeconds(Math.max(1, tolerated.dividedBy(2).toSeconds()));
        Duration idle = half.compareTo(MOST_IDLE) < 0 ? half : MOST_IDLE;
        Duration length = bracket.cut().get().multipliedBy(3).dividedBy(2);
        progress.accept("keepalive every " + Times.text(idle) + ", and none, silent for " + Times.text(length));
        CompletableFuture<SilentConnection.Outcome> with = hold(
                options.toBuilder().keepAlive(idle, Duration.ofSeconds(1), 3).build(), length);
        CompletableFuture<SilentConnection.Outcome> without =
                hold(options.toBuilder().keepAlive(false).build(), length);
        try {
            return refresh(get(with), get(without), notes);
        } finally {
            with.cancel(false);
            without.cancel(false);
        }
    }

    private Refresh refresh(SilentConnection.Outcome with, SilentConnection.Outcome without, List<String> notes) {
        progress.accept("  with keepalive: " + Times.text(with.after()) + ": " + with.what());
        progress.accept("  without: " + Times.text(without.after()) + ": " + without.what());
        if (!isCut(without)) {
            notes.add(
                    "the cut was not seen again (" + without.what() + "): it may have another cause than the silence");
            return Refresh.UNKNOWN;
        }
        if (with.fate() == SilentConnection.Fate.TOLERATED) {
            return Refresh.YES;
        }
        if (isCut(with)) {
            return Refresh.NO;
        }
        notes.add("keepalive could not be tried: " + with.what());
        return Refresh.UNKNOWN;
    }

    private static boolean isCut(SilentConnection.Outcome outcome) {
        return outcome.fate() == SilentConnection.Fate.CUT || outcome.fate() == SilentConnection.Fate.CLOSED;
    }

    private CompletableFuture<SilentConnection.Outcome> hold(SocketOptions with, Duration length) {
        return SilentConnection.hold(group, transport, with, beats, remote, length);
    }

    private static SilentConnection.Outcome get(CompletableFuture<SilentConnection.Outcome> held)
            throws InterruptedException {
        try {
            return held.get();
        } catch (ExecutionException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** As {@code tolerates 3.9 s, cut at 4.1 s}. */
    static String text(IdleCutSearch.Bracket bracket) {
        String tolerates = "tolerates "
                + bracket.tolerated().map(Times::text).orElse("less than " + Times.text(IdleCutSearch.LEAST));
        return tolerates
                + bracket.cut().map(cut -> ", cut at " + Times.text(cut)).orElse(", no cut found up to there");
    }
}
