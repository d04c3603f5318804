package io.github.cudnn4j.examples;

import static io.github.cudnn4j.model.Vocabulary.Units.WORDS;

import module java.base;

import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.*;

/**
 * Parsing as a translation: from a sentence to its tree, written as a sequence. Sentences are drawn
 * from a small grammar; beside them there are 144 real ones, of which the tags are read, not the
 * words, and more are made by exchanging their phrases. Only a tree of the words can be written.
 *
 * @see <a href="https://arxiv.org/abs/1412.7449">Vinyals et al., 2015</a>
 */
final class Parsing {

  private static final int MOST = 100;

  private Parsing() {}

  static Example.Result run(Example example) throws IOException {
    var random = new Random(1);
    var distinct = new LinkedHashSet<Pair>();
    while (distinct.size() < example.size(8_000, 2_000)) {
      Pair one = Grammar.draw(random);
      if (length(one) <= 20) {
        distinct.add(one);
      }
    }
    var news =
        example.lines("*.train", "/opennlp/tools/parser/parser.train").stream()
            .map(Trees::read)
            .filter(pair -> size(pair) < MOST)
            .toList();
    var training = new ArrayList<>(distinct);
    var held = training.subList(0, example.size(500, 100));
    var test = List.copyOf(held);
    held.clear();
    var real = news.subList(0, 20);
    var rest = news.subList(20, news.size());
    training.addAll(rest);
    Stream.generate(() -> Trees.mix(rest, random))
        .filter(pair -> size(pair) < MOST)
        .limit(example.size(8_000, 200))
        .forEach(training::add);
    var words = vocabulary(training.stream().map(Pair::source));
    var symbols = vocabulary(training.stream().map(Pair::target));
    var rnn = RnnConfig.lstm(48, example.size(96, 64)).bidirectional();
    try (var model = Translator.create(example.device(), words, symbols, rnn, 1)) {
      int epochs = example.size(6, 5);
      var schedule = Schedule.cosine(50, epochs * (training.size() / 32), 0.05);
      var config =
          TrainerConfig.of(Optimizer.adam(3e-3))
              .clip(Clip.byNorm(1))
              .schedule(schedule)
              .epochs(epochs);
      var source = model.batches(32, MOST, 2 * MOST).over(training).shuffled(1).bucketed(20);
      try (var trainer = Trainer.of(model.parameters(), model, source, config)) {
        trainer.listener(example).checkpoints(example.checkpoints("checkpoints")).run();
      }
      var other =
          training.stream()
              .collect(Collectors.toMap(Parsing::length, Pair::target, (first, _) -> first));
      var naive = test.stream().filter(pair -> pair.target().equals(other.get(length(pair))));
      var trees = trees(model, test);
      var newsTrees = trees(model, real);
      var groups =
          IntStream.range(0, test.size())
              .boxed()
              .collect(
                  Collectors.groupingBy(
                      i -> length(test.get(i)),
                      TreeMap::new,
                      Collectors.averagingDouble(
                          i -> trees.get(i).equals(test.get(i).target()) ? 1 : 0)));
      var chart = Pictures.bars("Sentences with exactly the right tree", "words", "part of them");
      var names = Stream.concat(groups.keySet().stream().map(String::valueOf), Stream.of("news"));
      var parts = Stream.concat(groups.values().stream(), Stream.of(exact(newsTrees, real)));
      chart.addSeries("network", names.toList(), parts.toList());
      example.picture(() -> chart);
      var more = new LinkedHashMap<String, Double>();
      more.put("F1", Trees.f1(trees, test));
      more.put("F1OfFlat", Trees.f1(flat(test), test));
      more.put("newsExactMatch", exact(newsTrees, real));
      more.put("newsF1", Trees.f1(newsTrees, real));
      more.put("newsF1OfFlat", Trees.f1(flat(real), real));
      double baseline = (double) naive.count() / test.size();
      return new Example.Result("exact match", exact(trees, test), baseline, more);
    }
  }

  private static List<String> trees(Translator model, List<Pair> pairs) {
    var trees = new ArrayList<String>();
    for (Pair pair : pairs) {
      var valid = Trees.over(pair.source(), model.target());
      trees.addAll(model.translate(List.of(pair.source()), 4, 2 * MOST, valid));
    }
    return trees;
  }

  private static List<String> flat(List<Pair> pairs) {
    return pairs.stream().map(pair -> "S " + Trees.tags(pair.target()) + " /").toList();
  }

  private static double exact(List<String> trees, List<Pair> right) {
    var same =
        IntStream.range(0, trees.size()).filter(i -> trees.get(i).equals(right.get(i).target()));
    return (double) same.count() / right.size();
  }

  private static int size(Pair pair) {
    return pair.target().split(" ").length;
  }

  private static int length(Pair pair) {
    return pair.source().split(" ").length;
  }

  private static Vocabulary vocabulary(Stream<String> texts) {
    return Vocabulary.mostFrequent(WORDS, texts.flatMap(text -> WORDS.split(text).stream()), 2_000);
  }
}
