package dev.holdfast.examples.lab;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One trial as a picture in SVG: time from top to bottom, the client on the left, the server on the right. */
final class Picture {
    private static final int WIDTH = 1000;
    private static final int CLIENT = 350;
    private static final int SERVER = 690;
    private static final int ROUTER = (CLIENT + SERVER) / 2;
    private static final int LINE = 20;
    private static final int TOP = 60;
    private static final int MOST_LINES = 45;
    private static final int MOST_CHARACTERS = 42;
    /** What follows the end is drawn for so long: an answer that comes too late among it. */
    private static final long AFTERWARDS = TimeUnit.MILLISECONDS.toNanos(2500);

    private static final String BLUE = "#36c";
    private static final String RED = "#b00";
    private static final Pattern FLAGS = Pattern.compile("Flags \\[([^]]*)\\](?:, seq (\\d+)(?::(\\d+))?)?");
    private static final Pattern CAUSE = Pattern.compile("dead cause=\"(\\w+)\".*");

    private final Trial.Result result;
    /** By direction: up to where its sequence has gone. */
    private final Map<Boolean, Long> sent = new HashMap<>();

    Picture(Trial.Result result) {
        this.result = result;
    }

    static String fileName(Trial trial) {
        return "fault-lab-" + trial.scenario().name() + ".svg";
    }

    String svg() {
        List<Timelines.Line> lines = lines();
        int height = TOP + lines.size() * LINE + 30;
        StringBuilder svg = new StringBuilder();
        svg.append(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %1$d %2$d\" font-family=\"sans-serif\""
                        + " font-size=\"11\"><rect width=\"%1$d\" height=\"%2$d\" fill=\"white\"/>%n",
                WIDTH,
                height));
        text(svg, 10, 18, "start", "black", result.trial().name() + ": " + result.named());
        text(svg, CLIENT, 45, "middle", "black", "client");
        text(svg, ROUTER, 45, "middle", "#888", "router");
        text(svg, SERVER, 45, "middle", "black", "server");
        line(svg, CLIENT, 50, CLIENT, height - 10, "#888");
        line(svg, SERVER, 50, SERVER, height - 10, "#888");
        long start = lines.isEmpty() ? 0 : lines.get(0).nanos();
        int y = TOP;
        for (Timelines.Line each : lines) {
            text(svg, 55, y, "end", "#555", String.format(Locale.ROOT, "%.3f s", (each.nanos() - start) / 1e9));
            draw(svg, each, y);
            y += LINE;
        }
        return svg.append("</svg>\n").toString();
    }

    /** Without samples, and what a NAT made of a packet, which is the same packet. */
    private List<Timelines.Line> lines() {
        List<Timelines.Line> all = Timelines.of(result).stream()
                .filter(each -> !each.who().equals("tcp_info") && !each.who().equals(Timelines.STALL))
                .filter(each -> !each.text().startsWith("listening"))
                .filter(each -> !each.who().equals(Packets.Fate.TRANSLATED.text()))
                .toList();
        long last = result.played().map(Trial.Played::happenings).orElse(List.of()).stream()
                .mapToLong(Stage.Happening::nanos)
                .max()
                .orElse(Long.MAX_VALUE - AFTERWARDS);
        return all.stream()
                .filter(each -> each.nanos() <= last + AFTERWARDS)
                .limit(MOST_LINES)
                .toList();
    }

    private void draw(StringBuilder svg, Timelines.Line each, int y) {
        switch (each.who()) {
            case "client" -> text(svg, CLIENT - 8, y, "end", colour(each), shortened(plain(each.text())));
            case "server" -> text(svg, SERVER + 8, y, "start", "#060", shortened(each.text()));
            case "lab" -> text(svg, ROUTER, y, "middle", RED, each.text());
            default -> packet(svg, each, y);
        }
    }

    private static String plain(String event) {
        Matcher cause = CAUSE.matcher(event);
        return cause.matches() ? "dead: " + cause.group(1) : event;
    }

    /** A packet that is dropped ends at the router, one that the router makes begins there. */
    private void packet(StringBuilder svg, Timelines.Line each, int y) {
        String port = "." + result.played().map(Trial.Played::port).orElse(0) + ":";
        boolean toServer = each.text().contains(port);
        boolean dropped = each.who().equals(Packets.Fate.DROPPED.text());
        boolean made = each.who().equals(Packets.Fate.MADE.text());
        int side = toServer ? 1 : -1;
        int from = made ? ROUTER : toServer ? CLIENT : SERVER;
        int to = dropped ? ROUTER + side * 40 : toServer ? SERVER : CLIENT;
        String colour = dropped || made ? RED : BLUE;
        line(svg, from, y - 3, to, y + 1, colour);
        line(svg, to, y + 1, to - side * 7, y - 4, colour);
        if (dropped) {
            text(svg, to + side * 10, y + 4, "middle", RED, "\u2715");
        }
        text(svg, (from + to) / 2, y - 6, "middle", colour, label(each.text(), toServer));
    }

    /** In the words of the field; what tcpdump prints where there are none. */
    private String label(String packet, boolean toServer) {
        Matcher matcher = FLAGS.matcher(packet);
        if (!matcher.find()) {
            return shortened(packet);
        }
        long begin = matcher.group(2) == null ? 0 : Long.parseLong(matcher.group(2));
        long end = matcher.group(3) == null ? begin : Long.parseLong(matcher.group(3));
        long before = sent.getOrDefault(toServer, 1L);
        String flags = matcher.group(1);
        if (flags.startsWith("S")) {
            return flags.equals("S") ? "SYN" : "SYN/ACK";
        }
        if (flags.startsWith("R")) {
            return "RST";
        }
        sent.put(toServer, Math.max(before, end));
        if (flags.startsWith("F")) {
            return "FIN";
        }
        if (end == begin) {
            return begin < before ? "keepalive probe" : "ACK";
        }
        String bytes = end - begin == 1 ? "1 byte" : end - begin + " bytes";
        return end <= before ? bytes + " again" : bytes;
    }

    private static String colour(Timelines.Line each) {
        return each.text().startsWith("dead") || each.text().startsWith("closed") ? RED : "#006";
    }

    private static String shortened(String text) {
        return text.length() <= MOST_CHARACTERS ? text : text.substring(0, MOST_CHARACTERS - 1) + "…";
    }

    private static void text(StringBuilder svg, int x, int y, String anchor, String colour, String text) {
        String safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
        svg.append(String.format(
                Locale.ROOT,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" fill=\"%s\">%s</text>%n",
                x,
                y,
                anchor,
                colour,
                safe));
    }

    private static void line(StringBuilder svg, int x1, int y1, int x2, int y2, String colour) {
        svg.append(String.format(
                Locale.ROOT,
                "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\"/>%n",
                x1,
                y1,
                x2,
                y2,
                colour));
    }
}
