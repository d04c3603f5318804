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

  private static final int WORDS = 12, SIZE = 96, LOOKS = 2;

  /** What is answered, and how much each look is at each thing, {@code [B, THINGS]}. */
  private record Answer(Tensor logits, Tensor[] weights) {}

  private interface Network {
    Answer on(Tape tape, Batch in);
  }

  private interface Looker {
    Answer on(Tape tape, Tensor scene, Tensor question);
  }

  private Questions() {}

  static Example.Result run(Example example) throws IOException {
    var random = new Random(1);
    var training = Scene.draw(random).limit(example.size(24_000, 6_000)).toList();
    var held = Scene.draw(random).limit(500).toList();
    var words =
        Vocabulary.mostFrequent(
            Vocabulary.Units.WORDS, training.stream().flatMap(each -> each.words().stream()), 99);
    var answers = Scene.answers();
    var batches =
        Batches.<Scene>of(32)
            .tokens("question", WORDS, scene -> words.encode(scene.words()))
            .floats("scene", Scene.THINGS, Scene.FEATURES, scene -> scene.vectors())
            .label("answer", scene -> answers.indexOf(scene.answer()));
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var embed = p.embedding("embed", words.size(), 32);
      var reading = p.rnn("reader", RnnConfig.gru(32, SIZE));
      var looker = looker(p, answers.size());
      p.initialize(1);
      Network network =
          (tape, in) -> {
            Tensor x = embed.on(tape, in.tokens("question"));
            Tensor question = reading.on(tape, x, in.lengths("question")).last();
            return looker.on(tape, in.floats("scene"), question);
          };
      Objective right =
          (tape, in) -> tape.crossEntropy(network.on(tape, in).logits, in.labels("answer"));
      var asked = batches.over(held);
      int epochs = example.size(9, 3);
      var config =
          TrainerConfig.of(Optimizer.adamW(3e-3))
              .clip(Clip.byNorm(1))
              .schedule(Schedule.cosine(100, epochs * (training.size() / 32), 0.05))
              .epochs(epochs);
      var source = batches.over(training).shuffled(1);
      try (var trainer = Trainer.of(p, right, source, config)) {
        trainer.validation(asked).listener(example);
        trainer.checkpoints(example.checkpoints("checkpoints")).run();
      }
      var more = Scene.naive(training.stream(), held.stream());
      double naive = Collections.max(more.values());
      Scene shown = Collections.max(held, Comparator.comparing(one -> one.words().size()));
      Outputs.Model weights = (tape, in) -> tape.concatenate(network.on(tape, in).weights);
      var looks = Outputs.of(p, batches.over(List.of(shown)), weights).getFirst();
      example.picture(() -> SceneMap.of(shown, looks));
      return new Example.Result("accuracy", accuracy(p, right, asked), naive, more);
    }
  }

  /** Declares what looks at a scene several times. */
  private static Looker looker(Parameters p, int answers) {
    var keys = p.linear("keys", Scene.FEATURES, SIZE);
    var values = p.linear("values", Scene.FEATURES, SIZE);
    var queries = new LinearLayer[LOOKS];
    Arrays.setAll(queries, i -> p.linear("query" + i, SIZE, SIZE));
    var thoughts = new LinearLayer[LOOKS];
    Arrays.setAll(thoughts, i -> p.linear("thought" + i, 2 * SIZE, SIZE));
    var head = p.linear("head", SIZE, answers);
    return (tape, scene, question) -> {
      var attention = Attention.dot(tape, keys.on(tape, scene), null);
      attention = attention.withValues(values.on(tape, scene));
      Tensor state = question;
      var weights = new Tensor[LOOKS];
      for (int i = 0; i < LOOKS; i++) {
        var seen = attention.on(queries[i].on(tape, state));
        state = tape.tanh(thoughts[i].on(tape, tape.concatenate(state, seen.context())));
        weights[i] = seen.weights();
      }
      return new Answer(head.on(tape, state), weights);
    };
  }

  private static double accuracy(Parameters p, Objective right, BatchSource source)
      throws IOException {
    return Evaluator.evaluate(p, right, source, Metric.accuracy()).metrics().get("accuracy");
  }
}
