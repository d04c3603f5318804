package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * Questions about scenes. A recurrent network reads the question and tells where to look first
 * among the things; what was seen there decides where to look next: at the red square, then at what
 * is left of it.
 *
 * @see <a href="https://arxiv.org/abs/1511.02274">Yang et al., 2015</a>
 */
final class Questions {

  private static final int WORDS = 12, SIZE = 96;

  private Questions() {}

  static Example.Result run(Example example) throws IOException {
    var random = new Random(1);
    var training = Scene.draw(random).limit(example.size(32_000, 12_000)).toList();
    var held = Scene.draw(random).limit(example.size(2_000, 500)).toList();
    var words = words(training);
    var batches =
        Batches.<Scene>of(32)
            .tokens("question", WORDS, scene -> words.encode(scene.words()))
            .floats("scene", Scene.THINGS, Scene.FEATURES, Scene::vectors)
            .label("answer", Scene::label);
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var embed = p.embedding("embed", words.size(), 32);
      var reading = p.rnn("reader", RnnConfig.gru(32, SIZE));
      var looker = Looker.of(p, SIZE);
      p.initialize(1);
      Looker.Network network =
          (tape, in) -> {
            Tensor x = embed.on(tape, in.tokens("question"));
            Tensor question = reading.on(tape, x, in.lengths("question")).last();
            return looker.on(tape, in.floats("scene"), question);
          };
      Objective right =
          (tape, in) -> tape.crossEntropy(network.on(tape, in).logits(), in.labels("answer"));
      int epochs = 4;
      var config =
          TrainerConfig.of(Optimizer.adamW(3e-3))
              .clip(Clip.byNorm(1))
              .schedule(Schedule.cosine(100, epochs * (training.size() / 32), 0.05))
              .epochs(epochs);
      var source = batches.over(training).shuffled(1);
      example.core("questions", right, source, p);
      try (var trainer = Trainer.of(p, right, source, config)) {
        trainer.validation(batches.over(held), Metric.accuracy()).listener(example);
        trainer.checkpoints(example.checkpoints("checkpoints")).run();
      }
      var given = Looker.given(p, network, batches.over(held));
      int shown = shown(held);
      example.picture(() -> SceneMap.of(held.get(shown), given.get(shown)));
      return result(training, held, given);
    }
  }

  /** Tells how many answers are right, also where two looks are needed, beside the naive ones. */
  static Example.Result result(List<Scene> training, List<Scene> held, List<Looker.Given> given) {
    var more = new TreeMap<>(Scene.naive(training, held));
    double naive = Collections.max(more.values());
    if (held.stream().anyMatch(Scene::isFar)) {
      more.put("at the second look", right(held, given, Scene::isFar));
    }
    return new Example.Result("accuracy", right(held, given, _ -> true), naive, more);
  }

  static Vocabulary words(List<Scene> scenes) {
    return Vocabulary.mostFrequent(
        Vocabulary.Units.WORDS, scenes.stream().flatMap(each -> each.words().stream()), 99);
  }

  /** Returns which of the scenes is drawn: one with the longest question. */
  static int shown(List<Scene> scenes) {
    return scenes.indexOf(Collections.max(scenes, Comparator.comparing(one -> one.words().size())));
  }

  private static double right(
      List<Scene> scenes, List<Looker.Given> given, Predicate<Scene> which) {
    return IntStream.range(0, scenes.size())
        .filter(i -> which.test(scenes.get(i)))
        .mapToDouble(i -> scenes.get(i).answer().equals(given.get(i).answer()) ? 1 : 0)
        .average()
        .orElseThrow();
  }
}
