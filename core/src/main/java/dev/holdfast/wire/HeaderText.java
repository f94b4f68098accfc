package dev.holdfast.wire;

/** Eight bytes from the peer, written so that they can stand in a log. */
final class HeaderText {
    private HeaderText() {}

    /** The bytes in hexadecimal and as text, with a dot for what is not plain ASCII: {@code 4745...4854 "GET / HT"}. */
    static String of(long header) {
        StringBuilder text = new StringBuilder(hex(header)).append(" \"");
        for (int shift = 56; shift >= 0; shift -= 8) {
            text.append(printable((char) ((header >>> shift) & 0xFF)));
        }
        return text.append('"').toString();
    }

    /** The bytes in hexadecimal. */
    static String hex(long header) {
        return "%016x".formatted(header);
    }

    private static char printable(char character) {
        boolean plain = character >= ' ' && character <= '~' && character != '"' && character != '\\';
        return plain ? character : '.';
    }
}
