package dev.holdfast.epoll;

import dev.holdfast.verdict.TcpSnapshot;
import io.netty.channel.unix.Socket;
import io.netty.util.concurrent.FastThreadLocal;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Reads the kernel's {@code tcp_info}. Netty does not tell how many bytes the kernel wrote, so that is found out once: two
 * buffers full of different filling bytes are passed, and what the kernel leaves as it was in both is beyond its end.
 */
final class TcpInfo {
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_INFO = 11;
    /** More than any kernel returns: 280 bytes in Linux 6.18. */
    private static final int CAPACITY = 512;

    private static final byte FILL_A = (byte) 0xa5;
    private static final byte FILL_B = 0x5a;

    private static final FastThreadLocal<ByteBuffer> BUFFER = new FastThreadLocal<>() {
        @Override
        protected ByteBuffer initialValue() {
            return ByteBuffer.allocateDirect(CAPACITY);
        }
    };

    // The kernel's length of tcp_info: written by whichever thread finds it out first, the same for all; 0 is not
    // known.
    private static volatile int length;

    private TcpInfo() {}

    static TcpSnapshot sample(Socket socket) throws IOException {
        int known = length;
        if (known == 0) {
            known = kernelLength(read(socket, FILL_A), FILL_A, read(socket, FILL_B), FILL_B);
            length = known;
        }
        ByteBuffer buffer = BUFFER.get();
        read(socket, buffer);
        return TcpSnapshot.of(buffer, known);
    }

    /** One past the last byte that differs from its filling in either buffer. */
    static int kernelLength(byte[] a, byte fillA, byte[] b, byte fillB) {
        int end = a.length;
        while (end > 0 && a[end - 1] == fillA && b[end - 1] == fillB) {
            end--;
        }
        return end;
    }

    private static byte[] read(Socket socket, byte fill) throws IOException {
        ByteBuffer buffer = BUFFER.get();
        byte[] bytes = new byte[CAPACITY];
        java.util.Arrays.fill(bytes, fill);
        buffer.put(0, bytes);
        read(socket, buffer);
        buffer.get(0, bytes);
        return bytes;
    }

    private static void read(Socket socket, ByteBuffer buffer) throws IOException {
        socket.getRawOpt(IPPROTO_TCP, TCP_INFO, buffer); // leaves the position at the limit
        buffer.clear();
    }
}
