package dev.holdfast.epoll;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class TcpInfoTest {
    private static byte[] filled(byte fill, int length, byte... last) {
        byte[] bytes = new byte[16];
        Arrays.fill(bytes, length, bytes.length, fill);
        System.arraycopy(last, 0, bytes, length - last.length, last.length);
        return bytes;
    }

    @Test
    void kernelLength_isWhereBothFillingsBegin() {
        assertThat(TcpInfo.kernelLength(filled((byte) 1, 8), (byte) 1, filled((byte) 2, 8), (byte) 2))
                .isEqualTo(8);
        assertThat(TcpInfo.kernelLength(filled((byte) 1, 16), (byte) 1, filled((byte) 2, 16), (byte) 2))
                .isEqualTo(16);
    }

    @Test
    void kernelLength_countsAByteThatLooksLikeOneOfTheFillings() {
        byte[] a = filled((byte) 1, 8, (byte) 1);
        byte[] b = filled((byte) 2, 8, (byte) 1);
        assertThat(TcpInfo.kernelLength(a, (byte) 1, b, (byte) 2)).isEqualTo(8);
    }
}
