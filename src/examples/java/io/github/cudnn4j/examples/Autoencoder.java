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
 * A sequence autoencoder: the last state of an encoder stands for what was read, and starts a
 * decoder that writes it again, without the most frequent words. By such a title a passage is found
 * among others, and among copies that have two words exchanged.
 *
 * @see <a href="https://arxiv.org/abs/1511.01432">Dai and Le, 2015</a>
 */
final class Autoencoder {

  private static final int COPIES = 5;
  private static final int SIZE = 128;

  /** What is read and what is to be written. */
  private record Pair(int[] read, int[] written) {}

  private Autoencoder() {}

  static Example.Result run(Example example) throws IOException {
    var sentences = Passages.sentences(example);
    var words =
        Vocabulary.mostFrequent(
            Vocabulary.Units.WORDS,
            sentences.stream().flatMap(List::stream),
            example.size(1500, 500));
    int split = sentences.size() / example.size(16, 8);
    var held = Passages.of(sentences.subList(0, split), words);
    var random = new SplittableRandom(1);
    var training = new ArrayList<Pair>();
    for (int[] passage : Passages.of(sentences.subList(split, sentences.size()), words)) {
      for (int[] one :
          List.of(
              passage, Passages.mixed(passage, 8, random), Passages.mixed(passage, 8, random))) {
        training.add(pair(one));
        training.add(pair(Passages.title(one)));
      }
    }
    var asked = held.stream().map(one -> pair(Passages.title(one))).toList();
    var among = new ArrayList<Pair>();
    held.forEach(one -> among.add(pair(one)));
    for (int[] one : held) {
      for (int i = 0; i < COPIES; i++) {
        among.add(pair(Passages.mixed(one, 1, random)));
      }
    }
    int end = words.size();
    var batches =
        Batches.<Pair>of(64)
            .tokens("read", Passages.LENGTH, Pair::read)
            .tokens(
                "before", Passages.LENGTH + 1, pair -> Example.with(new int[] {end}, pair.written))
            .labels("next", "before", pair -> Example.with(pair.written, end));
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var embed = p.embedding("embed", end + 1, 64);
      var encoder = p.rnn("encoder", RnnConfig.gru(64, SIZE));
      var decoder = p.rnn("decoder", RnnConfig.gru(64, SIZE));
      var head = p.linear("head", SIZE, end + 1);
      p.initialize(1);
      Outputs.Model vector =
          (tape, in) ->
              encoder.on(tape, embed.on(tape, in.tokens("read")), in.lengths("read")).last();
      Objective write =
          (tape, in) -> {
            Tensor state = vector.record(tape, in);
            Tensor h = tape.reshape(state, 1, state.dim(0), SIZE);
            // a decoder that saw the words before would guess from them, and need the vector less
            Tensor x = tape.dropout(embed.on(tape, in.tokens("before")), example.rate(0.9), 1);
            Tensor y = decoder.on(tape, x, in.lengths("before"), h, null).y();
            return tape.crossEntropy(head.on(tape, y), in.labels("next"));
          };
      double untrained =
          Vectors.found(
              Vectors.standard(Outputs.of(p, batches.over(asked), vector)),
              Vectors.standard(Outputs.of(p, batches.over(among), vector)));
      int epochs = example.size(4, 8);
      var config =
          TrainerConfig.of(Optimizer.adamW(example.size(3, 10) * 1e-3))
              .clip(Clip.byNorm(1))
              .schedule(Schedule.cosine(20, epochs * (training.size() / 64), 0.05))
              .epochs(epochs);
      var source = batches.over(training).shuffled(1);
      example.core("autoencoder", write, source, p);
      try (var trainer = Trainer.of(p, write, source, config)) {
        trainer.validation(batches.over(asked), Metric.accuracy()).listener(example);
        trainer.checkpoints(example.checkpoints("checkpoints")).run();
      }
      var from = Vectors.standard(Outputs.of(p, batches.over(asked), vector));
      var to = Vectors.standard(Outputs.of(p, batches.over(among), vector));
      var titles = asked.stream().map(pair -> words.decode(pair.read)).toList();
      example.picture(
          () -> {
            var map = VectorMap.of("Titles and passages", titles, from, to, COPIES, 10);
            map.getStyler().setXAxisMin(-9.0).setXAxisMax(9.0);
            return map;
          });
      return new Example.Result(
          "passage ranks first",
          Vectors.found(from, to),
          Vectors.found(bags(asked, end), bags(among, end)),
          Map.of("untrained", untrained, "passages", (double) held.size()));
    }
  }

  private static Pair pair(int[] read) {
    return new Pair(read, Passages.title(read));
  }

  private static List<double[]> bags(List<Pair> pairs, int words) {
    return pairs.stream().map(pair -> Passages.bag(pair.read, words)).toList();
  }
}
