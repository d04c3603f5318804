package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.AttentionKind;
import io.github.cudnn4j.train.*;
import org.jspecify.annotations.Nullable;

/**
 * Pairs that a translator learns from.
 *
 * @param training to learn from
 * @param development to choose a checkpoint by
 * @param test the rest, no source of which is in the others
 * @param longest the most symbols of a text
 */
record Translating(List<Pair> training, List<Pair> development, List<Pair> test, int longest) {

  private static final int BATCH = 64;
  private static final int MOST_SYMBOLS = 10_000;

  /** Shuffles pairs, of each source the first one, and takes so many of them. */
  static Translating of(List<Pair> all, int training, int development, int test, int longest) {
    var sources = new LinkedHashMap<String, Pair>();
    all.forEach(pair -> sources.putIfAbsent(pair.source(), pair));
    var pairs = new ArrayList<>(sources.values());
    Collections.shuffle(pairs, new Random(1));
    int held = development + test;
    return new Translating(
        pairs.subList(held, Math.min(pairs.size(), held + training)),
        pairs.subList(test, held),
        pairs.subList(0, test),
        longest);
  }

  /** Trains a translator; returns it as it was where it did best. */
  Translator train(
      Example example,
      String name,
      Vocabulary.Units source,
      Vocabulary.Units target,
      RnnConfig config,
      @Nullable AttentionKind attention,
      int epochs)
      throws IOException {
    var model =
        Translator.create(
            example.device(),
            vocabulary(source, Pair::source),
            vocabulary(target, Pair::target),
            config,
            attention,
            1);
    try {
      var batches = model.batches(BATCH, longest, longest);
      var records = batches.over(training).shuffled(1).bucketed(20);
      var settings =
          TrainerConfig.of(Optimizer.adam(4e-3))
              .clip(Clip.byNorm(1))
              .schedule(Schedule.cosine(0, epochs * records.batches(), 0.02))
              .epochs(epochs);
      var checkpoints = example.checkpoints(name);
      try (var trainer = Trainer.of(model.parameters(), model, records, settings)) {
        trainer.validation(batches.over(development), Metric.loss()).listener(example);
        trainer.checkpoints(checkpoints).run();
      }
      try (var best = checkpoints.best().orElseThrow().weights()) {
        model.parameters().load(best);
      }
      return model;
    } catch (IOException | RuntimeException e) {
      try (model) {
        throw e;
      }
    }
  }

  private Vocabulary vocabulary(Vocabulary.Units units, Function<Pair, String> side) {
    return Vocabulary.mostFrequent(
        units, training.stream().flatMap(p -> units.split(side.apply(p)).stream()), MOST_SYMBOLS);
  }

  static List<String> sources(List<Pair> pairs) {
    return pairs.stream().map(Pair::source).toList();
  }

  /** Counts the words of translations that are wrong, and the translations with any. */
  ErrorRate errors(Translator model, List<Pair> pairs, int width) {
    var errors = new ErrorRate();
    var found = model.translate(sources(pairs), width, longest);
    for (int i = 0; i < pairs.size(); i++) {
      errors.addWords(pairs.get(i).target(), found.get(i));
    }
    return errors;
  }
}
