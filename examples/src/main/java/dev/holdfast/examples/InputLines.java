package dev.holdfast.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** The lines of standard input, one after the other. */
final class InputLines {
    private static final int LONGEST = 1 << 20;

    private InputLines() {}

    /** Gives each line, without its end, until standard input ends; a line over {@value #LONGEST} characters comes in pieces. */
    static void forEach(EventLog log, Consumer<String> taker) {
        Reader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        StringBuilder line = new StringBuilder();
        try {
            for (int next = in.read(); next >= 0; next = in.read()) {
                if (next != '\n') {
                    line.append((char) next);
                }
                if (next == '\n' || line.length() == LONGEST) {
                    taker.accept(line.toString());
                    line.setLength(0);
                }
            }
            if (!line.isEmpty()) {
                taker.accept(line.toString());
            }
        } catch (IOException unreadable) {
            log.warn("standard input: " + unreadable.getMessage() + " (expected: lines to send)");
        }
    }
}
