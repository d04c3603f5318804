package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.AttentionKind;
import org.jspecify.annotations.Nullable;

/**
 * Words and how they are pronounced: those of the Carnegie Mellon Pronouncing Dictionary that have
 * one pronunciation, as letters and as phonemes without the stress.
 */
final class Pronouncing {

  private static final String FILE = "/com/sun/speech/freetts/en/us/cmudict04_compiled.txt";
  private static final Pattern LINE = Pattern.compile("([a-z]+)0?\\s+(.+?)\\s*");
  private static final int LONGEST = 20;
  private static final int HIDDEN = 64;

  private Pronouncing() {}

  static Translating words(Example example, int training, int development, int test)
      throws IOException {
    var pairs =
        example.lines("*.dict", FILE).stream()
            .map(line -> LINE.matcher(line.toLowerCase(Locale.ROOT)))
            .filter(line -> line.matches() && line.end(1) <= LONGEST)
            .map(line -> new Pair(line.group(1), line.group(2).replaceAll("[0-9]", "")))
            .toList();
    return Translating.of(pairs, training, development, test, LONGEST);
  }

  static Translator train(
      Example example,
      Translating words,
      String name,
      @Nullable AttentionKind attention,
      int epochs)
      throws IOException {
    var config = RnnConfig.gru(HIDDEN, HIDDEN).bidirectional();
    return words.train(
        example,
        name,
        Vocabulary.Units.CHARACTERS,
        Vocabulary.Units.WORDS,
        config,
        attention,
        epochs);
  }
}
