import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.zip.GZIPInputStream;

/**
 * Makes the text that the main job learns: the English passages of the European Parliament's
 * proceedings that Lucene tests itself with. Each line of that file is a title, a date and a
 * passage of up to 1,500 characters, cut anywhere, in one of some twenty languages.
 */
final class DefaultText {
  private static final Set<String> COMMON = Set.of("the", "of", "and", "to", "that", "is");

  /** Arguments: the gzipped lines, the text to write. */
  public static void main(String[] arguments) throws IOException {
    var text = new StringBuilder();
    try (var lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(Path.of(arguments[0]))),
                StandardCharsets.UTF_8))) {
      for (String line; (line = lines.readLine()) != null; ) {
        String passage = line.substring(line.lastIndexOf('\t') + 1);
        if (isEnglish(passage)) {
          append(text, passage);
        }
      }
    }
    Path target = Path.of(arguments[1]);
    Path partial = Path.of(arguments[1] + ".partial");
    Files.writeString(partial, text);
    Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
  }

  /** English passages have 13 % or more of these words; in other languages they are 6 % or less. */
  private static boolean isEnglish(String passage) {
    String[] words = passage.split(" +");
    long common = 0;
    for (String word : words) {
      common += COMMON.contains(word) ? 1 : 0;
    }
    return common > 0.1 * words.length;
  }

  /** Appends a passage's whole sentences in ASCII, one paragraph a line. */
  private static void append(StringBuilder text, String passage) {
    String plain =
        passage
            .replaceAll("[\u2018\u2019]", "'")
            .replaceAll("[\u2013\u2014]", "-")
            .replace('\u00a0', ' ')
            .replaceAll("[^ -~]", "");
    int begin = plain.indexOf(". ") + 2;
    int end = plain.lastIndexOf('.') + 1;
    if (begin >= 2 && begin < end) {
      String sentences = plain.substring(begin, end).strip();
      text.append(sentences.replaceAll(" {3,}", "\n").replaceAll(" +", " ")).append('\n');
    }
  }
}
