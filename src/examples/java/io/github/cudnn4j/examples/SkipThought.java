package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * Skip-thought vectors: the last state of an encoder that reads a phrase starts two decoders, which
 * write the phrase before it and the one behind it. So phrases that occur in the same places have
 * similar vectors, whatever their words are. Here each word but the most frequent ones is written
 * in one of two ways, drawn whenever it occurs; a phrase is found by its vector where all of them
 * are written the other way, among copies that have other words.
 *
 * @see <a href="https://arxiv.org/abs/1506.06726">Kiros et al., 2015</a>
 */
final class SkipThought {

  private static final int COPIES = 5;
  private static final int LONGEST = 12;
  private static final int SIZE = 128;

  /** A phrase and its neighbours. */
  private record Triple(int[] before, int[] here, int[] after) {
    Triple(int[] here) {
      this(here, here, here);
    }
  }

  private SkipThought() {}

  static Example.Result run(Example example) throws IOException {
    var paragraphs =
        Passages.paragraphs(example, 3, LONGEST, example.most(Integer.MAX_VALUE, 1_000));
    var words = Passages.vocabulary(paragraphs, example.size(500, 300));
    int end = 2 * words.size();
    var random = new SplittableRandom(1);
    int held = paragraphs.size() / 16;
    var training = new ArrayList<Triple>();
    for (var one : paragraphs.subList(held, paragraphs.size())) {
      var phrases = one.stream().map(phrase -> drawn(words.encode(phrase), random)).toList();
      for (int i = 1; i + 1 < phrases.size(); i++) {
        training.add(new Triple(phrases.get(i - 1), phrases.get(i), phrases.get(i + 1)));
      }
    }
    var asked =
        paragraphs.subList(0, held).stream()
            .flatMap(List::stream)
            .map(words::encode)
            .filter(phrase -> Passages.title(phrase).length >= 3)
            .map(phrase -> new Triple(drawn(phrase, random)))
            .toList();
    var among = new ArrayList<Triple>();
    asked.forEach(each -> among.add(new Triple(otherWay(each.here))));
    for (Triple each : asked) {
      for (int i = 0; i < COPIES; i++) {
        among.add(new Triple(otherWords(each.here, end, random)));
      }
    }
    var batches =
        Batches.<Triple>of(64)
            .tokens("here", LONGEST, Triple::here)
            .tokens("before", LONGEST + 1, each -> Example.with(new int[] {end}, each.before))
            .labels("write-before", "before", each -> Example.with(each.before, end))
            .tokens("after", LONGEST + 1, each -> Example.with(new int[] {end}, each.after))
            .labels("write-after", "after", each -> Example.with(each.after, end));
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var embed = p.embedding("embed", end + 1, 64);
      var encoder = p.rnn("encoder", RnnConfig.gru(64, SIZE));
      var before = p.rnn("before", RnnConfig.gru(64, SIZE));
      var after = p.rnn("after", RnnConfig.gru(64, SIZE));
      var head = p.linear("head", SIZE, end + 1);
      // small at first, so that what was learnt of a word outweighs what was drawn
      p.init("embed.*", Init.normal(0.05)).initialize(1);
      Outputs.Model vector =
          (tape, in) ->
              encoder.on(tape, embed.on(tape, in.tokens("here")), in.lengths("here")).last();
      Objective write =
          (tape, in) -> {
            Tensor state = vector.record(tape, in);
            Tensor h = tape.reshape(state, 1, state.dim(0), SIZE);
            Function<RnnLayer, Loss> written =
                decoder -> {
                  String side = decoder == before ? "before" : "after";
                  Tensor x = tape.dropout(embed.on(tape, in.tokens(side)), example.rate(0.3), 1);
                  Tensor y = decoder.on(tape, x, in.lengths(side), h, null).y();
                  return tape.crossEntropy(head.on(tape, y), in.labels("write-" + side));
                };
            return tape.sum(written.apply(before), written.apply(after));
          };
      int epochs = example.size(8, 4);
      var config =
          TrainerConfig.of(Optimizer.adamW(example.size(3, 10) * 1e-3))
              .clip(Clip.byNorm(1))
              .schedule(Schedule.cosine(20, epochs * (training.size() / 64), 0.05))
              .epochs(epochs);
      double untrained =
          Vectors.found(
              Vectors.standard(Outputs.of(p, batches.over(asked), vector)),
              Vectors.standard(Outputs.of(p, batches.over(among), vector)));
      var source = batches.over(training).shuffled(1);
      example.core("skip-thought", write, source, p);
      try (var trainer = Trainer.of(p, write, source, config)) {
        trainer.validation(batches.over(asked), Metric.loss()).listener(example);
        trainer.checkpoints(example.checkpoints("checkpoints")).run();
      }
      var from = Vectors.standard(Outputs.of(p, batches.over(asked), vector));
      var to = Vectors.standard(Outputs.of(p, batches.over(among), vector));
      var names =
          asked.stream()
              .map(each -> words.decode(IntStream.of(each.here).map(i -> i / 2).toArray()))
              .toList();
      example.picture(() -> VectorMap.of("Phrases in other words", names, from, to, COPIES, 10));
      return new Example.Result(
          "phrase ranks first",
          Vectors.found(from, to),
          Vectors.found(bags(asked, end), bags(among, end)),
          Map.of("untrained", untrained, "phrases", (double) asked.size()));
    }
  }

  private static List<double[]> bags(List<Triple> phrases, int words) {
    return phrases.stream().map(each -> Passages.bag(each.here, words)).toList();
  }

  /** Draws how each word is written that is not frequent: an even or an odd number. */
  private static int[] drawn(int[] phrase, SplittableRandom random) {
    return IntStream.of(phrase)
        .map(word -> 2 * word + (word > Passages.FREQUENT ? random.nextInt(2) : 0))
        .toArray();
  }

  private static int[] otherWay(int[] phrase) {
    int first = 2 * Passages.FREQUENT + 2;
    return IntStream.of(phrase).map(word -> word < first ? word : word ^ 1).toArray();
  }

  /** Draws another word for each that is not frequent. */
  private static int[] otherWords(int[] phrase, int words, SplittableRandom random) {
    int first = 2 * Passages.FREQUENT + 2;
    var drawn =
        IntStream.of(phrase).map(word -> word < first ? word : random.nextInt(first, words));
    return drawn.toArray();
  }
}
