package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextFileTest {
  private static final String ENGLISH = "The quick brown fox jumps over the lazy dog.\n";
  private static final String FRENCH = "Le cœur déçu mais l'âme plutôt naïve, Louÿs rêva.\n";
  private static final String GERMAN =
      "Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich.\n";
  private static final String RUSSIAN = "Съешь же ещё этих мягких французских булок.\n";
  private static final String CHINESE = "学而时习之，不亦说乎？有朋自远方来，不亦乐乎？\n";

  @TempDir private Path folder;

  private Path write(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("text"), bytes);
  }

  private static String read(Path file, Charset encoding) throws IOException {
    StringBuilder read = new StringBuilder();
    TextFile.of(file, encoding).read(character -> !read.appendCodePoint(character).isEmpty());
    return read.toString();
  }

  private static String refusal(Path file, Charset encoding) {
    return assertThrows(TextEncodingException.class, () -> read(file, encoding)).getMessage();
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-8", "UTF-16", "UTF-16LE", "UTF-32", "GB18030"})
  void decodesAcrossPieces(String encoding) throws IOException {
    String text = ("😀é" + CHINESE + ENGLISH).repeat(3_000);
    assertEquals(text, read(write(text.getBytes(encoding)), Charset.forName(encoding)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-8", "UTF-16LE", "UTF-16BE"})
  void aByteOrderMarkIsNoPartOfTheText(String encoding) throws IOException {
    Path file = write("\uFEFFa\uFEFFb".getBytes(encoding));
    assertEquals("a\uFEFFb", read(file, Charset.forName(encoding)));
  }

  /** Prints a text twice, as whoever counts it first reads it. */
  static final class Twice {
    static void main(String[] arguments) throws IOException {
      TextFile text = TextFile.of(Path.of(arguments[0]), StandardCharsets.UTF_8);
      for (int time = 0; time < 2; time++) {
        text.read(character -> !System.out.append((char) character).checkError());
      }
    }
  }

  @Test
  void readsWhatCanBeReadOnlyOnceAndKeepsNoCopy() throws IOException, InterruptedException {
    Path pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    Thread writer =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    Files.writeString(pipe, ENGLISH);
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                });
    Path temporary = Files.createDirectory(folder.resolve("temporary"));
    var process =
        JavaProcess.run(
            Twice.class, List.of("-Djava.io.tmpdir=" + temporary), Map.of(), pipe.toString());
    writer.join();
    assertEquals(0, process.status(), process::toString);
    assertEquals(List.of(ENGLISH.strip(), ENGLISH.strip()), process.output());
    try (var left = Files.list(temporary)) {
      assertEquals(List.of(), left.toList());
    }
  }

  @Test
  void tellsWhereAByteIsWrong() throws IOException {
    byte[] bytes = (ENGLISH.repeat(2_000) + RUSSIAN).getBytes(StandardCharsets.UTF_8);
    int wrong = ENGLISH.length() * 1_500 + 4;
    bytes[wrong] = (byte) 0xE9;
    Path file = write(bytes);
    assertEquals(
        file
            + " is not UTF-8: byte 0xE9 at offset "
            + wrong
            + ", in line 1501, is wrong; around it the text is UTF-8, so perhaps it is damaged"
            + " there",
        refusal(file, StandardCharsets.UTF_8));
    assertTrue(refusal(file, StandardCharsets.US_ASCII).contains(" is not US-ASCII: byte 0xE9 at"));
  }

  @Test
  void aFailureTellsTheFile() throws IOException {
    Path broken = Path.of("/proc/self/mem"); // Nothing is at the address 0.
    TextFile text = TextFile.of(broken, StandardCharsets.UTF_8);
    var read = assertThrows(IOException.class, () -> text.read(c -> true));
    assertEquals(broken + ": Input/output error", read.getMessage());
    var copied = assertThrows(IOException.class, () -> TextFile.of(folder, StandardCharsets.UTF_8));
    assertTrue(
        copied.getMessage().startsWith(folder + " cannot be copied to "), copied::getMessage);
  }

  @Test
  void anEndWithinACharacterIsWrong() throws IOException {
    Path file = write(new byte[] {'a', '\n', (byte) 0xD0});
    assertTrue(refusal(file, StandardCharsets.UTF_8).contains("byte 0xD0 at offset 2, in line 2"));
  }

  @ParameterizedTest
  @CsvSource({
    "ISO-8859-1, GERMAN",
    "windows-1252, FRENCH",
    "windows-1251, RUSSIAN",
    "GB18030, CHINESE",
    "UTF-16, ENGLISH",
    "UTF-16LE, GERMAN",
    "UTF-16BE, GERMAN"
  })
  void guessesTheEncoding(String encoding, String language) throws IOException {
    String text =
        switch (language) {
          case "GERMAN" -> GERMAN;
          case "FRENCH" -> FRENCH;
          case "RUSSIAN" -> RUSSIAN;
          case "CHINESE" -> CHINESE;
          default -> ENGLISH;
        };
    Path file = write((ENGLISH + text).getBytes(encoding));
    String refusal = refusal(file, StandardCharsets.UTF_8);
    assertTrue(refusal.endsWith("; perhaps it is " + encoding), refusal);
    assertEquals(ENGLISH + text, read(file, Charset.forName(encoding)));
  }
}
