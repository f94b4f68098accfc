package dev.holdfast;

import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.target;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import dev.holdfast.socket.Transport;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The rules that hold the plan of the house: who may use whom, where time comes from, what the API consists of. */
class ArchitectureTest {
    private static final Path MAIN = mainClasses();
    private static final JavaClasses CLASSES = new ClassFileImporter().importPath(MAIN);

    /** What reads a clock of the system or waits; the epoll module's test has the same list. */
    private static final Pattern CLOCK_OR_SLEEP = Pattern.compile(String.join(
            "|",
            "java\\.lang\\.System\\.(currentTimeMillis|nanoTime)",
            "java\\.lang\\.Thread\\.sleep",
            "java\\.util\\.concurrent\\.TimeUnit\\.sleep",
            "java\\.util\\.concurrent\\.locks\\.LockSupport\\.park(Nanos|Until)",
            "java\\.time\\.\\w+\\.now",
            "java\\.time\\.Clock\\.(system|tick)\\w*",
            "java\\.util\\.Date\\.<init>",
            "java\\.util\\.Calendar\\.getInstance"));

    @Test
    void layers_arrowsPointDownOnly() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .withOptionalLayers(true)
                .layer("root")
                .definedBy("dev.holdfast", "dev.holdfast.internal..")
                .layer("policy")
                .definedBy("dev.holdfast.policy..")
                .layer("heartbeat")
                .definedBy("dev.holdfast.heartbeat..")
                .layer("socket")
                .definedBy("dev.holdfast.socket..")
                .layer("verdict")
                .definedBy("dev.holdfast.verdict..")
                .layer("wire")
                .definedBy("dev.holdfast.wire..")
                .whereLayer("root")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("policy")
                .mayOnlyAccessLayers("heartbeat", "socket", "verdict")
                .whereLayer("heartbeat")
                .mayOnlyAccessLayers("socket", "verdict", "wire")
                .whereLayer("socket")
                .mayOnlyAccessLayers("verdict")
                .whereLayer("verdict")
                .mayNotAccessAnyLayer()
                .whereLayer("wire")
                .mayNotAccessAnyLayer()
                .check(CLASSES);
    }

    @Test
    void packages_everyOneBelongsToALayer() {
        classes()
                .should()
                .resideInAnyPackage(
                        "dev.holdfast",
                        "dev.holdfast.internal..",
                        "dev.holdfast.policy..",
                        "dev.holdfast.heartbeat..",
                        "dev.holdfast.socket..",
                        "dev.holdfast.verdict..",
                        "dev.holdfast.wire..")
                .check(CLASSES);
    }

    @Test
    void core_doesNotKnowEpoll() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.netty.channel.epoll..", "dev.holdfast.epoll..")
                .check(CLASSES);
    }

    @Test
    void time_comesFromTheTickerAlone() {
        noClasses()
                .should()
                .accessTargetWhere(target(clockOrSleep()))
                .because("time comes from Netty's Ticker or as an argument, and nobody sleeps")
                .check(CLASSES);
    }

    @Test
    void publicTypes_nobodyExtendsThemUnplanned() {
        Set<String> exported = moduleDescriptor().exports().stream()
                .filter(export -> !export.isQualified())
                .map(ModuleDescriptor.Exports::source)
                .collect(Collectors.toSet());
        assertThat(exported).isNotEmpty();
        classes()
                .that()
                .resideInAnyPackage(exported.toArray(String[]::new))
                .and()
                .areNotAnonymousClasses()
                .and(DescribedPredicate.describe("can be reached by a user", ArchitectureTest::isApi))
                .should(beClosedToExtension())
                .check(CLASSES);
    }

    private static DescribedPredicate<AccessTarget> clockOrSleep() {
        return DescribedPredicate.describe(
                "a clock of the system or a sleep",
                target -> CLOCK_OR_SLEEP
                        .matcher(target.getOwner().getName() + "." + target.getName())
                        .matches());
    }

    private static boolean isApi(JavaClass type) {
        return (type.getModifiers().contains(JavaModifier.PUBLIC)
                        || type.getModifiers().contains(JavaModifier.PROTECTED))
                && type.getEnclosingClass().map(ArchitectureTest::isApi).orElse(true);
    }

    private static ArchCondition<JavaClass> beClosedToExtension() {
        return new ArchCondition<>("be final, sealed, an interface, an enum, a record or an exception") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                boolean closed = type.getModifiers().contains(JavaModifier.FINAL)
                        || type.isInterface()
                        || type.isEnum()
                        || type.isRecord()
                        || type.isAssignableTo(Throwable.class)
                        || type.reflect().isSealed();
                if (!closed) {
                    events.add(SimpleConditionEvent.violated(type, type.getName() + " can be extended by anybody"));
                }
            }
        };
    }

    private static ModuleDescriptor moduleDescriptor() {
        return ModuleFinder.of(MAIN).find("dev.holdfast").orElseThrow().descriptor();
    }

    /** The directory or jar that holds core's own classes. */
    private static Path mainClasses() {
        try {
            return Path.of(Transport.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException impossible) {
            throw new AssertionError(impossible);
        }
    }
}
