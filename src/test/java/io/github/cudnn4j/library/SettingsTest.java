package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What can be set from outside is written down in one place, and in the guide. */
class SettingsTest {
  private static final Path BASE = Path.of(System.getProperty("basedir", ""));
  private static final Path PAGE = BASE.resolve("src/examples/guide/install.md");
  private static final Path JAVA = BASE.resolve("src/main/java");
  private static final Pattern NAME =
      Pattern.compile("\"[^\"\n]*?((?<!github\\.)\\bcudnn4j\\.[a-z.]+|\\bCUDNN4J_[A-Z_]+)");
  private static final Pattern NATIVE = Pattern.compile("getenv\\(\"(CUDNN4J_[A-Z_]+)\"");

  @BeforeEach
  void sourcesAreHere() {
    assumeTrue(Files.isRegularFile(PAGE), "no sources here, only the built classes");
  }

  @Test
  void noOtherClassHasTheNameOfASetting() throws IOException {
    var others = new ArrayList<String>();
    for (Path file : files(JAVA, ".java")) {
      if (!file.endsWith("Settings.java")) {
        names(NAME, file).forEach(name -> others.add(file.getFileName() + ": " + name));
      }
    }
    assertEquals(List.of(), others);
  }

  @Test
  void theGuideNamesEverySetting() throws IOException {
    var settings =
        new TreeSet<>(names(NAME, JAVA.resolve("io/github/cudnn4j/library/Settings.java")));
    assertFalse(settings.isEmpty());
    for (Path file : files(BASE.resolve("native"), ".cpp")) {
      settings.addAll(names(NATIVE, file));
    }
    String page = Files.readString(PAGE);
    settings.removeIf(name -> page.contains("`" + name + "`"));
    assertEquals(List.of(), List.copyOf(settings));
  }

  private static List<Path> files(Path folder, String ending) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(ending)).toList();
    }
  }

  private static List<String> names(Pattern pattern, Path file) throws IOException {
    return pattern
        .matcher(Files.readString(file))
        .results()
        .map((MatchResult match) -> match.group(1))
        .toList();
  }
}
