package io.github.cudnn4j.examples;

import static io.github.cudnn4j.model.Vocabulary.Units.WORDS;

import module java.base;

import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.*;

/**
 * Parsing as a translation: from the words of a sentence to its tree, written as a sequence in
 * which a phrase begins with its name and ends with a slash, and a word is its tag: {@code S NP DT
 * NN / VP VBD / /}. Sentences are drawn from a small grammar; beside them there are 150 real ones,
 * far too few to learn from.
 *
 * @see <a href="https://arxiv.org/abs/1412.7449">Vinyals et al., 2015</a>
 */
final class Parsing {

  private static final int MOST = 100;

  /** Of each phrase, the ways to make it; of each tag, the words. A phrase is where others are. */
  private static final Map<String, List<String>> GRAMMAR =
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

  private Parsing() {}

  static Example.Result run(Example example) throws IOException {
    var random = new Random(1);
    var distinct = new LinkedHashSet<Pair>();
    while (distinct.size() < example.size(8_000, 2_000)) {
      var words = new ArrayList<String>();
      var tree = new ArrayList<String>();
      grow("S", random, words, tree);
      if (words.size() <= 20) {
        distinct.add(new Pair(String.join(" ", words), String.join(" ", tree)));
      }
    }
    var news =
        example.lines("*.train", "/opennlp/tools/parser/parser.train").stream()
            .map(Parsing::read)
            .filter(pair -> pair.target().split(" ").length < MOST)
            .toList();
    var training = new ArrayList<>(distinct);
    var test = List.copyOf(training.subList(0, 500));
    training.subList(0, 500).clear();
    training.addAll(news.subList(20, news.size()));
    var words = vocabulary(training.stream().map(Pair::source));
    var symbols = vocabulary(training.stream().map(Pair::target));
    var rnn = RnnConfig.lstm(48, 64).bidirectional();
    try (var model = Translator.create(example.device(), words, symbols, rnn, 1)) {
      var config = TrainerConfig.of(Optimizer.adam(3e-3)).clip(Clip.byNorm(1)).epochs(5);
      var source = model.batches(32, MOST, 2 * MOST).over(training).shuffled(1).bucketed(20);
      try (var trainer = Trainer.of(model.parameters(), model, source, config)) {
        trainer.listener(example).checkpoints(example.checkpoints("checkpoints")).run();
      }
      var other =
          training.stream()
              .collect(Collectors.toMap(Parsing::length, Pair::target, (first, _) -> first));
      var naive = test.stream().filter(pair -> pair.target().equals(other.get(length(pair))));
      var groups = new TreeMap<>(test.stream().collect(Collectors.groupingBy(Parsing::length)));
      var names = new ArrayList<>(groups.keySet().stream().map(String::valueOf).toList());
      var parts =
          new ArrayList<>(groups.values().stream().map(some -> exact(model, some)).toList());
      names.add("news");
      parts.add(exact(model, news.subList(0, 20)));
      var chart = Pictures.bars("Sentences with exactly the right tree", "words", "part of them");
      chart.addSeries("network", names, parts);
      example.picture(() -> chart);
      return new Example.Result(
          "exact match", exact(model, test), (double) naive.count() / test.size());
    }
  }

  private static double exact(Translator model, List<Pair> pairs) {
    var trees = model.translate(pairs.stream().map(Pair::source).toList(), 1, 2 * MOST);
    var right =
        IntStream.range(0, trees.size()).filter(i -> trees.get(i).equals(pairs.get(i).target()));
    return (double) right.count() / pairs.size();
  }

  private static int length(Pair pair) {
    return pair.source().split(" ").length;
  }

  private static Vocabulary vocabulary(Stream<String> texts) {
    return Vocabulary.mostFrequent(WORDS, texts.flatMap(text -> WORDS.split(text).stream()), 2_000);
  }

  /** Makes a phrase or a word. */
  private static void grow(String symbol, Random random, List<String> words, List<String> tree) {
    var ways = GRAMMAR.get(symbol);
    String way = ways.get(random.nextInt(ways.size()));
    tree.add(symbol);
    if (GRAMMAR.containsKey(way.split(" ")[0])) {
      for (String part : way.split(" ")) {
        grow(part, random, words, tree);
      }
      tree.add("/");
    } else {
      words.add(way);
    }
  }

  /** Reads a tree such as {@code (S (NP (PRP it) )(VP (VBD was) ))}, without what has no words. */
  private static Pair read(String line) {
    var words = new StringJoiner(" ");
    var tree = new ArrayList<String>();
    var open = new ArrayDeque<Integer>(); // where each phrase begins
    var tokens = Pattern.compile("\\((\\S+) ([^()\\s]+)\\)|\\((\\S+)|\\)").matcher(line);
    while (tokens.find()) {
      if (tokens.group(2) != null && !tokens.group(1).equals("-NONE-")) {
        words.add(tokens.group(2));
        tree.add(tokens.group(1).replaceAll("[^A-Z]+", "X"));
      } else if (tokens.group(3) != null) {
        open.push(tree.size());
        tree.add(tokens.group(3).split("[-=]")[0]);
      } else if (tokens.group(2) == null && open.pop() == tree.size() - 1) {
        tree.removeLast();
      } else if (tokens.group(2) == null) {
        tree.add("/");
      }
    }
    return new Pair(words.toString(), String.join(" ", tree));
  }
}
