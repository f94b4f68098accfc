package dev.holdfast.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * A row of the table of costs.
 *
 * @param what was measured
 * @param unit of all numbers
 * @param target a limit of the median, or none
 * @param limit of the target
 * @param rounds what each round found, the smallest first
 */
record Cost(String what, String unit, Target target, double limit, List<Double> rounds) {
    /** Below the precision of what is measured. */
    private static final double NOTHING = 0.005;

    /** Which side of the limit is the right one. */
    enum Target {
        /** The limit or less. */
        AT_MOST("<= "),
        /** The limit or more. */
        AT_LEAST(">= "),
        /** It is only told. */
        NONE("");

        private final String sign;

        Target(String sign) {
            this.sign = sign;
        }
    }

    static Cost atMost(String what, String unit, double limit, double... rounds) {
        return new Cost(what, unit, Target.AT_MOST, limit, sorted(rounds));
    }

    static Cost atLeast(String what, String unit, double limit, double... rounds) {
        return new Cost(what, unit, Target.AT_LEAST, limit, sorted(rounds));
    }

    static Cost withoutTarget(String what, String unit, double... rounds) {
        return new Cost(what, unit, Target.NONE, 0, sorted(rounds));
    }

    boolean isMet() {
        return switch (target) {
            case AT_MOST -> median() <= limit + NOTHING;
            case AT_LEAST -> median() >= limit;
            case NONE -> true;
        };
    }

    /** In Markdown. */
    String row() {
        boolean told = target == Target.NONE;
        return String.join(
                " | ",
                "| " + what,
                told ? "" : target.sign + String.format(Locale.ROOT, "%.0f", limit) + " " + unit,
                number(median()) + " " + unit,
                rounds.size() == 1 ? "" : number(rounds.get(0)) + " to " + number(rounds.get(rounds.size() - 1)),
                (told ? "" : isMet() ? "met" : "**missed**") + " |");
    }

    private static List<Double> sorted(double... rounds) {
        return Arrays.stream(rounds).sorted().boxed().toList();
    }

    private double median() {
        int middle = rounds.size() / 2;
        return rounds.size() % 2 == 1 ? rounds.get(middle) : (rounds.get(middle - 1) + rounds.get(middle)) / 2;
    }

    private static String number(double value) {
        double shown = Math.abs(value) < NOTHING ? 0 : value; // no minus before a zero
        return String.format(Locale.ROOT, Math.abs(shown) < 100 && shown != 0 ? "%.1f" : "%.0f", shown);
    }
}
