package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The README's promises about itself: its examples are the ones that are compiled, and it stays short. */
class ReadmeTest {
    private static final Path README = Path.of("..", "README.md");
    private static final Path COMPILED = Path.of("src/main/java/dev/holdfast/examples/FirstSteps.java");

    private static List<String> javaBlocks() throws IOException {
        List<String> blocks = new ArrayList<>();
        Matcher block = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(README));
        while (block.find()) {
            blocks.add(block.group(1));
        }
        return blocks;
    }

    private static String withoutIndentation(String code) {
        return code.lines().map(String::strip).reduce("", (all, line) -> all + line + "\n");
    }

    @Test
    void examples_areTheCompiledOnes() throws IOException {
        String compiled = withoutIndentation(Files.readString(COMPILED));
        assertThat(javaBlocks()).hasSizeGreaterThanOrEqualTo(3);
        for (String block : javaBlocks()) {
            assertThat(compiled).contains(withoutIndentation(block));
        }
    }

    @Test
    void firstExample_hasAtMostTenLines() throws IOException {
        assertThat(javaBlocks().get(0).lines().count()).isLessThanOrEqualTo(10);
    }

    @Test
    void length_isBetween600And1000Words() throws IOException {
        assertThat(Files.readString(README).split("\\s+").length).isBetween(600, 1000);
    }
}
