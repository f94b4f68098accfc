package dev.holdfast.epoll;

import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The rules of core's {@code ArchitectureTest}, as far as they concern this module. */
class EpollArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter().importPath(mainClasses());

    /** What reads a clock of the system or waits; core's test has the same list. */
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
    void epoll_usesOnlySocketAndVerdict() {
        noClasses()
                .should()
                .dependOnClassesThat(resideInAPackage("dev.holdfast..")
                        .and(resideOutsideOfPackages(
                                "dev.holdfast.epoll..", "dev.holdfast.socket..", "dev.holdfast.verdict..")))
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
    void publicTypes_areFinal() {
        classes().that().arePublic().should().haveModifier(JavaModifier.FINAL).check(CLASSES);
    }

    private static DescribedPredicate<AccessTarget> clockOrSleep() {
        return DescribedPredicate.describe(
                "a clock of the system or a sleep",
                target -> CLOCK_OR_SLEEP
                        .matcher(target.getOwner().getName() + "." + target.getName())
                        .matches());
    }

    /** The directory or jar that holds the module's own classes. */
    private static Path mainClasses() {
        try {
            return Path.of(EpollTransport.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException impossible) {
            throw new AssertionError(impossible);
        }
    }
}
