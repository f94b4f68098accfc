package dev.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The promises of README and docs about themselves: their examples are the ones that are compiled, and the README stays short. */
class ReadmeTest {
    private static final Path ROOT = Path.of("..");
    private static final String README = "README.md";
    private static final Path COMPILED = Path.of("src/main/java/dev/holdfast/examples");

    private static List<String> javaBlocks(String page) throws IOException {
        List<String> blocks = new ArrayList<>();
        Matcher block =
                Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(ROOT.resolve(page)));
        while (block.find()) {
            blocks.add(withoutIndentation(block.group(1)));
        }
        return blocks;
    }

    private static String withoutIndentation(String code) {
        return code.lines().map(String::strip).reduce("", (all, line) -> all + line + "\n");
    }

    private static List<String> compiled() throws IOException {
        List<String> sources = new ArrayList<>();
        try (Stream<Path> files = Files.list(COMPILED)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                sources.add(withoutIndentation(Files.readString(file)));
            }
        }
        return sources;
    }

    @ParameterizedTest
    @ValueSource(strings = {README, "docs/heartbeat.md"})
    void examples_areTheCompiledOnes(String page) throws IOException {
        List<String> compiled = compiled();
        assertThat(javaBlocks(page))
                .hasSizeGreaterThanOrEqualTo(3)
                .allSatisfy(block -> assertThat(compiled)
                        .anySatisfy(source -> assertThat(source).contains(block)));
    }

    @Test
    void firstExample_hasAtMostTenLines() throws IOException {
        assertThat(javaBlocks(README).get(0).lines().count()).isLessThanOrEqualTo(10);
    }

    @Test
    void length_isBetween600And1000Words() throws IOException {
        assertThat(Files.readString(ROOT.resolve(README)).split("\\s+").length).isBetween(600, 1000);
    }
}
