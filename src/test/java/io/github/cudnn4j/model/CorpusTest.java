package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.data.Tokens;
import io.github.cudnn4j.model.Vocabulary.Units;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CorpusTest {

  static int[] array(Tokens tokens) {
    return LongStream.range(0, tokens.length()).mapToInt(tokens::get).toArray();
  }

  @Test
  void lettersOnlyAsD2lPreparesItsText() throws IOException {
    StringBuilder read = new StringBuilder();
    Text.of(" [The] Time Machine, by H. G. Wells [1898]\n\n\nÀſ")
        .lettersOnly()
        .read(character -> !read.appendCodePoint(character).isEmpty());
    assertEquals("the time machine by h g wells", read.toString());
  }

  @Test
  void holdsOutTheEndAndLimitsWhatIsBeforeIt() throws IOException {
    Corpus corpus = Corpus.of(Text.of("abcabcabcz"), 5, 0.2);

    assertArrayEquals(corpus.vocabulary().encode("abcab"), array(corpus.training()));
    assertArrayEquals(new int[] {3, 0}, array(corpus.heldOut()), "z was never seen in training");
  }

  @Test
  void takesTheNumbersOfAVocabulary() throws IOException {
    Corpus corpus = Corpus.of(Text.of("banana"), Vocabulary.of("bn"), 0, 0);
    assertArrayEquals(new int[] {1, 0, 2, 0, 2, 0}, array(corpus.training()));
    assertEquals(0, corpus.heldOut().length());
  }

  @Test
  void readsNoFurtherThanTheLimit() throws IOException {
    Text endless =
        reader -> {
          for (int i = 0; reader.test('a' + i % 3); i++) {}
        };
    assertArrayEquals(new int[] {1, 2, 3, 1, 2}, array(Corpus.of(endless, 5, 0).training()));
  }

  @Test
  void bytesOfAnyFileComeBack(@TempDir Path folder) throws IOException {
    byte[] content = new byte[3000];
    for (int i = 0; i < content.length; i++) {
      content[i] = (byte) (i * i * 31 + i / 7); // no UTF-8, nor any other encoding
    }
    Path file = Files.write(folder.resolve("bytes"), content);
    Text fromFile = TextFile.of(file, StandardCharsets.ISO_8859_1);
    for (Text text : List.of(Text.of(content), fromFile)) {
      Corpus corpus = Corpus.of(text, Units.BYTES, 1, 0, 0.1);
      assertEquals(257, corpus.vocabulary().size());
      assertArrayEquals(
          Arrays.copyOf(content, 2700), corpus.vocabulary().bytes(array(corpus.training())));
      assertArrayEquals(
          Arrays.copyOfRange(content, 2700, 3000),
          corpus.vocabulary().bytes(array(corpus.heldOut())));
    }
    assertEquals(
        "the text is not of bytes: character €",
        assertThrows(
                IllegalArgumentException.class,
                () -> Corpus.of(Text.of("a€"), Units.BYTES, 1, 0, 0))
            .getMessage());
  }

  @Test
  void knowsTheMostFrequentWordsOfTheTrainingPart() throws IOException {
    Corpus corpus =
        Corpus.of(Text.of("to be or not to be; that, that, that"), Units.WORDS, 2, 6, 0.5);

    assertEquals(List.of("be", "to"), corpus.vocabulary().symbols(), "it has not read that");
    assertArrayEquals(new int[] {2, 1, 0, 0, 2, 1}, array(corpus.training()));
    assertArrayEquals(new int[] {0, 0, 0, 0, 0, 0}, array(corpus.heldOut()));
    assertEquals("Corpus[6 words to train on, 6 held out, vocabulary of 3]", corpus.toString());
    Corpus more =
        Corpus.of(Text.of("to be or not to be; that, that, that"), Units.WORDS, 9, 6, 0.5);
    assertEquals(List.of("be", "to", "not", "or"), more.vocabulary().symbols());
    Corpus all = Corpus.of(Text.of("not to be"), corpus.vocabulary(), 0, 0);
    assertArrayEquals(
        new int[] {0, 2, 1}, array(all.training()), "the last word has no blank behind");
  }

  @Test
  void aTextThatBecomesShorterIsNotedAndNotRead() {
    int[] reads = {0};
    Text text = reader -> Text.of(reads[0]++ == 0 ? "abcd" : "ab").read(reader);
    assertEquals(
        "the text became shorter while it was read",
        assertThrows(IOException.class, () -> Corpus.of(text, 0, 0)).getMessage());
  }

  /** Of one, two and four bytes, in the heap and in a file. */
  @ParameterizedTest
  @CsvSource({"256, 100000", "256, 0", "257, 0", "65536, 200000", "65537, 400000", "65537, 0"})
  void packsTokensOfEveryWidth(int classes, long mostInHeap) throws IOException {
    int length = 100_000;
    try (var writer = new PackedTokens.Writer(length, classes, mostInHeap)) {
      for (int i = 0; i < length; i++) {
        writer.add(i * 7919 % classes);
      }
      Tokens tokens = writer.tokens();
      assertEquals(length, tokens.length());
      for (int i = 0; i < length; i++) {
        assertEquals(i * 7919 % classes, tokens.get(i));
      }
      assertThrows(IndexOutOfBoundsException.class, () -> tokens.get(length));
    }
  }

  @Test
  void refusesWhatLeavesNothingToLearnFrom() {
    assertRefused(
        "the text has 2 characters, which leaves 1 to train on; at least 2 are needed",
        "ab",
        0,
        0.5);
    assertRefused("limit is -1, must be 0 (all) or more", "abc", -1, 0);
    assertRefused("held-out fraction is 1.0, must be in [0, 1)", "abc", 0, 1);
  }

  private static void assertRefused(String message, String text, long limit, double heldOut) {
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> Corpus.of(Text.of(text), limit, heldOut))
            .getMessage());
  }
}
