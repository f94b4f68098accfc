package dev.holdfast.examples;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** HOST:PORT as written on the command line; an IPv6 address stands in brackets. */
record Endpoint(String host, int port) {
    /** Resolves the name, for as long as the system's resolver takes. */
    InetSocketAddress resolve() throws UnknownHostException {
        return new InetSocketAddress(InetAddress.getByName(host), port);
    }

    @Override
    public String toString() {
        return host.contains(":") ? "[" + host + "]:" + port : host + ":" + port;
    }

    private static Endpoint parse(String text, String defaultHost, int lowestPort, String expected) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? defaultHost : text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.contains(":")) {
            host = "";
        }
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            if (!host.isEmpty() && port >= lowestPort && port <= 65535) {
                return new Endpoint(host, port);
            }
        } catch (NumberFormatException noNumber) {
            // said below, with the rule
        }
        throw new TypeConversionException("'" + text + "' (expected: " + expected + ")");
    }

    /** Where to connect to. */
    static final class Remote implements ITypeConverter<Endpoint> {
        @Override
        public Endpoint convert(String text) {
            return parse(text, "", 1, "HOST:PORT, port 1 to 65535, an IPv6 address in brackets");
        }
    }

    /** Where to listen. */
    static final class Local implements ITypeConverter<Endpoint> {
        @Override
        public Endpoint convert(String text) {
            return parse(text, "0.0.0.0", 0, "PORT or ADDRESS:PORT, port 0 to 65535, 0 takes a free one");
        }
    }
}
