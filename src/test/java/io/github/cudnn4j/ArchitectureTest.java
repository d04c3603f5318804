package io.github.cudnn4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bench.Benchmarks;
import io.github.cudnn4j.bindings.Cudnn;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
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
      List.of(
          "cli",
          "model",
          "train",
          "data",
          "optim",
          "onnx",
          "tape",
          "rnn",
          "cudnn",
          "cuda",
          "io",
          "library",
          "bindings");

  private static final Set<String> USE_BINDINGS = Set.of("rnn", "cudnn", "cuda", "library");

  private static final Pattern CLASS_NAME = Pattern.compile("^\\[*L?io/github/cudnn4j/(\\w+)/");
  private static final Pattern IN_DESCRIPTOR = Pattern.compile("Lio/github/cudnn4j/(\\w+)/");

  /** Methods of the JDK that follow the user's locale unless they are given another. */
  private static final Set<String> NEED_LOCALE =
      Set.of("format", "formatted", "printf", "toLowerCase", "toUpperCase", "ofPattern");

  /** Classes of the JDK that follow the user's locale. */
  private static final Pattern OF_LOCALE =
      Pattern.compile("java/util/(Scanner|Formatter)|java/text/(?!Normalizer).*");

  /**
   * Methods of a memory segment that take less than 64 bytes by a loop in Java. Compiled by the C2
   * of JDK 25 it may leave out some of an array's elements. The copies that take layouts have none.
   */
  private static final Set<String> LOOP_OVER_FEW_BYTES =
      Set.of("copyFrom", "fill", "mismatch", "toArray");

  private static final String COPY_WITHOUT_LAYOUTS =
      "(Ljava/lang/foreign/MemorySegment;JLjava/lang/foreign/MemorySegment;JJ)V";

  /** Package to the packages that it uses, each with the classes that do. */
  private static final Map<String, Map<String, Set<String>>> USES = new TreeMap<>();

  @BeforeAll
  static void readClasses() throws IOException, URISyntaxException {
    classes(Cudnn.class, "").forEach(ArchitectureTest::readClass);
  }

  /** Returns the classes of a folder that were compiled to the same place as {@code one}. */
  private static List<ClassModel> classes(Class<?> one, String folder)
      throws IOException, URISyntaxException {
    Path place = Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
    if (Files.isDirectory(place)) {
      return readTree(place, folder);
    }
    try (var jar = FileSystems.newFileSystem(place)) {
      return readTree(jar.getPath("/"), folder);
    }
  }

  private static List<ClassModel> readTree(Path root, String folder) throws IOException {
    try (var files = Files.walk(root.resolve("io/github/cudnn4j").resolve(folder))) {
      return files
          .filter(file -> file.toString().endsWith(".class"))
          .map(ArchitectureTest::parse)
          .toList();
    }
  }

  private static ClassModel parse(Path file) {
    try {
      return ClassFile.of().parse(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void readClass(ClassModel model) {
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

  /** Digits, letters and decimal points of the user's language would get into names and files. */
  @Test
  void nothingFollowsTheUsersLocale() throws IOException, URISyntaxException {
    // What jextract writes only prints traces.
    assertNone(
        Map.of(Cudnn.class, "", Benchmarks.class, "bench"),
        (name, entry) -> followsLocale(entry) && !name.contains("/bindings/"));
  }

  @Test
  void nothingCopiesByALoopThatCompiledCodeGetsWrong() throws IOException, URISyntaxException {
    // What jextract writes copies in the setter of a structure, which nobody uses.
    assertNone(
        Map.of(Cudnn.class, "", getClass(), ""),
        (name, entry) -> copiesByLoop(entry) && !name.contains("/bindings/"));
  }

  private static void assertNone(
      Map<Class<?>, String> places, BiPredicate<String, PoolEntry> forbidden)
      throws IOException, URISyntaxException {
    var found = new TreeSet<String>();
    for (var place : places.entrySet()) {
      for (ClassModel model : classes(place.getKey(), place.getValue())) {
        String name = model.thisClass().asInternalName();
        for (PoolEntry entry : model.constantPool()) {
          if (forbidden.test(name, entry)) {
            found.add(name + " uses " + entry);
          }
        }
      }
    }
    assertEquals(Set.of(), found);
  }

  private static boolean copiesByLoop(PoolEntry entry) {
    if (!(entry instanceof MemberRefEntry member)
        || !member.owner().asInternalName().equals("java/lang/foreign/MemorySegment")) {
      return false;
    }
    return LOOP_OVER_FEW_BYTES.contains(member.name().stringValue())
        || member.type().stringValue().equals(COPY_WITHOUT_LAYOUTS);
  }

  private static boolean followsLocale(PoolEntry entry) {
    return switch (entry) {
      case ClassEntry type -> OF_LOCALE.matcher(type.asInternalName()).matches();
      case MemberRefEntry member ->
          NEED_LOCALE.contains(member.name().stringValue())
              && member.owner().asInternalName().startsWith("java/")
              && !member.type().stringValue().contains("Ljava/util/Locale;");
      default -> false;
    };
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
