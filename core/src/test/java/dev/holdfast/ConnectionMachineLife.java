package dev.holdfast;

import static dev.holdfast.ConnectionMachinePropertyTest.legalIn;

import dev.holdfast.ConnectionMachine.Action;
import dev.holdfast.ConnectionMachinePropertyTest.Input;
import dev.holdfast.ConnectionMachinePropertyTest.Step;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** One client from its start to its end, its adapter, and what is known of it without looking into the machine. */
final class ConnectionMachineLife {
    private static final long MS = 1_000_000;

    private record Event(
            Input input, long number, long now, boolean forGood, long noEarlier, List<InetSocketAddress> found) {
        static Event of(Input input, long number, long now) {
            return new Event(input, number, now, false, 0, List.of());
        }
    }

    /** All that can be seen of a machine. */
    private record Seen(
            ConnectionState state,
            long round,
            long epoch,
            int failures,
            long delay,
            boolean moves,
            @Nullable InetSocketAddress address) {
        static Seen of(ConnectionMachine machine, boolean resolved) {
            return new Seen(
                    machine.state(),
                    machine.round(),
                    machine.epoch(),
                    machine.failures(),
                    machine.delayNanos(),
                    machine.moves(),
                    resolved ? machine.address() : null);
        }
    }

    private static final List<InetSocketAddress> HOSTS = List.of("a", "b", "c", "d", "e").stream()
            .map(name -> InetSocketAddress.createUnresolved(name, 7000))
            .toList();
    private static final List<Input> INPUTS = List.of(Input.values());
    private static final long RESOLVE = 3 * MS;
    private static final long CONNECT = 5 * MS;
    private static final long HANDSHAKE = 7 * MS;

    private final SplittableRandom random;
    private final String name;
    private final Map<Step, Integer> steps;
    private final long first;
    private final long max;
    private final boolean fixed;
    private final boolean reconnects;
    private final long stable;
    private final boolean unlucky;
    private final ConnectionMachine machine;
    private final List<Event> history = new ArrayList<>();
    private long now;

    /** The epoch of the transport that exists; 0: none. */
    private long transport;

    private boolean up;
    private boolean ending;
    private boolean moving;
    private boolean atOnce;
    private boolean ownWish;
    private long upSince;
    private int failures;
    private int ends;
    private int tried;
    private List<InetSocketAddress> order = List.of();
    private @Nullable InetSocketAddress lastFailed;

    ConnectionMachineLife(SplittableRandom random, String name, Map<Step, Integer> steps) {
        this.random = random;
        this.name = name;
        this.steps = steps;
        first = random.nextLong(1, 1001) * MS;
        fixed = random.nextInt(8) == 0;
        max = fixed ? first : first + random.nextLong(60_000) * MS;
        reconnects = random.nextInt(10) != 0;
        stable = random.nextLong(1, 60_000) * MS;
        unlucky = random.nextInt(10) == 0;
        now = random.nextInt(4) == 0 ? Long.MAX_VALUE - random.nextLong(stable) : random.nextLong();
        Duration atFirst = Duration.ofNanos(first);
        machine = new ConnectionMachine(
                ReconnectOptions.builder()
                        .backoff(fixed ? Backoff.fixed(atFirst) : Backoff.exponential(atFirst, Duration.ofNanos(max)))
                        .stableAfter(Duration.ofNanos(stable))
                        .reconnect(reconnects)
                        .build(),
                random.split());
    }

    void run() {
        int length = random.nextInt(unlucky ? 200 : 60);
        for (int i = 0; i < length && machine.state() != ConnectionState.CLOSED; i++) {
            passTime();
            apply(random.nextInt(5) == 0 ? anyEvent() : fittingEvent());
        }
        heal();
        apply(Event.of(Input.END, 0, now));
        apply(Event.of(Input.ENDED, machine.epoch(), now)); // what drained is done
        verify(machine.state() == ConnectionState.CLOSED, "the end comes");
        for (int i = 0; i < 10; i++) {
            apply(anyEvent());
        }
        verify(ends == 1 && !up && transport == 0, "one END, and nothing is left");
    }

    private void passTime() {
        now += switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> random.nextLong(stable);
            case 2 -> random.nextLong(10 * MS);
            default -> up ? Math.max(0, upSince + stable - now + random.nextInt(-1, 2)) : 1;
        };
    }

    /** One that means something in this state. */
    private Event fittingEvent() {
        ConnectionState state = machine.state();
        List<Input> inputs = new ArrayList<>(legalIn(state).keySet());
        Input input = inputs.get(random.nextInt(inputs.size()));
        boolean tooEarly = input == Input.END && state != ConnectionState.DRAINING && random.nextInt(10) != 0;
        if (tooEarly || (unlucky && input == Input.HANDSHAKEN)) {
            input = inputs.get(0);
        }
        return event(input, input == Input.RESOLVED || input == Input.ROUND_FAILED ? machine.round() : machine.epoch());
    }

    private Event anyEvent() {
        Input input = INPUTS.get(random.nextInt(INPUTS.size()));
        long number = random.nextBoolean() ? machine.round() : machine.epoch();
        return event(input, number + random.nextInt(-3, 2));
    }

    private Event event(Input input, long number) {
        boolean ended = input == Input.ENDED;
        boolean forGood = ended && random.nextInt(30) == 0;
        long noEarlier = ended && random.nextInt(8) == 0 ? random.nextLong(1, 5000 * MS) : 0;
        return new Event(input, number, now, forGood, noEarlier, input == Input.RESOLVED ? found() : HOSTS);
    }

    private List<InetSocketAddress> found() {
        List<InetSocketAddress> found = new ArrayList<>(HOSTS);
        found.addAll(HOSTS);
        Collections.shuffle(found, new Random(random.nextLong()));
        return found.subList(0, random.nextInt(7));
    }

    /** All goes well from now on: up after one wait, one resolution, one connect and one handshake. */
    private void heal() {
        Set<ConnectionState> passed = EnumSet.noneOf(ConnectionState.class);
        boolean expected =
                machine.state() != ConnectionState.CLOSED && (machine.state() != ConnectionState.DRAINING || moving);
        long healed = now;
        long delay = 0;
        ConnectionState state = machine.state();
        while (expected && state != ConnectionState.UP) {
            verify(passed.add(state), "healed, and nothing is done twice");
            delay += state == ConnectionState.WAITING ? machine.delayNanos() : 0;
            now += switch (state) {
                case RESOLVING -> RESOLVE;
                case CONNECTING -> CONNECT;
                case HANDSHAKING -> HANDSHAKE;
                case WAITING -> machine.delayNanos();
                case IDLE, UP, DRAINING, CLOSED -> 0;
            };
            Input input = switch (state) {
                case IDLE -> Input.START;
                case RESOLVING -> Input.RESOLVED;
                case CONNECTING -> Input.CONNECTED;
                case HANDSHAKING -> Input.HANDSHAKEN;
                case WAITING -> Input.WAITED;
                case UP, DRAINING, CLOSED -> Input.ENDED;
            };
            long number = input == Input.RESOLVED ? machine.round() : machine.epoch();
            apply(new Event(input, number, now, false, 0, HOSTS));
            state = machine.state();
        }
        verify(!expected || up, "healed, and it is up");
        verify(now - healed <= delay + RESOLVE + CONNECT + HANDSHAKE, "back in time");
    }

    private void apply(Event event) {
        history.add(event);
        boolean resolved = !order.isEmpty();
        Seen before = Seen.of(machine, resolved);
        Set<ConnectionState> legal = legalIn(before.state).getOrDefault(event.input, Set.of());
        Action action = feed(event, before, !legal.isEmpty());
        ConnectionState state = machine.state();
        boolean waits = before.state == ConnectionState.WAITING && before.delay == 0;
        boolean alone = before.state == ConnectionState.UP && !reconnects; // no other would follow
        boolean already = event.input == Input.RECONNECT_NOW && (waits || alone);
        if (legal.isEmpty() || already || !isPresent(event, before)) {
            verify(action == Action.NONE && before.equals(Seen.of(machine, resolved)), "nothing changes");
            return;
        }
        verify(legal.contains(state), "the step is legal");
        steps.merge(new Step(before.state, event.input, state), 1, Integer::sum);
        verify(action == ConnectionMachineTest.actionFor(state), "the action is that of the state");
        verify(machine.round() == before.round + (action == Action.RESOLVE ? 1 : 0), "rounds count up");
        verify(machine.epoch() == before.epoch + (action == Action.CONNECT ? 1 : 0), "epochs count up");
        boolean toSome = event.input == Input.RESOLVED && !event.found.isEmpty();
        verify(!toSome || state == ConnectionState.CONNECTING, "what was found is tried");
        switch (state) {
            case CONNECTING -> checkConnect(event);
            case WAITING -> checkWait(before.state, event);
            case UP -> checkUp();
            case DRAINING -> checkDrain(event);
            case CLOSED -> checkEnd(before.state, event);
            case IDLE, RESOLVING, HANDSHAKING -> {}
        }
        checkAdapter(action, state);
    }

    private static boolean isPresent(Event event, Seen before) {
        return switch (event.input) {
            case RESOLVED, ROUND_FAILED -> event.number == before.round;
            case CONNECTED, HANDSHAKEN, ENDED -> event.number == before.epoch;
            case START, WAITED, RECONNECT_NOW, MOVE, END -> true;
        };
    }

    private Action feed(Event event, Seen before, boolean legal) {
        try {
            return switch (event.input) {
                case START -> machine.onStart();
                case WAITED -> machine.onWaited();
                case RESOLVED -> machine.onResolved(event.number, event.found);
                case CONNECTED -> {
                    machine.onConnected(event.number);
                    yield Action.NONE;
                }
                case HANDSHAKEN -> {
                    boolean isUp = machine.onHandshaken(event.number, event.now);
                    boolean came = before.state != ConnectionState.UP && machine.state() == ConnectionState.UP;
                    verify(isUp == came, "onHandshaken tells whether it is up by it");
                    yield Action.NONE;
                }
                case ENDED -> machine.onEnded(event.number, event.now, event.forGood, event.noEarlier);
                case ROUND_FAILED -> machine.onRoundFailed(event.number, true);
                case RECONNECT_NOW -> machine.onReconnectNow();
                case MOVE -> event.number % 4 == 0 ? machine.onOwnMove() : machine.onMove(event.number % 2 == 0);
                case END -> machine.onEnd();
            };
        } catch (IllegalStateException e) {
            boolean mayThrow = event.input == Input.START || before.state == ConnectionState.IDLE;
            verify(mayThrow && !legal, "only a start too much, and a user's wish before it, are refused");
            return Action.NONE;
        }
    }

    private void checkConnect(Event event) {
        if (event.input == Input.RESOLVED) {
            List<InetSocketAddress> found = event.found.stream().distinct().toList();
            int begin = found.indexOf(lastFailed) + 1;
            order = new ArrayList<>(found.subList(begin, found.size()));
            order.addAll(found.subList(0, begin));
            tried = 0;
        } else {
            verify(anotherIsLeft(event), "the next address only if there is one, and nobody said stop");
            lastFailed = order.get(tried - 1);
        }
        verify(machine.address().equals(order.get(tried)), "the addresses come in their order");
        tried++;
    }

    private boolean anotherIsLeft(Event event) {
        return event.input == Input.ENDED
                && !up
                && !event.forGood
                && (event.noEarlier == 0 || !reconnects)
                && tried < order.size();
    }

    private void checkWait(ConnectionState from, Event event) {
        if (event.input == Input.START || event.input == Input.RECONNECT_NOW) {
            verify(machine.delayNanos() == 0, "no delay if somebody wants it now");
        } else {
            verify(reconnects && !event.forGood && !ending && !anotherIsLeft(event), "there is to be another round");
            boolean wasStable = up && event.now - upSince >= stable;
            failures = wasStable ? 0 : failures;
            if ((wasStable || ownWish) && atOnce && event.noEarlier == 0) {
                verify(machine.delayNanos() == 0, "a stable connection moves at once, and any by our own wish");
            } else {
                failures++;
                checkDelay(event.noEarlier);
            }
            lost(from);
        }
        verify(machine.failures() == failures, "failures in a row");
    }

    private void checkDelay(long noEarlier) {
        long limit = first;
        for (int i = 1; i < failures && limit < max; i++) {
            limit *= 2;
        }
        limit = Math.min(limit, max);
        long delay = machine.delayNanos();
        verify(delay >= (fixed ? limit : 0) + noEarlier, "the delay is not too short");
        verify(delay <= limit + noEarlier, "the delay is not too long");
    }

    private void checkUp() {
        verify(!up, "up and down alternate");
        up = true;
        upSince = now;
    }

    private void checkDrain(Event event) {
        verify(up, "only what is up drains");
        ending |= event.input == Input.END;
        moving = !ending && reconnects;
        ownWish = event.input == Input.RECONNECT_NOW || (event.input == Input.MOVE && event.number % 4 == 0);
        atOnce = ownWish || (event.input == Input.MOVE && event.number % 2 == 0);
        verify(machine.moves() == moving, "another follows, or not");
    }

    private void checkEnd(ConnectionState from, Event event) {
        verify(event.input == Input.END || ending || event.forGood || !reconnects, "no end without a reason");
        verify(event.input == Input.END || !anotherIsLeft(event), "no end while there are addresses");
        verify(!machine.moves(), "nothing follows");
        ends++;
        verify(ends == 1, "one END");
        lost(from);
    }

    private void lost(ConnectionState from) {
        verify(up == (from == ConnectionState.UP || from == ConnectionState.DRAINING), "up and down alternate");
        if (from != ConnectionState.IDLE && from != ConnectionState.WAITING && from != ConnectionState.RESOLVING) {
            lastFailed = order.get(tried - 1);
        }
        up = false;
        moving = false;
        atOnce = false;
    }

    /** The adapter gives up what it has by CONNECT, RESOLVE, WAIT and END, and has one transport at most. */
    private void checkAdapter(Action action, ConnectionState state) {
        switch (action) {
            case CONNECT -> transport = machine.epoch();
            case RESOLVE, WAIT, END -> transport = 0;
            case NONE, DRAIN -> {}
        }
        boolean wanted = switch (state) {
            case CONNECTING, HANDSHAKING, UP, DRAINING -> true;
            case IDLE, RESOLVING, WAITING, CLOSED -> false;
        };
        verify(transport == (wanted ? machine.epoch() : 0), "one transport, that of the present epoch, or none");
        verify(up == (state == ConnectionState.UP || state == ConnectionState.DRAINING), "up is up");
    }

    private void verify(boolean holds, String rule) {
        if (!holds) {
            throw new AssertionError(rule + " (" + name + ", " + Seen.of(machine, !order.isEmpty()) + "): " + history);
        }
    }
}
