package io.github.cudnn4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cudnn;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.net.URISyntaxException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Reads from the class files which package uses which, and checks it against the design. */
class ArchitectureTest {
  /** A package uses only packages that come after it. */
  private static final List<String> LAYERS =
      List.of("cli", "model", "train", "tape", "rnn", "cudnn", "cuda", "io", "library", "bindings");

  private static final Set<String> USE_BINDINGS = Set.of("rnn", "cudnn", "cuda", "library");

  private static final Pattern CLASS_NAME = Pattern.compile("^\\[*L?io/github/cudnn4j/(\\w+)/");
  private static final Pattern IN_DESCRIPTOR = Pattern.compile("Lio/github/cudnn4j/(\\w+)/");

  /** Package to the packages that it uses, each with the classes that do. */
  private static final Map<String, Map<String, Set<String>>> USES = new TreeMap<>();

  @BeforeAll
  static void readClasses() throws IOException, URISyntaxException {
    Path place = Path.of(Cudnn.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    if (Files.isDirectory(place)) {
      readTree(place);
    } else {
      try (var jar = FileSystems.newFileSystem(place)) {
        readTree(jar.getPath("/"));
      }
    }
  }

  private static void readTree(Path root) throws IOException {
    try (var files = Files.walk(root.resolve("io/github/cudnn4j"))) {
      files.filter(f -> f.toString().endsWith(".class")).forEach(ArchitectureTest::readClass);
    }
  }

  private static void readClass(Path file) {
    ClassModel model;
    try {
      model = ClassFile.of().parse(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String name = model.thisClass().asInternalName();
    var matcher = CLASS_NAME.matcher(name);
    assertTrue(matcher.find(), name + " is in no package of the design");
    Map<String, Set<String>> uses = USES.computeIfAbsent(matcher.group(1), from -> new TreeMap<>());
    for (PoolEntry entry : model.constantPool()) {
      // Other text, such as a resource's path, only looks like a class.
      var used =
          switch (entry) {
            case ClassEntry type -> CLASS_NAME.matcher(type.asInternalName());
            case Utf8Entry text -> IN_DESCRIPTOR.matcher(text.stringValue());
            default -> CLASS_NAME.matcher("");
          };
      while (used.find()) {
        uses.computeIfAbsent(used.group(1), to -> new TreeSet<>()).add(name);
      }
    }
  }

  @Test
  void thereAreOnlyThePackagesOfTheDesign() {
    assertEquals(Set.of(), minus(USES.keySet(), LAYERS));
    assertTrue(USES.containsKey("bindings"), () -> "no classes were read: " + USES.keySet());
  }

  @Test
  void aPackageUsesOnlyPackagesBelowIt() {
    assertNoUse((from, to) -> LAYERS.indexOf(from) > LAYERS.indexOf(to));
  }

  @Test
  void onlyTheLowerPackagesUseBindings() {
    assertNoUse(
        (from, to) ->
            to.equals("bindings") && !from.equals("bindings") && !USE_BINDINGS.contains(from));
  }

  private static void assertNoUse(BiPredicate<String, String> forbidden) {
    var found = new TreeSet<String>();
    USES.forEach(
        (from, uses) ->
            uses.forEach(
                (to, classes) -> {
                  if (forbidden.test(from, to)) {
                    found.add(from + " uses " + to + " in " + classes);
                  }
                }));
    assertEquals(Set.of(), found);
  }

  private static Set<String> minus(Set<String> set, List<String> subtracted) {
    var rest = new TreeSet<>(set);
    subtracted.forEach(rest::remove);
    return rest;
  }
}
