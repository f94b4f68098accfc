package dev.holdfast.examples.lab;

import java.util.ArrayList;
import java.util.List;

/** All scenarios. */
final class Catalogue {
    private Catalogue() {}

    static List<Scenario> all() {
        List<Scenario> all = new ArrayList<>(KernelRows.all());
        all.addAll(PathFaults.all());
        all.addAll(Cases.all());
        return all;
    }
}
