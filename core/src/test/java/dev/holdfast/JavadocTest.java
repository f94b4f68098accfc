package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.PackageTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Everything a user can see has a comment. Doclint can ask for that only together with a {@code @param} and a {@code
 * @return} for each trifle.
 */
class JavadocTest {
    @ParameterizedTest
    @ValueSource(strings = {"src/main/java", "../epoll/src/main/java"})
    void api_hasComments(String sources) throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(sources))) {
            List<Path> exported = files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> !file.toString().contains("/internal/"))
                    .toList();

            assertThat(uncommented(exported)).isEmpty();
        }
    }

    @Test
    void uncommented_eachKind_isFound() throws IOException {
        Path file = Files.createTempFile("Sample", ".java");
        try {
            Files.writeString(file, """
                    /** Commented. */
                    public interface Sample {
                        void method();
                        /** Commented. */
                        void commented();
                        enum Kind { CONSTANT }
                        record Pair(int first) { public Pair {} private void unseen() {} }
                        final class Nested {
                            Nested() {}
                            protected int field;
                            @Override public String toString() { return ""; }
                        }
                    }
                    class Unseen { public void unseen() {} }
                    """);
            assertThat(uncommented(List.of(file)))
                    .extracting(found -> found.substring(found.indexOf(' ') + 1))
                    .containsExactly("method", "Kind", "CONSTANT", "Pair", "Nested", "field");
        } finally {
            Files.delete(file);
        }
    }

    private static List<String> uncommented(List<Path> files) throws IOException {
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var fileManager = compiler.getStandardFileManager(null, null, null)) {
            var task = (JavacTask) compiler.getTask(
                    null, fileManager, null, null, null, fileManager.getJavaFileObjectsFromPaths(files));
            var scanner = new ApiScanner(DocTrees.instance(task));
            for (CompilationUnitTree unit : task.parse()) {
                scanner.scan(unit, null);
            }
            return scanner.uncommented;
        }
    }

    /** Collects what is public, or protected, and so is all around it, and has no comment. */
    private static final class ApiScanner extends TreePathScanner<Void, Void> {
        private final DocTrees docTrees;
        private final List<String> uncommented = new ArrayList<>();

        ApiScanner(DocTrees docTrees) {
            this.docTrees = docTrees;
        }

        @Override
        public Void visitPackage(PackageTree tree, Void unused) {
            return null;
        }

        @Override
        public Void visitClass(ClassTree tree, Void unused) {
            if (!isApi(tree.getModifiers())) {
                return null;
            }
            check(tree.getSimpleName().toString());
            return super.visitClass(tree, null);
        }

        @Override
        public Void visitMethod(MethodTree tree, Void unused) {
            boolean overrides = tree.getModifiers().getAnnotations().stream()
                    .anyMatch(annotation ->
                            annotation.getAnnotationType().toString().equals("Override"));
            // A record's compact constructor is described by the record.
            Tree enclosing = enclosing();
            boolean constructor =
                    tree.getReturnType() == null && enclosing != null && enclosing.getKind() == Tree.Kind.RECORD;
            if (isApi(tree.getModifiers()) && !overrides && !constructor) {
                check(tree.getName().toString());
            }
            return null;
        }

        @Override
        public Void visitVariable(VariableTree tree, Void unused) {
            if (isApi(tree.getModifiers())) {
                check(tree.getName().toString());
            }
            return null;
        }

        private boolean isApi(ModifiersTree modifiers) {
            Tree enclosing = enclosing();
            return modifiers.getFlags().contains(Modifier.PUBLIC)
                    || modifiers.getFlags().contains(Modifier.PROTECTED)
                    || (enclosing != null
                            && enclosing.getKind() == Tree.Kind.INTERFACE
                            && !modifiers.getFlags().contains(Modifier.PRIVATE));
        }

        private @Nullable Tree enclosing() {
            TreePath parent = getCurrentPath().getParentPath();
            return parent == null ? null : parent.getLeaf();
        }

        private void check(String name) {
            if (docTrees.getDocComment(getCurrentPath()) == null) {
                CompilationUnitTree unit = getCurrentPath().getCompilationUnit();
                long position = docTrees.getSourcePositions()
                        .getStartPosition(unit, getCurrentPath().getLeaf());
                uncommented.add(Path.of(unit.getSourceFile().toUri()).getFileName() + ":"
                        + unit.getLineMap().getLineNumber(position) + " " + name);
            }
        }
    }
}
