package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;
import org.knowm.xchart.CategoryChart;

/**
 * Many to one: to what a prepositional phrase belongs. In "ate pizza with a fork" it is the verb,
 * in "ate pizza with olives" the noun; given are the four words that matter.
 *
 * @see <a href="https://aclanthology.org/H94-1048/">Ratnaparkhi, Reynar and Roukos, 1994</a>
 */
final class Attachment {

  /** How much is looked at of a word's path in a tree whose near leaves are similar words. */
  private static final int[] PREFIXES = {16, 20, 24, 28, 32};

  private static final int FEATURES = 1 + PREFIXES.length;
  private static final int WORDS = 4;

  /** Verb, noun, preposition, noun; 1 if the phrase belongs to the verb, 0 if to the noun. */
  private record Phrase(List<String> words, int verb) {
    String preposition() {
      return words.get(2);
    }
  }

  private Attachment() {}

  static Example.Result run(Example example) throws IOException {
    var training = phrases(example, "training", example.most(20_801, 4_000));
    var development = phrases(example, "devset", example.most(4_039, 500));
    var test = phrases(example, "test", Integer.MAX_VALUE);
    var paths = new HashMap<String, String>();
    lines(example, "bitstrings").forEach(line -> paths.put(line[0], line[1]));
    var counts =
        training.stream()
            .flatMap(phrase -> features(phrase, paths).stream())
            .collect(Collectors.groupingBy(feature -> feature, Collectors.counting()));
    var numbers = new HashMap<String, Integer>(); // from 1: what is rare or new is 0
    counts.values().removeIf(count -> count == 1);
    counts.keySet().forEach(feature -> numbers.put(feature, numbers.size() + 1));

    Function<Phrase, int[]> tokens =
        phrase ->
            features(phrase, paths).stream().mapToInt(f -> numbers.getOrDefault(f, 0)).toArray();
    int all = FEATURES * WORDS;
    var batches =
        Batches.<Phrase>of(32).tokens("features", all, all, tokens).label("verb", Phrase::verb);
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var embed = p.embedding("embed", numbers.size() + 1, 48);
      var lstm = p.rnn("rnn", RnnConfig.lstm(FEATURES * 48, 64).bidirectional());
      var head = p.linear("head", lstm.outputSize(), 2);
      p.initialize(1);
      Objective verb =
          (tape, in) -> {
            Tensor features = embed.on(tape, in.tokens("features"));
            var parts = new Tensor[FEATURES];
            Arrays.setAll(parts, i -> tape.slice(features, 0, i * WORDS, WORDS));
            Tensor x = tape.dropout(tape.concatenate(parts), example.rate(0.5), 1);
            Tensor h = tape.dropout(lstm.on(tape, x).last(), example.rate(0.5), 2);
            return tape.crossEntropy(head.on(tape, h), in.labels("verb"));
          };
      var config =
          TrainerConfig.of(Optimizer.adamW(1e-3)).clip(Clip.byNorm(1)).epochs(example.size(8, 3));
      var checkpoints = example.checkpoints("checkpoints");
      var source = batches.over(training).shuffled(1);
      example.core("attachment", verb, source, p);
      try (var trainer = Trainer.of(p, verb, source, config)) {
        trainer.validation(batches.over(development), Metric.accuracy());
        trainer.checkpoints(checkpoints).listener(example).run();
      }
      try (var best = checkpoints.best().orElseThrow().weights()) {
        p.load(best);
      }
      var guess =
          training.stream()
              .collect(
                  Collectors.groupingBy(
                      Phrase::preposition, Collectors.averagingDouble(Phrase::verb)));
      example.picture(() -> chart(p, verb, batches, test, guess));
      return new Example.Result(
          "accuracy", accuracy(p, verb, batches.over(test)), baseline(test, guess));
    }
  }

  private static double accuracy(Parameters p, Objective verb, BatchSource source)
      throws IOException {
    return Evaluator.evaluate(p, verb, source, Metric.accuracy()).metrics().get("accuracy");
  }

  /** Draws both accuracies for each of the prepositions that are most frequent. */
  private static CategoryChart chart(
      Parameters p,
      Objective objective,
      Batches<Phrase> batches,
      List<Phrase> test,
      Map<String, Double> guess)
      throws IOException {
    var frequent =
        new ArrayList<>(test.stream().collect(Collectors.groupingBy(Phrase::preposition)).values());
    frequent.sort(Comparator.comparing(some -> -some.size()));
    var names = new ArrayList<String>();
    var values = List.of(new ArrayList<Double>(), new ArrayList<Double>());
    for (var some : frequent.subList(0, 12)) {
      names.add(some.getFirst().preposition());
      values.get(0).add(baseline(some, guess));
      values.get(1).add(accuracy(p, objective, batches.over(some)));
    }
    var chart = Pictures.bars("To what does the phrase belong?", "preposition", "accuracy");
    chart.addSeries("guess by preposition", names, values.get(0));
    chart.addSeries("network", names, values.get(1));
    return chart;
  }

  /** How often what is more frequent with a preposition is right; the noun with a new one. */
  private static double baseline(List<Phrase> phrases, Map<String, Double> guess) {
    Predicate<Phrase> right =
        phrase -> phrase.verb == (guess.getOrDefault(phrase.preposition(), 0.0) > 0.5 ? 1 : 0);
    return (double) phrases.stream().filter(right).count() / phrases.size();
  }

  /** All four words, then all four beginnings of their paths, shorter ones first. */
  private static List<String> features(Phrase phrase, Map<String, String> paths) {
    var features = new ArrayList<>(phrase.words);
    for (int prefix : PREFIXES) {
      for (String word : phrase.words) {
        features.add(prefix + paths.getOrDefault(word, "").substring(0, prefix));
      }
    }
    return features;
  }

  private static List<Phrase> phrases(Example example, String name, int most) throws IOException {
    return lines(example, name)
        .limit(most)
        .map(line -> new Phrase(List.of(line).subList(1, 5), line[5].equals("V") ? 1 : 0))
        .toList();
  }

  private static Stream<String[]> lines(Example example, String name) throws IOException {
    return example.lines(name, "/data/ppa/" + name).stream().map(line -> line.split("\\s"));
  }
}
