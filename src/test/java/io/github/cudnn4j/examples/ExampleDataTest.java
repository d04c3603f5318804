package io.github.cudnn4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.model.Recogniser.Recording;
import io.github.cudnn4j.testing.Wav;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What examples read from a folder that is named. */
class ExampleDataTest {

  @TempDir Path results;
  @TempDir Path data;
  private Example example;

  @BeforeEach
  void open() {
    example = new Example(results, data, true);
  }

  @AfterEach
  void close() {
    example.close();
  }

  private void write(String name, String... lines) throws IOException {
    Path file = data.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, List.of(lines));
  }

  @Test
  void linesAreThoseOfTheFilesThatMatchInTheOrderOfTheirPaths() throws IOException {
    write("b.txt", "third");
    write("a/z.txt", "first", "second");
    write("a/z.tsv", "other");
    assertEquals(List.of("first", "second", "third"), example.lines("*.txt", "/none"));
    assertEquals("first\nsecond\nthird", example.text());
  }

  @Test
  void aFolderWithoutSuchAFileIsNamed() throws IOException {
    write("a.tsv", "other");
    var failure = assertThrows(NoSuchFileException.class, () -> example.lines("*.txt"));
    assertEquals(data + ": no file there is named *.txt", failure.getMessage());
  }

  @Test
  void anExampleWithoutUseForTheFolderSaysSoBeforeItLearns() throws IOException {
    var failure = assertThrows(IllegalArgumentException.class, () -> example.checkpoints("x"));
    assertEquals("this example takes no folder of data, given is " + data, failure.getMessage());
    write("a.txt", "some");
    example.text();
    assertTrue(example.checkpoints("x").best().isEmpty());
  }

  @Test
  void taggingReadsTheBrownCorpus() throws IOException {
    write("ca01", "", "\tThe/at-tl dog/nn isn't/bez* 1/2/cd fw-etre/fw-be ./.", "  ");
    write("README", "and/or none");
    var others = IntStream.range(0, 19).mapToObj(i -> "it" + i + "/pps rained/vbd");
    write("cb02", others.toArray(String[]::new));
    var text = TaggedText.of(example);
    assertEquals(2, text.test().size());
    assertEquals(18, text.training().size());
    assertEquals(List.of(".", "at", "be", "bez", "cd", "nn", "pps", "vbd"), text.tags());
    var longest =
        Stream.concat(text.test().stream(), text.training().stream())
            .filter(each -> each.words().size() > 2)
            .findFirst()
            .orElseThrow();
    assertEquals(List.of("The", "dog", "isn't", "1/2", "fw-etre", "."), longest.words());
    assertEquals(List.of("at", "nn", "bez", "cd", "be", "."), longest.tags());
  }

  @Test
  void speechReadsPromptsBesideTheirList() throws IOException {
    var lines = new String[12];
    Arrays.setAll(lines, i -> "digits/" + i + ": You have " + i + " NEW messages...");
    lines[10] = "beep: [a tone]";
    lines[11] = "missing: Not there.";
    write("prompts.txt", lines);
    Files.createDirectories(data.resolve("digits"));
    for (int i = 0; i < 10; i++) {
      Wav.write(data.resolve("digits/" + i + ".wav"), Speaker.SAMPLE_RATE, 16, new double[8_000]);
    }
    var recordings = Recordings.of(example);
    assertEquals(9, recordings.training().size());
    assertEquals(1, recordings.held().size());
    var transcripts =
        Stream.concat(recordings.training().stream(), recordings.held().stream())
            .map(Recording::transcript)
            .sorted()
            .toList();
    assertEquals("you have 0 new messages", transcripts.getFirst());
    assertEquals(32, recordings.training().getFirst().frames().length);
  }

  @Test
  void spellingReadsTheDictionaryInItsOtherForms() throws IOException {
    var lines = Stream.generate(() -> "cat K AE T").limit(7).toArray(String[]::new);
    lines[0] = "READ  R EH1 D";
    lines[1] = "read(2) R IY D";
    lines[2] = ";;; comment";
    write("cmu.dict", lines);
    var words = Pronouncing.words(example, 6, 1, 1);
    var pairs =
        Stream.of(words.training(), words.development(), words.test()).flatMap(List::stream);
    var found = pairs.map(pair -> pair.source() + " " + pair.target()).distinct().sorted().toList();
    assertEquals(List.of("cat k ae t", "read r eh d"), found);
  }
}
