package dev.holdfast.examples.lab;

import java.util.List;
import java.util.Locale;

/** One trial as a picture in SVG: time from top to bottom, the client on the left, the server on the right. */
final class Picture {
    private static final int WIDTH = 960;
    private static final int CLIENT = 330;
    private static final int SERVER = 630;
    private static final int LINE = 17;
    private static final int TOP = 60;
    private static final int MOST_LINES = 60;
    private static final int MOST_CHARACTERS = 46;

    private final Trial.Result result;

    Picture(Trial.Result result) {
        this.result = result;
    }

    static String fileName(Trial trial) {
        return "fault-lab-" + trial.scenario().name() + ".svg";
    }

    String svg() {
        List<Timelines.Line> lines = Timelines.of(result).stream()
                .filter(each -> !each.who().equals("tcp_info"))
                .limit(MOST_LINES)
                .toList();
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

    private void draw(StringBuilder svg, Timelines.Line each, int y) {
        switch (each.who()) {
            case "client" -> text(svg, CLIENT - 8, y, "end", colour(each), shortened(each.text()));
            case "server" -> text(svg, SERVER + 8, y, "start", "#060", shortened(each.text()));
            case "lab" -> text(svg, (CLIENT + SERVER) / 2, y, "middle", "#b00", each.text());
            default -> packet(svg, each, y);
        }
    }

    private void packet(StringBuilder svg, Timelines.Line each, int y) {
        String port = "." + result.played().map(Trial.Played::port).orElse(0) + ":";
        boolean toServer = each.text().contains(port);
        int from = toServer ? CLIENT : SERVER;
        int to = toServer ? SERVER : CLIENT;
        line(svg, from, y - 4, to, y, "#36c");
        line(svg, to, y, to + (toServer ? -7 : 7), y - 5, "#36c");
        text(svg, (CLIENT + SERVER) / 2, y - 4, "middle", "#36c", flags(each.text()));
    }

    private static String flags(String packet) {
        int at = packet.indexOf("Flags");
        return at < 0 ? packet : shortened(packet.substring(at).replaceAll(", (win|options|ack).*(, length)", "$2"));
    }

    private static String colour(Timelines.Line each) {
        return each.text().startsWith("dead") || each.text().startsWith("closed") ? "#b00" : "#006";
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
