import com.google.googlejavaformat.java.Main;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs google-java-format, which takes no folders, on all sources written by hand. It needs the
 * build's JDK and not Maven's, which may be too old to parse them.
 */
final class Format {
  private static final List<Path> FOLDERS =
      List.of(Path.of("src"), Path.of("bench"), Path.of(".mvn"));

  /** Arguments: google-java-format's options. */
  public static void main(String[] options) throws IOException {
    var arguments = new ArrayList<>(List.of(options));
    for (Path folder : FOLDERS) {
      if (Files.notExists(folder)) {
        continue;
      }
      try (var paths = Files.walk(folder)) {
        paths.map(Path::toString).filter(p -> p.endsWith(".java")).sorted().forEach(arguments::add);
      }
    }
    Main.main(arguments.toArray(String[]::new));
  }
}
