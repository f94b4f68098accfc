package dev.holdfast.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TableTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0 s",
        "1, 0.001 s",
        "500, 0.5 s",
        "10000, 10 s",
        "5625, 5.625 s",
        "100000, 100 s",
        "119999, 119.999 s",
        "120000, 2 min",
        "120001, 2 min 1 s",
        "924800, 15 min 25 s",
        "3600000, 1 h",
        "3599001, 1 h",
        "7875000, 2 h 11 min 15 s",
        "432000000, 120 h",
    })
    void text_isShort(long millis, String expected) {
        assertThat(Table.text(Duration.ofMillis(millis))).isEqualTo(expected);
    }

    @Test
    void of_columns_areAligned() {
        assertThat(Table.of(List.of(List.of("a", "bb", "c"), List.of("ddd", "e", "")), 1))
                .isEqualTo(String.join(System.lineSeparator(), "a    bb  c", "ddd   e"));
    }
}
