package dev.holdfast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class KernelSettingsTest {
    @Test
    void linuxDefaults_areThoseOfTheKernel() {
        KernelSettings defaults = KernelSettings.linuxDefaults();

        assertThat(defaults.keepAliveTime()).isEqualTo(Duration.ofSeconds(7200));
        assertThat(defaults.keepAliveInterval()).isEqualTo(Duration.ofSeconds(75));
        assertThat(defaults.keepAliveProbes()).isEqualTo(9);
        assertThat(defaults.retries2()).isEqualTo(15);
        assertThat(defaults.orphanRetries()).isZero();
        assertThat(defaults.synRetries()).isEqualTo(6);
        assertThat(defaults.synLinearTimeouts()).isEqualTo(4);
        assertThat(defaults.rtoMax()).isEqualTo(Duration.ofSeconds(120));
        assertThat(defaults.rtoMin()).isEqualTo(Duration.ofMillis(200));
        assertThat(defaults.timerFrequency()).isEqualTo(250);
        assertThat(defaults.release()).isEmpty();
        assertThat(defaults.source()).isEqualTo("Linux defaults");
    }

    @Test
    void parse_sysctlOutput_takesWhatIsOfUseAndNamesTheRest() {
        KernelSettings settings = KernelSettings.parse("""
                # a comment
                ; another

                abi.vsyscall32 = 1
                dev.cdrom.info =
                dev.cdrom.info = drive name:
                  net.ipv4.tcp_retries2 = 5
                net.ipv4.tcp_keepalive_time=60
                -net/ipv4/tcp_keepalive_intvl = 10
                net.ipv4.tcp_rmem = 4096 131072 6291456
                kernel.osrelease = 6.1.0-31-amd64
                CONFIG_HZ=1000
                """, "box.txt");

        assertThat(settings.retries2()).isEqualTo(5);
        assertThat(settings.keepAliveTime()).isEqualTo(Duration.ofSeconds(60));
        assertThat(settings.keepAliveInterval()).isEqualTo(Duration.ofSeconds(10));
        assertThat(settings.release()).contains("6.1.0-31-amd64");
        assertThat(settings.timerFrequency()).isEqualTo(1000);
        assertThat(settings.synLinearTimeouts()).as("Linux 6.1 has none").isZero();
        assertThat(settings.source()).isEqualTo("box.txt");
        assertThat(settings.unusedKeys()).containsExactly("abi.vsyscall32", "dev.cdrom.info", "net.ipv4.tcp_rmem");
        assertThat(settings.assumedKeys())
                .containsExactly(
                        "net.ipv4.tcp_keepalive_probes",
                        "net.ipv4.tcp_orphan_retries",
                        "net.ipv4.tcp_syn_retries",
                        "net.ipv4.tcp_syn_linear_timeouts",
                        "net.ipv4.tcp_rto_max_ms",
                        "net.ipv4.tcp_rto_min_us");
    }

    @ParameterizedTest
    @CsvSource({"6.4.16, 0", "6.5.0, 4", "5.15.0-100-generic, 0", "7.0.0, 4", "nonsense, 4", "'', 4"})
    void parse_release_tellsWhetherSynsAreLinear(String release, int linear) {
        KernelSettings settings =
                KernelSettings.parse("net.ipv4.tcp_retries2 = 15\nkernel.osrelease = " + release, "x");

        assertThat(settings.synLinearTimeouts()).isEqualTo(linear);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "net.ipv4.tcp_retries2|box, line 1: 'net.ipv4.tcp_retries2' (expected: KEY = VALUE",
                "= 5|box, line 1: '= 5' (expected: KEY = VALUE",
                "net.ipv4.tcp_retries2 = five|box, line 1: 'net.ipv4.tcp_retries2 = five' (expected: a whole number from 0 to 255",
                "net.ipv4.tcp_retries2 =|(expected: a whole number from 0 to 255)",
                "net.ipv4.tcp_retries2 = 5 6|(expected: a whole number from 0 to 255)",
                "net.ipv4.tcp_retries2 = 5.0|(expected: a whole number from 0 to 255)",
                "net.ipv4.tcp_retries2 = 99999999999999999999|(expected: a whole number from 0 to 255)",
                "net.core.somaxconn = 4096|box: none of its 1 keys is of use here (expected: lines as net.ipv4.tcp_retries2 = 15",
                "''|box: none of its 0 keys is of use here",
            })
    void parse_malformed_namesSourceLineValueAndRule(String text, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> KernelSettings.parse(text, "box"))
                .withMessageContaining(message);
    }

    @Test
    void parse_settingTwice_isRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> KernelSettings.parse("net.ipv4.tcp_retries2 = 5\n\nnet/ipv4/tcp_retries2 = 5\n", "box"))
                .withMessage("box, line 3: 'net/ipv4/tcp_retries2 = 5'"
                        + " (expected: each setting once; it is in line 1 already)");
    }

    @Test
    void parse_controlCharacters_areNotRepeated() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> KernelSettings.parse("\u001b[2Jnonsense" + "x".repeat(100), "box"))
                .withMessageContaining("'?[2Jnonsense" + "x".repeat(48) + "'");
    }

    @ParameterizedTest
    @EnumSource(Sysctl.class)
    void parse_range_belowAtAndAbove(Sysctl sysctl) {
        String line = "net.ipv4.tcp_retries1 = 3\n" + (sysctl == Sysctl.HZ ? "net.ipv4.tcp_retries2 = 1\n" : "")
                + sysctl.key + " = ";

        assertThat(KernelSettings.parse(line + sysctl.min, "x").get(sysctl)).isEqualTo(sysctl.min);
        assertThat(KernelSettings.parse(line + sysctl.max, "x").get(sysctl)).isEqualTo(sysctl.max);
        for (long bad : new long[] {sysctl.min - 1L, sysctl.max + 1L}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> KernelSettings.parse(line + bad, "x"))
                    .withMessageContaining(sysctl.key + " = " + bad)
                    .withMessageContaining("from " + sysctl.min + " to " + sysctl.max);
        }
    }

    /** The builder keeps the same ranges, in its own units. */
    @Test
    void builder_range_belowAtAndAbove() {
        durations(Sysctl.KEEPALIVE_TIME, Duration.ofSeconds(1), KernelSettings.Builder::keepAliveTime);
        durations(Sysctl.KEEPALIVE_INTERVAL, Duration.ofSeconds(1), KernelSettings.Builder::keepAliveInterval);
        durations(Sysctl.RTO_MAX_MS, Duration.ofMillis(1), KernelSettings.Builder::rtoMax);
        durations(Sysctl.RTO_MIN_US, Duration.ofNanos(1000), KernelSettings.Builder::rtoMin);
        numbers(Sysctl.KEEPALIVE_PROBES, KernelSettings.Builder::keepAliveProbes);
        numbers(Sysctl.RETRIES2, KernelSettings.Builder::retries2);
        numbers(Sysctl.ORPHAN_RETRIES, KernelSettings.Builder::orphanRetries);
        numbers(Sysctl.SYN_RETRIES, KernelSettings.Builder::synRetries);
        numbers(Sysctl.SYN_LINEAR_TIMEOUTS, KernelSettings.Builder::synLinearTimeouts);
        numbers(Sysctl.HZ, KernelSettings.Builder::timerFrequency);
    }

    private static void numbers(
            Sysctl sysctl, BiFunction<KernelSettings.Builder, Integer, KernelSettings.Builder> set) {
        for (int good : new int[] {sysctl.min, sysctl.max}) {
            assertThat(set.apply(KernelSettings.builder(), good).build().get(sysctl))
                    .isEqualTo(good);
        }
        for (int bad : new int[] {sysctl.min - 1, sysctl.max + 1}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> set.apply(KernelSettings.builder(), bad))
                    .withMessageContaining(sysctl.key + ": " + bad);
        }
    }

    private static void durations(
            Sysctl sysctl, Duration unit, BiFunction<KernelSettings.Builder, Duration, KernelSettings.Builder> set) {
        for (int good : new int[] {sysctl.min, sysctl.max}) {
            assertThat(set.apply(KernelSettings.builder(), unit.multipliedBy(good))
                            .build()
                            .get(sysctl))
                    .isEqualTo(good);
        }
        for (Duration bad : new Duration[] {
            unit.multipliedBy(sysctl.min - 1L),
            unit.multipliedBy(sysctl.max + 1L),
            unit.multipliedBy(sysctl.min).plusNanos(1),
            Duration.ofSeconds(Long.MAX_VALUE),
            Duration.ofSeconds(Long.MIN_VALUE)
        }) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> set.apply(KernelSettings.builder(), bad))
                    .withMessageContaining(sysctl.key + ": " + bad);
        }
    }

    @Test
    void read_absentFile_fails(@TempDir Path folder) {
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(() -> KernelSettings.read(folder.resolve("absent")));
    }

    @Test
    void read_folder_fails(@TempDir Path folder) {
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> KernelSettings.read(folder));
    }

    @Test
    void read_noText_fails(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("binary"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> KernelSettings.read(file))
                .withMessage("no text in UTF-8");
    }

    @Test
    void read_size_atAndAboveTheLimit(@TempDir Path folder) throws IOException {
        String setting = "net.ipv4.tcp_retries2 = 7\n#";
        String filling = "x".repeat((4 << 20) - setting.length());
        Path fits = Files.writeString(folder.resolve("fits"), setting + filling);
        Path tooLong = Files.writeString(folder.resolve("long"), setting + filling + "x");

        assertThat(KernelSettings.read(fits).retries2()).isEqualTo(7);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> KernelSettings.read(tooLong))
                .withMessageContaining("longer than");
    }

    private static void proc(Path proc, Map<String, String> ipv4, String release) throws IOException {
        Path folder = Files.createDirectories(proc.resolve("sys/net/ipv4"));
        for (Map.Entry<String, String> file : ipv4.entrySet()) {
            Files.writeString(folder.resolve(file.getKey()), file.getValue() + "\n");
        }
        Path kernel = Files.createDirectories(proc.resolve("sys/kernel"));
        Files.writeString(kernel.resolve("osrelease"), release + "\n");
    }

    @Test
    void current_oldKernel_lacksWhatItLacks(@TempDir Path root) throws IOException {
        proc(root, Map.of("tcp_keepalive_time", "600", "tcp_retries2", "8", "tcp_syn_retries", "5"), "6.8.0");
        Path boot = Files.createDirectories(root.resolve("boot"));
        Files.writeString(boot.resolve("config-6.8.0"), "CONFIG_NO_HZ=y\nCONFIG_HZ_1000=y\nCONFIG_HZ=1000\n");

        KernelSettings settings = ProcSettings.read(root, boot);

        assertThat(settings.keepAliveTime()).isEqualTo(Duration.ofSeconds(600));
        assertThat(settings.retries2()).isEqualTo(8);
        assertThat(settings.synRetries()).isEqualTo(5);
        assertThat(settings.synLinearTimeouts())
                .as("no file, no linear timeouts")
                .isZero();
        assertThat(settings.rtoMax()).isEqualTo(Duration.ofSeconds(120));
        assertThat(settings.release()).contains("6.8.0");
        assertThat(settings.timerFrequency()).isEqualTo(1000);
        assertThat(settings.assumedKeys())
                .contains("net.ipv4.tcp_rto_max_ms")
                .doesNotContain("net.ipv4.tcp_retries2", "CONFIG_HZ");
        assertThat(settings.source()).isEqualTo(root.resolve("sys/net/ipv4").toString());
    }

    @Test
    void current_configInProc_givesTheFrequency(@TempDir Path root) throws IOException {
        proc(root, Map.of("tcp_retries2", "8"), "6.18.0");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream zip = new GZIPOutputStream(bytes)) {
            zip.write("CONFIG_HZ_300=y\nCONFIG_HZ=300\n".getBytes(StandardCharsets.US_ASCII));
        }
        Files.write(root.resolve("config.gz"), bytes.toByteArray());

        assertThat(ProcSettings.read(root, root).timerFrequency()).isEqualTo(300);
    }

    @Test
    void current_brokenConfig_isAsNone(@TempDir Path root) throws IOException {
        proc(root, Map.of("tcp_retries2", "8"), "6.18.0");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream zip = new GZIPOutputStream(bytes)) {
            zip.write(new byte[100_000]);
        }
        Files.write(root.resolve("config.gz"), java.util.Arrays.copyOf(bytes.toByteArray(), 50));

        KernelSettings settings = ProcSettings.read(root, root);

        assertThat(settings.timerFrequency()).isEqualTo(250);
        assertThat(settings.assumedKeys()).contains("CONFIG_HZ");
    }

    @Test
    void current_valueOutOfRange_namesTheFile(@TempDir Path root) throws IOException {
        proc(root, Map.of("tcp_keepalive_time", "-1"), "6.18.0");

        assertThatIllegalArgumentException()
                .isThrownBy(() -> ProcSettings.read(root, root))
                .withMessageContaining(root.resolve("sys/net/ipv4/tcp_keepalive_time") + ": -1 (expected: ");
    }

    @Test
    void current_noProc_isTheDefaultsAndSaysSo(@TempDir Path root) {
        KernelSettings settings = ProcSettings.read(root, root);

        assertThat(settings).isEqualTo(KernelSettings.linuxDefaults());
        assertThat(settings.source()).startsWith("Linux defaults, as this system has no ");
        assertThat(settings.assumedKeys()).hasSize(Sysctl.values().length);
    }

    @Test
    void current_here_isReadable() {
        assertThat(KernelSettings.current().values()).hasSize(Sysctl.values().length);
    }

    @Test
    void toBuilder_unchanged_buildsAnEqualValue() {
        KernelSettings settings = KernelSettings.builder()
                .retries2(7)
                .rtoMax(Duration.ofSeconds(5))
                .release("6.15.1")
                .build();

        assertThat(settings.toBuilder().build()).isEqualTo(settings).hasSameHashCodeAs(settings);
        assertThat(settings)
                .isNotEqualTo(settings.toBuilder().retries2(8).build())
                .isNotEqualTo(settings.toBuilder().release("6.15.2").build())
                .isNotEqualTo(Objects.toString(settings));
        assertThat(settings.toString())
                .startsWith("KernelSettings[given, Linux 6.15.1: net.ipv4.tcp_keepalive_time=7200, ")
                .contains("net.ipv4.tcp_retries2=7", "net.ipv4.tcp_rto_max_ms=5000");
    }
}
