package io.github.cudnn4j.model;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/** The words of a text in place of its characters: numbered from 0 as they first appear. */
final class WordText implements Text {

  private final Text text;
  private final Map<String, Integer> numbers = new HashMap<>();
  private final List<String> words = new ArrayList<>();

  WordText(Text text) {
    this.text = text;
  }

  /** Returns the word of a number that has been read. */
  String word(int number) {
    return words.get(number);
  }

  @Override
  public void read(IntPredicate reader) throws IOException {
    boolean[] wantsMore = {true};
    WordReader whole = new WordReader(word -> wantsMore[0] = reader.test(number(word)));
    text.read(whole);
    if (wantsMore[0]) {
      whole.end();
    }
  }

  private int number(String word) {
    Integer known = numbers.putIfAbsent(word, words.size());
    if (known != null) {
      return known;
    }
    words.add(word);
    return words.size() - 1;
  }
}
