package dev.holdfast.examples.lab;

import dev.holdfast.policy.FailureMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One fault, under several sets of options: where, with which peer, what is done, and what has to come of it.
 *
 * @param name as it is chosen on the command line
 * @param description what happens, for people
 * @param fault what is done, from which follows the cause to be named
 * @param mode the failure whose bound is computed; empty if the limit is given or nobody may die
 * @param limit a limit of its own
 * @param variants the sets of options
 * @param manner the peer's, see {@link Listener}
 * @param peerOptions the peer's socket options
 * @param stops whether it stops a process, which therefore is one of its own
 * @param watch how long survivors are watched; empty is three times the longest bound of all variants
 * @param unwaited whether nobody waits for the limit: it is only compared, and the connection watched
 * @param onlyEpoll why it is left out on NIO; empty if it is not
 * @param needs a program that must be installed
 * @param course what is done, step by step, up to the wait for the end
 * @param after what is done after the end
 * @param wire what has to hold of the packets
 */
record Scenario(
        String name,
        String description,
        Fault fault,
        Optional<FailureMode> mode,
        Optional<Limit> limit,
        List<Variant> variants,
        String manner,
        String peerOptions,
        Stop stops,
        Optional<Duration> watch,
        boolean unwaited,
        String onlyEpoll,
        Optional<String> needs,
        Course course,
        Course after,
        Optional<WireCheck> wire) {
    /** A set of options, and where it is tried. */
    record Variant(Site site, String options) {}

    /** Which process is stopped. */
    enum Stop {
        NOBODY,
        PEER,
        OURSELVES
    }

    /** What is done, up to the wait for the end. */
    @FunctionalInterface
    interface Course {
        void play(Stage stage) throws Exception;
    }

    /** Looks at the packets of a connection. */
    @FunctionalInterface
    interface WireCheck {
        /** What is wrong with them; empty if nothing is. */
        String problem(List<Packets.Packet> packets, int port);
    }

    static Builder of(String name, String description, Fault fault) {
        return new Builder(name, description, fault);
    }

    /** Collects what differs from an answering peer and the kernel's own settings. */
    static final class Builder {
        private final String name;
        private final String description;
        private final Fault fault;
        private final List<Variant> variants = new ArrayList<>();
        private Optional<FailureMode> mode = Optional.empty();
        private Optional<Limit> limit = Optional.empty();
        private Optional<Duration> watch = Optional.empty();
        private boolean unwaited;
        private String manner = "answer";
        private String peerOptions = "-";
        private String onlyEpoll = "";
        private Optional<String> needs = Optional.empty();
        private Stop stops = Stop.NOBODY;

        private Builder(String name, String description, Fault fault) {
            this.name = name;
            this.description = description;
            this.fault = fault;
        }

        Builder bound(FailureMode computed) {
            mode = Optional.of(computed);
            return this;
        }

        /** A limit that no failure mode has. */
        Builder within(Moment from, Duration nominal, Duration worst) {
            limit = Optional.of(new Limit(from, nominal, worst, false));
            return this;
        }

        Builder with(String... options) {
            return at(Site.PLAIN, options);
        }

        Builder at(Site site, String... options) {
            for (String each : options) {
                variants.add(new Variant(site, each));
            }
            return this;
        }

        Builder peer(String itsManner, String itsOptions) {
            manner = itsManner;
            peerOptions = itsOptions;
            return this;
        }

        Builder stops(Stop whom) {
            stops = whom;
            return this;
        }

        Builder watch(Duration span) {
            watch = Optional.of(span);
            return this;
        }

        /** For a bound of hours. */
        Builder unwaited() {
            unwaited = true;
            return this;
        }

        Builder onlyEpoll(String reason) {
            onlyEpoll = reason;
            return this;
        }

        Builder needs(String program) {
            needs = Optional.of(program);
            return this;
        }

        Scenario course(Course course) {
            return new Scenario(
                    name,
                    description,
                    fault,
                    mode,
                    limit,
                    List.copyOf(variants),
                    manner,
                    peerOptions,
                    stops,
                    watch,
                    unwaited,
                    onlyEpoll,
                    needs,
                    course,
                    stage -> {},
                    Optional.empty());
        }
    }

    /** The same with something to be done after the end. */
    Scenario after(Course last) {
        return new Scenario(
                name,
                description,
                fault,
                mode,
                limit,
                variants,
                manner,
                peerOptions,
                stops,
                watch,
                unwaited,
                onlyEpoll,
                needs,
                course,
                last,
                wire);
    }

    /** The same with something that has to hold of its packets. */
    Scenario wire(WireCheck check) {
        return new Scenario(
                name,
                description,
                fault,
                mode,
                limit,
                variants,
                manner,
                peerOptions,
                stops,
                watch,
                unwaited,
                onlyEpoll,
                needs,
                course,
                after,
                Optional.of(check));
    }
}
