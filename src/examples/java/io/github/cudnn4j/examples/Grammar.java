package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.Translator.Pair;

/** A small grammar of English, which sentences of {@link Parsing} are drawn from. */
final class Grammar {

  /** Of each phrase, the ways to make it; of each tag, the words. A phrase is where others are. */
  private static final Map<String, List<String>> RULES =
      """
      S: NP VP
      NP: DT NN, NNP, DT JJ NN, DT JJ JJ NN, BASE PP, BASE SBAR
      BASE: DT NN, NNP, DT JJ NN
      PP: OF NP
      SBAR: WDT CLAUSE
      CLAUSE: VBD NP, VBD
      VP: VBD NP, VBD, VBD NP IN NP, VBZ S
      DT: the, a, every, this
      NN: trader, price, market, index, fund, share, bank
      NNP: London, Tokyo, Paris, Chicago
      JJ: new, large, volatile, nervous, cheap
      VBD: sold, bought, saw, left, watched, raised
      VBZ: thinks, says, hopes
      OF: of, from
      IN: with, after, before
      WDT: which, that
      """
          .lines()
          .map(line -> line.split(": "))
          .collect(Collectors.toMap(line -> line[0], line -> List.of(line[1].split(", "))));

  private Grammar() {}

  /** Draws a sentence and its tree. */
  static Pair draw(Random random) {
    var words = new ArrayList<String>();
    var tree = new ArrayList<String>();
    grow("S", random, words, tree);
    return new Pair(String.join(" ", words), String.join(" ", tree));
  }

  /** Makes a phrase or a word. */
  private static void grow(String symbol, Random random, List<String> words, List<String> tree) {
    var ways = RULES.get(symbol);
    String way = ways.get(random.nextInt(ways.size()));
    if (RULES.containsKey(way.split(" ")[0])) {
      tree.add(symbol);
      for (String part : way.split(" ")) {
        grow(part, random, words, tree);
      }
      tree.add("/");
    } else {
      tree.add(symbol.toLowerCase(Locale.ROOT));
      words.add(way);
    }
  }
}
