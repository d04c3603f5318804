package io.github.cudnn4j.cli;

import io.github.cudnn4j.data.Tokens;
import io.github.cudnn4j.model.Corpus;
import io.github.cudnn4j.model.TextGenerator;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.model.Vocabulary.Units;
import java.util.Arrays;

/** Text that a language model writes. Owner of the generator. */
final class TextSamples implements Samples {

  private static final int LONGEST_PREFIX = 40;

  /** How far the beginning of a word is looked for, in characters. */
  private static final int PREFIX_WITHIN = 1 << 16;

  /** About as many characters are a word. */
  private static final int CHARACTERS_OF_WORD = 6;

  /** Below 1 the likelier characters are preferred: fewer misspelt words. */
  private static final double TEMPERATURE = 0.6;

  private final TextGenerator generator;
  private final String prefix;
  private final int charactersOfSymbol;

  TextSamples(TextGenerator generator, Corpus corpus) {
    this.generator = generator;
    this.prefix = prefix(corpus);
    charactersOfSymbol = corpus.vocabulary().units() == Units.WORDS ? CHARACTERS_OF_WORD : 1;
  }

  /**
   * The first word of the text that the model has not seen, or of the text if it has seen all. Not
   * every language parts words by blanks, so it is cut.
   */
  private static String prefix(Corpus corpus) {
    Vocabulary vocabulary = corpus.vocabulary();
    Tokens text = corpus.heldOut().length() > 0 ? corpus.heldOut() : corpus.training();
    if (vocabulary.units() == Units.WORDS) {
      return vocabulary.symbol(text.get(0));
    }
    int[] word = new int[LONGEST_PREFIX];
    boolean inside = false;
    int taken = 0;
    for (long i = 0; i < Math.min(text.length(), PREFIX_WITHIN) && taken < LONGEST_PREFIX; i++) {
      String character = vocabulary.symbol(text.get(i));
      boolean space = character.isBlank();
      if (space && taken > 0) {
        return vocabulary.decode(Arrays.copyOf(word, taken)) + " ";
      }
      if (inside && !space) {
        word[taken++] = text.get(i);
      }
      inside |= space;
    }
    return vocabulary.decode(taken == 0 ? new int[] {text.get(0)} : Arrays.copyOf(word, taken));
  }

  /** That a training diverges is for the trainer to say, which counts the steps. */
  @Override
  public String sample(int length, long seed) {
    try {
      String text = generator.generate(prefix, length / charactersOfSymbol, TEMPERATURE, seed);
      return Terminal.visible(text.replace('\n', ' ').strip());
    } catch (ArithmeticException e) {
      return "";
    }
  }

  @Override
  public void close() {
    generator.close();
  }
}
