package dev.holdfast.epoll;

import dev.holdfast.ResilientServer;
import dev.holdfast.socket.Transport;
import io.netty.buffer.ByteBuf;
import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A server that writes down the number of each message before its listener returns. It is told transport, protocol and file in its
 * first line, prints its port, and ends in order when it is told so.
 */
@SuppressWarnings("try") // what is closed early, or only held open, is what these tests are about
final class DeliveryServerProgram {
    private DeliveryServerProgram() {}

    @SuppressWarnings("SystemOut")
    public static void main(String[] arguments) throws IOException {
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String[] first = orders.readLine().split(" ", 3);
        Transport transport = Transport.all().stream()
                .filter(each -> each.name().equals(first[0]))
                .findFirst()
                .orElseThrow();
        DeliveryWire wire = DeliveryWire.valueOf(first[1]);
        ResilientServer.Builder builder = ResilientServer.builder(Loopback.anyPort());
        if (wire != DeliveryWire.FRAMED) {
            builder.executor(Runnable::run); // so that beats, too, are answered behind what was written down
        }
        try (FileOutputStream file = new FileOutputStream(first[2], true);
                ResilientServer server = wire.spokenBy(builder)
                        .transport(transport)
                        .onMessage(ByteBuf.class, (connection, message) -> write(file, DeliveryWire.idOf(message)))
                        .start()) {
            System.out.println("port " + server.localAddress().getPort());
            while (orders.readLine() != null) {
                server.close();
                System.out.println("ended");
            }
        }
    }

    private static void write(FileOutputStream file, long id) {
        try {
            file.write(ByteBuffer.allocate(Long.BYTES).putLong(id).array()); // with the kernel when this returns
        } catch (IOException full) {
            throw new UncheckedIOException(full);
        }
    }
}
